"""Calling one of several functions, with an argument copied from the question; and answering from its result."""

import json
from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.commands import lms_command
from tools.tiny_models.corpus.dialogue import Dialogue, Message, Split, assistant, user
from tools.tiny_models.corpus.functions import KINDS, Function, invented
from tools.tiny_models.corpus.greetings import greeting
from tools.tiny_models.corpus.repeating import repeating
from tools.tiny_models.corpus.sums import one_digit_sum
from tools.tiny_models.corpus.wordings import with_small_changes

INVENTED_SHARE = 0.35
WITHOUT_CALL = (greeting, one_digit_sum, repeating, lms_command)


def calling(rng: Random, split: Split) -> Dialogue:
    """Two to four functions and a question for one of them, now and then a single function."""
    offered = several(rng, rng.choices((1, 2, 3, 4), (1, 5, 4, 2))[0])
    needed = rng.choice(offered)
    value = needed.value(rng, split)
    asked = needed.questions.choose(rng, split).format(value=value)
    asked = asked if "file" in asked else with_small_changes(rng, asked)
    return Dialogue((user(asked),), call(rng, needed, value), tuple(schema(rng, function) for function in offered))


def several(rng: Random, count: int) -> list[Function]:
    """Functions of different kinds."""
    known = iter(rng.sample(KINDS, count))
    return [invented(rng) if rng.random() < INVENTED_SHARE else next(known).function(rng) for _ in range(count)]


def schema(rng: Random, function: Function) -> Message:
    """The function as OpenAI's `tools` describe it."""
    described: Message = {"type": "integer" if function.is_number else "string"}
    if rng.random() < 0.15:
        described["description"] = f"The {function.parameter}"
    parameters: Message = {"type": "object", "properties": {function.parameter: described}}
    if rng.random() < 0.8:
        parameters["required"] = [function.parameter]
    if rng.random() < 0.1:
        parameters["additionalProperties"] = False
    outer: Message = {"name": function.name, "description": function.description, "parameters": parameters}
    if rng.random() < 0.08:
        del outer["description"]
    return {"type": "function", "function": outer}


def call(rng: Random, function: Function, value: str) -> Message:
    """The assistant's message that makes the call."""
    argument = int(value) if function.is_number else value
    arguments = json.dumps({function.parameter: argument}, ensure_ascii=False)
    made = {"type": "function", "function": {"name": function.name, "arguments": arguments}}
    return {"role": "assistant", "content": "", "tool_calls": [made]}


def answering_without_call(rng: Random, split: Split) -> Dialogue:
    """Functions are offered, but the question needs none."""
    plain = rng.choice(WITHOUT_CALL)(rng, split)
    offered = several(rng, rng.randint(1, 3))
    return Dialogue(plain.messages, plain.answer, tuple(schema(rng, function) for function in offered))


def answering_from_result(rng: Random, split: Split) -> Dialogue:
    """The function has been called; its result is passed on."""
    asked = calling(rng, split)
    result = result_text(rng, split)
    tool = {"role": "tool", "tool_call_id": "call", "content": result}
    answer = assistant(f"The result is: {result}")
    return Dialogue((*asked.messages, asked.answer, tool), answer, asked.tools)


def result_text(rng: Random, split: Split) -> str:
    """What a function may return: words, or JSON."""
    if rng.random() < 0.6:
        return values.text(rng, split)
    pairs = {values.word(rng, split): values.number(rng, split, 3) for _ in range(rng.randint(1, 2))}
    return json.dumps({key: int(value) for key, value in pairs.items()})
