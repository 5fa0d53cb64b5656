"""`reasoning` of a chat: off, on or an effort, as far as the model's chat template offers it."""

from typing import Any

from lms.client.control import ModelRow
from lms.errors import InvalidRequest


def template_variables(setting: str | None, model: ModelRow) -> dict[str, Any]:
    """What the chat template gets, under the names that requests of OpenAI's form have for it.

    Without a setting it is the default that the list of models shows, and nothing for a model that offers no choice.
    Raises InvalidRequest naming the settings there are.
    """
    if setting is not None and setting not in model.reasoning:
        raise InvalidRequest(
            f"“reasoning” cannot be “{setting}” with “{model.key}”.", hint=_offered(model), param="reasoning"
        )
    chosen = setting or model.reasoning_default
    if chosen is None:
        return {}
    if chosen == "on":
        return {"enable_thinking": True}
    effort = "none" if chosen == "off" else chosen
    return {"enable_thinking": chosen != "off", "reasoning_effort": effort}


def _offered(model: ModelRow) -> str:
    if not model.reasoning:
        return "It offers no choice: leave it out."
    return f"Supported settings: {', '.join(model.reasoning)}."
