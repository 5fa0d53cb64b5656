"""tiny-chat: its template, tokenizer, network, training, evaluation and GGUF file."""
