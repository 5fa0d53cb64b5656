"""From what was asked to the tokens the model sees, and what has to be known to read its answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lms.engine.answer import tool_call_ids
from lms.engine.model import Guide, Model
from lms.errors import InvalidRequest, PromptTooLong, Unsupported
from lms.generation.request import ChatPrompt, GenerateRequest, InfillPrompt, Prompt, TextPrompt, TokenPrompt
from lms.text.frames import frame_around
from lms.text.reasoning import markers_for
from lms.text.splitter import Splitter
from lms.text.template import CHATML, ChatTemplate
from lms.text.toolcalls import family_for

if TYPE_CHECKING:
    from lms.text.constraints import Constraints

# Tokenizing so much takes some 70 ms.
LARGE_TEXT_CHARACTERS = 200_000


@dataclass(frozen=True)
class Prepared:
    """`text` is the whole prompt as the log shows it."""

    tokens: list[int]
    text: str
    splitter: Splitter
    guide: Guide | None = None


class PromptReader:
    """Prepares requests for one model. Its chat template is compiled once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        source = model.template or CHATML
        self._template = ChatTemplate(source, model.vocabulary.bos, model.vocabulary.eos)
        self._reasoning = markers_for(source)
        self._family = family_for(source)
        self._constraints: Constraints | None = None

    def prepare(self, request: GenerateRequest) -> Prepared:
        """Raises InvalidRequest for a prompt the template or the vocabulary refuses and for a constraint that cannot be
        enforced, PromptTooLong for a prompt too long."""
        text, tokens = self.read(request.prompt)
        check_length(len(tokens), self._model.context_length)
        return Prepared(tokens, text, self._splitter(request, text), self._guide(request, text))

    def close(self) -> None:
        """End the process in which constraints are tried, if there is one."""
        if self._constraints:
            self._constraints.close()

    def read(self, prompt: Prompt) -> tuple[str, list[int]]:
        """The text of `prompt` as the log shows it, and its tokens. Raises as `prepare` does."""
        vocabulary = self._model.vocabulary
        match prompt:
            case ChatPrompt():
                text = self._template.render(prompt)
                self._check_size(text)
                return text, vocabulary.tokenize(text, add_special=not _begins_with(text, vocabulary.bos))
            case TextPrompt(text):
                self._check_size(text)
                return text, vocabulary.tokenize(text, add_special=True)
            case TokenPrompt(tokens):
                check_length(len(tokens), self._model.context_length)
                check_tokens(tokens, len(vocabulary))
                return f"{list(tokens)}", list(tokens)
            case InfillPrompt():
                raise Unsupported("This version does not fill in between a prefix and a suffix.", param="suffix")

    def _check_size(self, text: str) -> None:
        """Refuse at a glance what is far too long: to count the tokens of megabytes would hold up everybody else."""
        if len(text) > LARGE_TEXT_CHARACTERS:
            fewest = max(1, len(text) // self._model.vocabulary.longest_piece_bytes)
            check_length(fewest, self._model.context_length, at_least=True)

    def _splitter(self, request: GenerateRequest, text: str) -> Splitter:
        chat = isinstance(request.prompt, ChatPrompt)
        reasoning = self._reasoning if chat and request.split_reasoning else None
        tools = request.prompt.tools if isinstance(request.prompt, ChatPrompt) else ()
        family = self._family if tools else None
        inside = reasoning is not None and reasoning.left_open_by(text)
        constrained = request.constraint is not None
        return Splitter(
            reasoning,
            family,
            tool_call_ids(),
            tools,
            inside_reasoning=inside,
            only_leading=constrained,
            parallel=request.tool_choice.parallel,
        )

    def _guide(self, request: GenerateRequest, text: str) -> Guide | None:
        if request.constraint is None:
            return None
        if self._constraints is None:
            from lms.text.constraints import Constraints  # a tenth of a second to import, and most never need it

            self._constraints = Constraints(self._model.vocabulary)
        return self._constraints.guide(request.constraint, self._frame(request.prompt, text))

    def _frame(self, prompt: Prompt, text: str) -> str:
        """What the model may write around a constrained answer to `prompt`, which reads as `text`."""
        if not isinstance(prompt, ChatPrompt):
            return ""
        reasoning = self._reasoning
        inside = reasoning is not None and reasoning.left_open_by(text)
        if reasoning and reasoning.closed_by(text):
            reasoning = None
        calls = self._family.grammar(prompt.tools, True) if self._family and prompt.tools else ""
        start = self._family.start if self._family else ""
        return frame_around(reasoning, start, calls, inside_reasoning=inside)


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


def _begins_with(text: str, bos: str) -> bool:
    return bool(bos) and text.startswith(bos)
