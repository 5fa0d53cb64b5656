"""`/v1/responses`, OpenAI's endpoint that keeps conversations: https://platform.openai.com/docs/api-reference/responses.

Its objects are those of the Open Responses specification as well: https://www.openresponses.org/specification
"""
