"""lms: a headless local LLM server that speaks LM Studio's and OpenAI's APIs."""

__version__ = "0.1.0"
