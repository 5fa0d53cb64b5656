"""LM Studio's REST API v1 under `/api/v1`: https://lmstudio.ai/docs/developer/rest. Chats with a memory, and models.

Its schemas are closed: a key that they do not have is refused.
"""
