"""The JSON bodies that the OpenAI endpoints and LM Studio's REST API v0 both accept, as LM Studio defines them.

Unknown keys are ignored, because SDKs send many. A documented parameter that cannot be honoured is refused by name.
"""
