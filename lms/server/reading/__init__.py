"""What a model makes of texts without writing any: tokens, prompts and rankings, as llama.cpp's server tells them."""
