"""Conversations that are kept on disk, so that a request may go on from an answer by its id."""
