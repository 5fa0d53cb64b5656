"""text-embedding-tiny: paraphrases, tokenizer, network, training, evaluation and GGUF file."""
