"""From what was asked to the tokens the model sees, and what has to be known to read its answer."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from lms.engine.answer import tool_call_ids
from lms.engine.fitting import Fitting, spelled
from lms.engine.marked_vocabulary import MarkedVocabulary
from lms.engine.model import Dictation, Guide, Model, Picture, Vocabulary
from lms.engine.overflow import Window
from lms.engine.reasoning_budget import ReasoningBudget
from lms.errors import InvalidRequest, PromptTooLong, Unsupported
from lms.generation.messages import Image, pictures_in
from lms.generation.request import (
    ChatPrompt,
    GenerateRequest,
    InfillPrompt,
    Prompt,
    TextPrompt,
    TokenPrompt,
)
from lms.text.form import Form
from lms.text.pictures import marked
from lms.text.splitter import Splitter
from lms.text.template import CHATML, ChatTemplate
from lms.text.toolcalls import family_for

if TYPE_CHECKING:
    from lms.text.constraints import Constraints

# Tokenizing so much takes some 70 ms.
LARGE_TEXT_CHARACTERS = 200_000
MOST_PICTURES = 64


@dataclass(frozen=True)
class Seen:
    """A prompt as the model sees it: its text as the log shows it, its tokens, and the pictures among them."""

    text: str
    tokens: list[int]
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """`text` is the whole prompt as the log shows it, `echo` as an answer begins with it that is to. The answer is read
    with `vocabulary`.

    So many tokens of a conversation were left out; with a `window` an answer may outgrow the context.
    """

    tokens: list[int]
    text: str
    splitter: Splitter
    vocabulary: Vocabulary
    guide: Guide | None = None
    pictures: tuple[Picture, ...] = ()
    dictation: Dictation | None = None
    truncated_tokens: int = 0
    window: Window | None = None
    echo: str = ""


class PromptReader:
    """Prepares requests for one model. Its chat template is compiled once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        source = model.template or CHATML
        vocabulary = model.vocabulary
        write_calls = family_for(source).write
        self._template = ChatTemplate(source, vocabulary.bos, vocabulary.eos, write_calls=write_calls)
        self._form = Form(source, supports_tools=self._template.supports_tools)
        self._fitting = Fitting(vocabulary, model.context_length, self.read)
        self._constraints: Constraints | None = None

    def prepare(self, request: GenerateRequest) -> Prepared:
        """Raises InvalidRequest for a prompt the template or the vocabulary refuses and for a constraint that cannot be
        enforced, PromptTooLong for a prompt too long, Unsupported for pictures where the model sees none."""
        fitted = self._fitting.fit(request)
        seen = fitted.seen
        check_length(len(seen.tokens), self._model.context_length)
        guide = self._guide(request, seen.text)
        return Prepared(
            seen.tokens,
            seen.text,
            self._form.splitter(request, seen.text, tool_call_ids()),
            self._vocabulary_for(request.prompt, guide),
            guide,
            seen.pictures,
            self._budget(request, seen.text),
            fitted.truncated_tokens,
            fitted.window,
            self._echo(request.prompt, seen) if request.echo else "",
        )

    def close(self) -> None:
        """End the process in which constraints are tried, if there is one."""
        if self._constraints:
            self._constraints.close()

    def read(self, prompt: Prompt) -> Seen:
        """`prompt` as the model sees it. Raises as `prepare` does."""
        vocabulary = self._model.vocabulary
        match prompt:
            case ChatPrompt():
                return self._read_chat(prompt)
            case TextPrompt(text):
                self._check_size(text)
                return Seen(text, vocabulary.tokenize(text, add_special=True))
            case TokenPrompt(tokens):
                check_length(len(tokens), self._model.context_length)
                check_tokens(tokens, len(vocabulary))
                return Seen(f"{list(tokens)}", list(tokens))
            case InfillPrompt():
                return self._read_infill(prompt)

    def _read_infill(self, prompt: InfillPrompt) -> Seen:
        """Prefix, suffix, middle: the order that models with these tokens are trained for."""
        vocabulary = self._model.vocabulary
        if vocabulary.infill is None:
            raise Unsupported(
                "This model has no tokens for what stands before and after a gap, and fills in none.",
                hint="Leave “suffix” out, or use a model for code that was trained for it.",
                param="suffix",
            )
        self._check_size(prompt.prefix + prompt.suffix)
        before, after, gap = vocabulary.infill
        prefix = vocabulary.tokenize(prompt.prefix, add_special=False)
        suffix = vocabulary.tokenize(prompt.suffix, add_special=False)
        tokens = [*self._fitting.opening, before, *prefix, after, *suffix, gap]
        return Seen(spelled(vocabulary, tokens), tokens)

    def _echo(self, prompt: Prompt, seen: Seen) -> str:
        return prompt.text if isinstance(prompt, TextPrompt) else spelled(self._model.vocabulary, seen.tokens)

    def _budget(self, request: GenerateRequest, text: str) -> Dictation | None:
        """What ends the reasoning of an answer in time. A line of its own is what models put the end marker on."""
        markers = self._form.reasoning
        if request.reasoning_budget is None or markers is None or not isinstance(request.prompt, ChatPrompt):
            return None
        vocabulary = self._vocabulary
        closing = vocabulary.tokenize(markers.cut_short, add_special=False)
        inside = markers.left_open_by(text)
        return ReasoningBudget(request.reasoning_budget, markers, closing, vocabulary.piece, inside=inside)

    def _read_chat(self, prompt: ChatPrompt) -> Seen:
        vocabulary, prompt = self._model.vocabulary, self._form.conversation(prompt)
        if images := pictures_in(prompt.messages):
            return self._read_with_pictures(prompt, images)
        text = self._template.render(_in_texts(prompt))
        self._check_size(text)
        return Seen(text, vocabulary.tokenize(text, add_special=not _begins_with(text, vocabulary.bos)))

    def _read_with_pictures(self, prompt: ChatPrompt, images: tuple[Image, ...]) -> Seen:
        vision = self._model.vision
        if vision is None:
            raise Unsupported(
                "The conversation has a picture, and this model sees none.",
                hint="Use one with a vision projector (“vision” in lms ls --json), or leave the picture out.",
                param=images[0].param or None,
            )
        if len(images) > MOST_PICTURES:
            param = images[MOST_PICTURES].param or None
            raise InvalidRequest(f"{len(images)} pictures are too many: {MOST_PICTURES} are taken.", param=param)
        text = self._template.render(_in_texts(prompt, vision.marker))
        self._check_size(text)
        if text.count(vision.marker) != len(images) or text.endswith(vision.marker):
            raise InvalidRequest("This model’s chat template has no place for the picture there.", param="messages")
        add_special = not _begins_with(text, self._model.vocabulary.bos)
        tokens, pictures = vision.read(text, images, add_special=add_special)
        return Seen(text.replace(vision.marker, "[picture]"), tokens, pictures)

    def _check_size(self, text: str) -> None:
        """Refuse at a glance what is far too long: to count the tokens of megabytes would hold up everybody else."""
        if len(text) > LARGE_TEXT_CHARACTERS:
            fewest = max(1, len(text) // self._model.vocabulary.longest_piece_bytes)
            check_length(fewest, self._model.context_length, at_least=True)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        """The model's, in which all that may be a marker has a text."""
        return MarkedVocabulary(self._model.vocabulary, self._form.markers(calls=True))

    @cached_property
    def _vocabulary_without_calls(self) -> Vocabulary:
        return MarkedVocabulary(self._model.vocabulary, self._form.markers(calls=False))

    def _vocabulary_for(self, prompt: Prompt, guide: Guide | None) -> Vocabulary:
        """What is read of the answer: what guides it, and what may be in it. Other control tokens have no text."""
        if guide is not None or (isinstance(prompt, ChatPrompt) and prompt.tools):
            return self._vocabulary
        return self._vocabulary_without_calls if isinstance(prompt, ChatPrompt) else self._model.vocabulary

    def _guide(self, request: GenerateRequest, text: str) -> Guide | None:
        bound = self._form.bound(request, text)
        if bound is None:
            return None
        if self._constraints is None:
            from lms.text.constraints import Constraints  # a tenth of a second to import, and most never need it

            self._constraints = Constraints(self._vocabulary)
        return self._constraints.guide(*bound)


def check_length(prompt_tokens: int, context_length: int, *, at_least: bool = False) -> None:
    """Raises PromptTooLong unless the prompt leaves room for at least one token, InvalidRequest for an empty one."""
    if prompt_tokens == 0:
        raise InvalidRequest("The prompt has no tokens.", hint="Give the model at least one to continue.")
    if prompt_tokens >= context_length:
        raise PromptTooLong(
            f"The prompt has {'at least ' if at_least else ''}{prompt_tokens} tokens, and the context holds "
            f"{context_length} with the answer.",
            hint="Shorten it, or load the model with a longer --context-length.",
        )


def check_tokens(tokens: tuple[int, ...], vocabulary_size: int, param: str | None = None) -> None:
    """Raises InvalidRequest for an id that is no token of the model."""
    wrong = next((token for token in tokens if not 0 <= token < vocabulary_size), None)
    if wrong is not None:
        raise InvalidRequest(f"{wrong} is no token of this model: its ids are 0 to {vocabulary_size - 1}.", param=param)


def _in_texts(prompt: ChatPrompt, marker: str = "") -> ChatPrompt:
    """The conversation as templates want it, with `marker` for each picture."""
    return msgspec.structs.replace(prompt, messages=marked(prompt.messages, marker))


def _begins_with(text: str, bos: str) -> bool:
    return bool(bos) and text.startswith(bos)
