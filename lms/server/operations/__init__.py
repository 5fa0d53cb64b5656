"""What whoever runs the server asks of it: whether it is well, its figures, and a description of its API."""
