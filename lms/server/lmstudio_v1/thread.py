"""The conversation that a chat goes on with, and how its own turn is kept.

A conversation has one system prompt, which holds until a request brings another one. It is not among the messages that
are kept, but in each turn's record.
"""

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from lms.client.control import LeaseRequest
from lms.errors import ResponseNotFound
from lms.generation.messages import Message, pictures_in
from lms.history.share import Share
from lms.history.turn import Form, Turn, new_id
from lms.server.lmstudio_v1.output import Output
from lms.server.lmstudio_v1.request import ChatCall
from lms.server.requests.storing import is_stored

FORM: Form = "lmstudio_v1"


@dataclass(frozen=True)
class Thread:
    """`messages` are the earlier ones and what is said now, under the system prompt. `stored`: the turn is kept."""

    history: Share
    call: ChatCall
    stored: bool
    system_prompt: str | None
    messages: tuple[Message, ...]

    @property
    def lease(self) -> LeaseRequest:
        """What is wanted of the model, which has to see the pictures of the whole conversation."""
        picture = next((image.param for image in pictures_in(self.messages)), None)
        return msgspec.structs.replace(self.call.lease, picture=picture)

    def kept(self, output: Output) -> dict[str, Any]:
        """The body of the reply, which names the turn if it is kept. Raises HistoryFailed when it cannot be."""
        if not self.stored:
            return output.body()
        turn_id = new_id()
        body = output.body(turn_id)
        record = {"system_prompt": self.system_prompt, "response": body}
        turn = Turn(turn_id, self.call.previous, FORM, (self.call.said, *output.messages()), record, int(time.time()))
        self.history.add(turn)
        return body


def begun(call: ChatCall, history: Share) -> Thread:
    """Raises PreviousResponseNotFound, and InvalidRequest when the turn cannot be kept as it should."""
    stored = is_stored(call.store, history.keeps)
    earlier = history.conversation(call.previous) if call.previous else ()
    prompt = call.system_prompt
    if prompt is None and call.previous:
        prompt = _system_prompt(history, call.previous)
    system = (Message("system", prompt),) if prompt else ()
    return Thread(history, call, stored, prompt, (*system, *earlier, call.said))


def _system_prompt(history: Share, turn_id: str) -> str | None:
    """That of an earlier turn; None where it was kept by another endpoint, which keeps no such thing."""
    try:
        prompt: str | None = history.turn(turn_id, FORM).record["system_prompt"]
    except ResponseNotFound:
        return None
    return prompt
