"""The processes that stay: the daemon, which owns all that is loaded, and its front, which clients call."""
