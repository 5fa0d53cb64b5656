"""What a person may set: how a model is loaded, and how the server behaves."""
