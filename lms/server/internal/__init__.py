"""The daemon's own API, on its private socket only: what the CLI and the front ask of it."""
