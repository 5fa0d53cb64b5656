"""What a request and an answer are, for every API dialect and every engine. Values only."""
