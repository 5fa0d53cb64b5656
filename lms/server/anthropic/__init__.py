"""The endpoints under `/v1/messages`, as Anthropic defines them: https://docs.anthropic.com/en/api/messages."""
