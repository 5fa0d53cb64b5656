"""Text in, text out: prompts from conversations, and events from what a model writes. No model library, no clock."""
