"""Pictures among other tokens: llama.cpp sees them as its own helper shows them, whatever is reused or shared.

The oracle is `mtmd_helper_eval_chunks` over a context that holds nothing else.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from threading import Event

import llama_cpp.llama_cpp as C
import llama_cpp.mtmd_cpp as M
import numpy as np
import pytest

from lms.config.load import LoadConfig
from lms.engine.batch import FRESH_TOKENS, Batch, Progressed, Sampled
from lms.engine.llama import LlamaModel
from lms.engine.llama_decoder import TokenBatch
from lms.engine.llama_vision import LlamaVision
from lms.engine.model import Picture
from lms.engine.protocol import EngineSpec
from lms.engine.scheduler import Limits
from lms.engine.states import StateStore
from lms.errors import Unsupported
from lms.generation.messages import Image
from lms.generation.request import DEFAULT_SAMPLING, Sampling
from tests.engine.kinds import EMBEDDING, hybrid, recurrent, rowed, windowed
from tests.engine.processes import bundled
from tests.engine.projectors import PROJECTORS, marked, plain, rows, sent, tiled, whole
from tests.engine.test_llama_kinds import shares_beginnings

GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0).over(DEFAULT_SAMPLING)
ANSWER_TOKENS, COMPARED, ROUNDED = 6, 20, 0.1
STORED_BYTES = 64 << 20
CHAT_WIDTH = 160

RED, BLUE, WIDE = sent("red"), sent("blue"), sent("green", (140, 60))

# Kinds of memory with the projectors that show them pictures. All others go with the bundled chat model.
KINDS = {
    "rows": (rowed, rows),
    "recurrent": (recurrent, plain),
    "hybrid": (hybrid, tiled),
    "windowed": (windowed, whole),
}
EVERY_KIND = (*PROJECTORS, *KINDS)

Prompt = tuple[list[int], tuple[Picture, ...]]


@dataclass(eq=False)
class Said:
    """An answer, and at each of its tokens the likeliest ones with the logarithms of their probabilities.

    Two are equal that differ by no more than what llama.cpp rounds otherwise in other passes, as far as they say the
    same: of two tokens that are equally likely either may come, and what follows differs.
    """

    tokens: list[int] = field(default_factory=list)
    likeliest: list[dict[int, float]] = field(default_factory=list)

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Said)
        pairs = zip(self.tokens, self.likeliest, other.tokens, other.likeliest, strict=True)
        for mine, my_likeliest, theirs, their_likeliest in pairs:
            for token in {mine, theirs}:
                if abs(my_likeliest.get(token, 1) - their_likeliest.get(token, -1)) > ROUNDED:
                    return False
            if mine != theirs:
                break
        return True


def loaded(kind: str, folder: pytest.TempPathFactory, **config: object) -> LlamaModel:
    path = folder.mktemp("vision")
    model, projector = KINDS.get(kind, (None, PROJECTORS.get(kind, marked)))
    file = str(model(path / "model.gguf")) if model else bundled("tiny-chat")
    shower = projector(path / "mmproj.gguf", EMBEDDING if model else CHAT_WIDTH)
    asked = LoadConfig(1024, 4, **config)  # type: ignore[arg-type]
    spec = EngineSpec("llama", file, kind, kind, "", asked, projector_path=str(shower))
    return LlamaModel(spec, lambda progress: None)


@pytest.fixture(scope="module", params=[*EVERY_KIND, *(f"{kind} split" for kind in EVERY_KIND)])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaModel]:
    kind, _, split = request.param.partition(" ")
    model = loaded(kind, tmp_path_factory, unified_kv=not split)
    assert model.warnings == ()
    yield model
    model.close()


def seen_by(model: LlamaModel) -> LlamaVision:
    assert model.vision is not None
    return model.vision


def prompt(model: LlamaModel, *parts: str | Image) -> Prompt:
    vision = seen_by(model)
    text = "".join(part if isinstance(part, str) else vision.marker for part in parts)
    return vision.read(text, [part for part in parts if isinstance(part, Image)], add_special=True)


def batch(model: LlamaModel, stored_bytes: int = 0, *, speculates: bool = False) -> Batch:
    decoder = model.decoder()
    store = StateStore(stored_bytes, divisible=decoder.states_divisible)
    fresh = Batch(decoder, Limits(512, 64), store, speculates=speculates)
    fresh.reset()
    return fresh


def answered(batch: Batch, *prompts: Prompt) -> tuple[list[Said], list[int]]:
    """The answers to prompts that arrive together, and how many tokens of each were cached."""
    answers, cached = [Said() for _ in prompts], [0] * len(prompts)
    for uid, (tokens, pictures) in enumerate(prompts):
        batch.insert(uid, tokens, GREEDY, pictures=pictures, logprobs=COMPARED)
    while batch.running + batch.waiting:
        for outcome in batch.step():
            match outcome:
                case Progressed(uid, _, _, found):
                    cached[uid] = found
                case Sampled(uid, drawn, _, likelihoods):
                    answers[uid].tokens += drawn
                    answers[uid].likeliest += [dict(likelihood.top) for likelihood in likelihoods]
                    if len(answers[uid].tokens) >= ANSWER_TOKENS:
                        batch.remove(uid)
    return [Said(said.tokens[:ANSWER_TOKENS], said.likeliest[:ANSWER_TOKENS]) for said in answers], cached


def alone(model: LlamaModel, *prompts: Prompt) -> list[Said]:
    """The answer to each when nothing is remembered."""
    return [answered(batch(model), prompt)[0][0] for prompt in prompts]


def as_its_helper_has_it(model: LlamaModel, shown: Prompt) -> Said:
    """What llama.cpp answers when its own helper processes the prompt in a context of its own."""
    params = C.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = 1024, 512, 512
    context = C.llama_init_from_model(model._model, params)
    chunks = shown[1][0].content.prompt.native
    after = C.llama_pos(0)
    assert M.mtmd_helper_eval_chunks(seen_by(model)._native, context, chunks, 0, 0, 512, True, ctypes.byref(after)) == 0
    said = Said()
    for position in range(after.value, after.value + ANSWER_TOKENS):
        _take_likeliest(said, context, len(model.vocabulary))
        batch = TokenBatch(1)
        batch.add(0, position, said.tokens[-1:], wanted=1)
        assert C.llama_decode(context, batch.native) == 0
    C.llama_free(context)
    return said


def _take_likeliest(said: Said, context: C.llama_context_p, vocabulary: int) -> None:
    logits = np.ctypeslib.as_array(C.llama_get_logits_ith(context, -1), (vocabulary,)).astype(np.float64)
    logprobs = logits - np.log(np.exp(logits).sum())
    said.likeliest.append({int(token): float(logprobs[token]) for token in np.argsort(logprobs)[-COMPARED:]})
    said.tokens.append(int(logprobs.argmax()))


def test_a_picture_is_seen_as_llama_cpp_shows_it(model: LlamaModel) -> None:
    for shown in (prompt(model, "See ", RED, " now"), prompt(model, BLUE, "one, ", WIDE, " two. Then")):
        assert alone(model, shown) == [as_its_helper_has_it(model, shown)]


def test_what_is_shown_and_in_which_order_matters(model: LlamaModel) -> None:
    shown = [(RED, BLUE), (BLUE, RED), (RED, RED)]
    tokens = [prompt(model, first, " and ", second, " are")[0] for first, second in shown]
    answers = alone(model, *(prompt(model, first, " and ", second, " are") for first, second in shown))
    assert len({*map(tuple, tokens)}) == 3
    assert not any(one.likeliest == other.likeliest for one, other in combinations(answers, 2))


def test_a_picture_that_was_seen_is_not_looked_at_again(model: LlamaModel) -> None:
    served = batch(model, STORED_BYTES)
    shown = [
        prompt(model, "What I show you has to be looked at with some care: ", RED, " Well then?") for _ in range(2)
    ]
    first, again = (answered(served, one) for one in shown)
    assert again[0] == first[0]
    assert first[1] == [0]
    assert again[1] == [(len(shown[0][0]) - FRESH_TOKENS) * shares_beginnings(model)]


def test_another_picture_is_not_taken_for_it(model: LlamaModel) -> None:
    served, start = batch(model, STORED_BYTES), prompt(model, "See ", BLUE, " now")[1][0].start
    answered(served, prompt(model, "See ", RED, " now"))
    answers, cached = answered(served, prompt(model, "See ", BLUE, " now"))
    assert answers == alone(model, prompt(model, "See ", BLUE, " now"))
    assert cached == [start if shares_beginnings(model) and model.decoder().divisible else 0]


def test_a_conversation_goes_on_behind_its_pictures(model: LlamaModel) -> None:
    served = batch(model)
    tokens, pictures = prompt(model, "See ", RED, " and ", WIDE, " now")
    (said,), _ = answered(served, (tokens, pictures))
    turn = (tokens + said.tokens + model.vocabulary.tokenize(" What of it?", add_special=False), pictures)
    answers, cached = answered(served, turn)
    assert cached[0] >= len(tokens) - 2
    assert answers == alone(model, turn)


def test_those_who_come_together_share_what_they_begin_with(model: LlamaModel) -> None:
    begun = "They were all told the same, and were shown the same picture: "
    prompts = [prompt(model, begun, WIDE, f" What is number {number}?") for number in range(3)]
    answers, cached = answered(batch(model, STORED_BYTES), *prompts)
    assert answers == alone(model, *prompts)
    assert min(cached[1:]) >= prompts[0][1][-1].end * shares_beginnings(model)


def test_texts_beside_pictures_are_answered_as_alone(model: LlamaModel) -> None:
    vocabulary = model.vocabulary
    texts: list[Prompt] = [
        (vocabulary.tokenize(text, add_special=True), ()) for text in ("Once upon a time", "One, two, three, " * 20)
    ]
    pictures = [prompt(model, "See ", RED, " now"), prompt(model, WIDE, BLUE, " here and there")]
    together = [texts[0], pictures[0], texts[1], pictures[1]]
    assert answered(batch(model), *together)[0] == alone(model, *together)


def test_one_who_leaves_before_its_picture_was_seen_leaves_the_others_alone(model: LlamaModel) -> None:
    served = batch(model)
    leaving, staying = prompt(model, "See ", RED, " and ", BLUE, " now"), prompt(model, "See ", RED, " then")
    served.insert(9, leaving[0], GREEDY, pictures=leaving[1])
    served.step()
    served.step()
    served.remove(9)
    assert answered(served, staying)[0] == alone(model, staying)
    assert answered(served, leaving)[0] == alone(model, leaving)


@pytest.fixture
def busy_encoder(model: LlamaModel) -> Iterator[Event]:
    """The encoder looks at nothing before the event."""
    freed = Event()
    seen_by(model)._encoder.submit(freed.wait)
    yield freed
    freed.set()


def test_others_are_answered_while_a_picture_waits_for_the_encoder(model: LlamaModel, busy_encoder: Event) -> None:
    served, picture = batch(model), prompt(model, "See ", RED, " now")
    served.insert(9, picture[0], GREEDY, pictures=picture[1])
    text: Prompt = model.vocabulary.tokenize("Once upon a time", add_special=True), ()
    served.insert(1, text[0], GREEDY)
    drawn: dict[int, list[int]] = {}
    while len(drawn.get(1, [])) < ANSWER_TOKENS:
        for outcome in served.step():
            if isinstance(outcome, Sampled):
                drawn.setdefault(outcome.uid, []).extend(outcome.tokens)
    assert set(drawn) == {1}
    busy_encoder.set()
    while 9 not in drawn:
        drawn |= {outcome.uid: [*outcome.tokens] for outcome in served.step() if isinstance(outcome, Sampled)}


def test_a_picture_that_nobody_waits_for_any_more_is_not_encoded(model: LlamaModel, busy_encoder: Event) -> None:
    served, picture = batch(model), prompt(model, "See ", RED, " now")
    served.insert(9, picture[0], GREEDY, pictures=picture[1])
    served.step()
    served.step()
    encoded = picture[1][0].content.encoded
    served.remove(9)
    del picture
    busy_encoder.set()
    assert encoded.result() is None


def test_what_memory_has_no_room_for_is_put_back_with_its_pictures(model: LlamaModel) -> None:
    told = [prompt(model, f"{number}: ", WIDE, "and a word, " * 50, RED, " now") for number in range(4)]
    asked = model.vocabulary.tokenize(" And then?", add_special=False)
    served = batch(model, STORED_BYTES)
    said = [answered(served, one)[0][0] for one in told]
    turns = [(tokens + said.tokens + asked, pictures) for (tokens, pictures), said in zip(told, said, strict=True)]
    found = [answered(served, turn) for turn in turns]
    assert [cached for _, (cached,) in found] == [len(tokens) + ANSWER_TOKENS - 1 for tokens, _ in told]
    assert [answer for (answer,), _ in found] == alone(model, *turns)


def test_guesses_change_nothing(model: LlamaModel) -> None:
    shown = prompt(model, "See ", RED, " now. See ", RED, " now. See ", RED, " now. See")
    assert answered(batch(model, speculates=True), shown)[0] == alone(model, shown)


def test_a_picture_that_is_seen_as_a_whole_has_to_fit_into_what_is_computed_together(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = loaded("whole", tmp_path_factory, micro_batch_size=8)
    with pytest.raises(Unsupported, match="16 tokens"):
        prompt(model, "See ", RED, " now")
    model.close()


def test_a_projector_whose_tokens_the_vocabulary_lacks_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = loaded("marked", tmp_path_factory)
    with pytest.raises(Unsupported, match="vocabulary lacks tokens"):
        prompt(model, "See ", RED, " now")
    model.close()


def test_a_projector_for_another_model_leaves_one_that_reads(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = PROJECTORS["plain"](tmp_path_factory.mktemp("vision") / "mmproj.gguf", CHAT_WIDTH + 32)
    spec = EngineSpec("llama", bundled("tiny-chat"), "tiny", "tiny", "", LoadConfig(512, 1), projector_path=str(path))
    model = LlamaModel(spec, lambda progress: None)
    assert model.vision is None
    assert "sees no pictures" in model.warnings[0]
    model.close()
