"""Which models are loaded: a pure state machine, and the one loop that does what it decides."""
