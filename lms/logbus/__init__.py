"""Log events and the bus that carries them to whoever watches."""
