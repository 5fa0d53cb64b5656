"""The most that load options may be. A module of its own: command lines are checked without importing msgspec."""

MOST_PARALLEL = 256  # sequences that llama.cpp keeps apart
MOST_THREADS = 512  # threads that ggml keeps apart
MOST_BATCH = 2**16
MOST_DEVICES = 16  # that llama.cpp tells apart
MOST_LORAS = 16
MOST_TEMPLATE = 2**20  # characters
MOST_PROMPT_CACHE_MB = 2**30
