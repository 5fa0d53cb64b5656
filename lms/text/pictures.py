"""Pictures in a conversation, for chat templates that are written for texts. Pure.

Templates have a word of their own for a picture each; what stands around one is for the model's library to add
(llama.cpp's mtmd does). So a template gets texts only, with a marker where a picture is.
"""

from collections.abc import Iterable

import msgspec

from lms.generation.messages import Image, Message, Part


def marked(messages: Iterable[Message], marker: str) -> tuple[Message, ...]:
    """`messages` with a text for their contents, in which `marker` stands for every picture."""
    return tuple(
        message
        if isinstance(message.content, str)
        else msgspec.structs.replace(message, content=_text(message.content, marker))
        for message in messages
    )


def _text(parts: Iterable[Part], marker: str) -> str:
    """Texts that follow each other begin new lines; a picture stands where it is, as llama-server has it."""
    text, after_text = "", False
    for part in parts:
        if isinstance(part, Image):
            text, after_text = text + marker, False
        else:
            text, after_text = f"{text}\n{part.text}" if after_text else text + part.text, True
    return text
