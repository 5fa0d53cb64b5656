"""LM Studio's REST API v0 under `/api/v0`: OpenAI's shapes with statistics and facts about the model."""
