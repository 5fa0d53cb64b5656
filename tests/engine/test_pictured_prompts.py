"""Requests with pictures, from the conversation to the answer, over the fake model."""

import pytest

from lms.config.load import LoadConfig
from lms.engine.fake import FakeModel
from lms.engine.fake_vision import PICTURE_TOKENS
from lms.engine.prompts import MOST_PICTURES
from lms.engine.protocol import EngineSpec
from lms.engine.worker import Worker
from lms.errors import InvalidRequest, PromptTooLong, Unsupported
from lms.generation.events import PromptProgress, WasRead
from lms.generation.messages import Image, Message, Text
from lms.generation.request import ChatPrompt, DraftModel, GenerateRequest, ReadRequest
from lms.logbus.records import PredictionInput
from tests.engine.projectors import picture
from tests.engine.rig import FakeClock, Rig

RED, BLUE = Image(picture("red"), "first"), Image(picture("blue"), "second")


def seeing(config: LoadConfig | None = None, *, template: str | None = None, projector: str = "mmproj.gguf") -> Rig:
    clock, published = FakeClock(), []
    spec = EngineSpec("fake", "/fake.gguf", "fake", "fake", "", config or LoadConfig(), projector_path=projector)
    model = FakeModel(spec, clock.spend)
    model.template = template or model.template
    return Rig(Worker(spec, model, published.append, clock), clock, published)


def asked(*parts: str | Image) -> ChatPrompt:
    content = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return ChatPrompt((Message("user", content),))


def answer(served: Rig, uid: int, *parts: str | Image) -> str:
    served.worker.submit(uid, GenerateRequest(asked(*parts)))
    served.run()
    return served.text(uid)


def test_an_answer_depends_on_what_is_shown_and_in_which_order() -> None:
    served = seeing()
    shown = [(RED, BLUE), (BLUE, RED), (RED, RED), (RED,)]
    answers = [answer(served, uid, "see ", *images, " now") for uid, images in enumerate(shown)]
    assert len(set(answers)) == len(shown)
    assert all(said.startswith("You said: see ") and said.endswith(" now") for said in answers)


def test_the_tokens_of_pictures_are_counted_and_those_seen_before_as_cached() -> None:
    served = seeing()
    assert answer(served, 1, "see ", " now") == "You said: see \n now"
    usages = []
    for uid in (2, 3):
        answer(served, uid, "see ", RED, BLUE, " now")
        usages.append(served.finished(uid).usage)
    assert usages[0].prompt == served.finished(1).usage.prompt - 1 + 2 * PICTURE_TOKENS
    assert usages[1].cached > usages[0].cached + 2 * PICTURE_TOKENS


def test_the_log_says_where_a_picture_is_and_no_marker() -> None:
    served = seeing()
    answer(served, 1, "see ", RED, " now")
    (said,) = [data for data in served.published if isinstance(data, PredictionInput)]
    assert "see [picture] now" in said.input


def test_progress_counts_a_picture_at_once() -> None:
    served = seeing()
    answer(served, 1, RED, " now")
    told = [event for event in served.events[1] if isinstance(event, PromptProgress)]
    assert told[-1].processed == told[-1].total


def test_a_model_without_a_projector_refuses_a_picture_by_its_field() -> None:
    with pytest.raises(Unsupported, match="this model sees none") as refused:
        seeing(projector="").worker.submit(1, GenerateRequest(asked("see ", BLUE)))
    assert refused.value.param == "second"


@pytest.mark.parametrize("content", [b"", picture("red")[:-30], b"\x89PNG\r\n\x1a\nand no more"])
def test_what_is_no_whole_picture_is_refused_by_its_field(content: bytes) -> None:
    served = seeing()
    with pytest.raises(InvalidRequest) as refused:
        served.worker.submit(1, GenerateRequest(asked(RED, Image(content, "third"))))
    assert refused.value.param == "third"
    assert not served.worker.is_busy


def test_too_many_pictures_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="too many"):
        seeing().worker.submit(1, GenerateRequest(asked(*[RED] * (MOST_PICTURES + 1), "see")))


def test_pictures_fill_the_context_as_text_does() -> None:
    with pytest.raises(PromptTooLong):
        seeing(LoadConfig(context_length=64)).worker.submit(1, GenerateRequest(asked(*[RED] * 10, "see")))


def test_a_template_that_leaves_a_picture_out_refuses_it() -> None:
    served = seeing(template="{% for m in messages %}{{ m.content.split('<__')[0] }}{% endfor %}<|model|>")
    with pytest.raises(InvalidRequest, match="no place for the picture"):
        served.worker.submit(1, GenerateRequest(asked("see ", RED)))


def test_a_prompt_that_ends_in_a_picture_is_refused() -> None:
    served = seeing(template="{% for m in messages %}{{ m.content }}{% endfor %}")
    with pytest.raises(InvalidRequest, match="no place for the picture"):
        served.worker.submit(1, GenerateRequest(asked("see ", RED)))


def test_a_text_that_spells_the_marker_is_not_taken_for_a_picture() -> None:
    served = seeing()
    with pytest.raises(InvalidRequest):
        served.worker.submit(1, GenerateRequest(asked("<__picture__>", RED, " now")))
    assert answer(served, 2, "<__picture__>") == "You said: <__picture__>"


def test_what_is_read_has_a_number_for_each_token_of_a_picture() -> None:
    (was_read,) = seeing().worker.submit(1, ReadRequest(asked("a", RED, "b")))
    assert isinstance(was_read, WasRead)
    assert was_read.tokens.count(-1) == PICTURE_TOKENS
    assert min(was_read.tokens) == -1


@pytest.mark.parametrize("key", ["right", "wrong"])
def test_a_draft_model_that_sees_nothing_changes_nothing(key: str) -> None:
    served = seeing(LoadConfig(speculation="ngram"))
    request = GenerateRequest(asked("count to 30", RED, " now"), draft_model=DraftModel(key, f"/{key}.gguf"))
    served.worker.submit(1, request)
    served.run()
    assert served.text(1) == answer(seeing(), 1, "count to 30", RED, " now")
