"""Getting models from the hub: resumed, verified, and never seen before they are whole."""
