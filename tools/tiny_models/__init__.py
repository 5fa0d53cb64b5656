"""Makes the two bundled models: corpus, training, evaluation, GGUF files and model cards.

Development only: it needs PyTorch, `tokenizers` and `gguf`, none of which the product depends on.
"""
