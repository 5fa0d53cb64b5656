"""What a family of tool-call formats is: where calls begin, how they are read while they arrive, how they are written.

A reader is a generator over an `Incoming` text, written as if all of it were there: it takes one part after the other
from the text, and yields what it has learnt. From a start marker on

    Started(name)      the function is one of the request's, and its arguments have begun
    Arguments(text)    more of the JSON text of an object
    Ended()            the arguments are complete
    Over()             so is the answer

and so on for further calls of the same region. What comes after its return is content again. It raises `NotACall` when
the text is not in the format: then all that it took since the last thing it yielded is content.

Nothing can be taken back. So `Started` comes with the name and the beginning of the arguments, not before, and never
for a function that was not offered. If the answer is cut off after that, the arguments stay as far as they came, as
OpenAI's do; and if they turn out to be no JSON, they are passed on as the model wrote them.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lms.generation.messages import Tool

if TYPE_CHECKING:
    from lms.text.toolcalls.incoming import Incoming

T = TypeVar("T")


class Started(NamedTuple):
    """A call of one of the request's functions. `id` only where the format has one."""

    name: str
    id: str | None = None


class Arguments(NamedTuple):
    """More of the call's arguments."""

    text: str


class Ended(NamedTuple):
    """The call is complete."""


class Over(NamedTuple):
    """The answer ends here: what would come next is what the calls return, which is not for the model to say."""


class NotACall(Exception):
    """The text is not in the family's format."""


Step = Started | Arguments | Ended | Over
# None asks for more text.
Reading = Generator[Step | None, None, T]
Read = Callable[["Incoming"], Reading[None]]
# Lark rules for llguidance. `calls` is all that a model writes after the start marker to call one of the functions, or
# several of them where that is allowed, with arguments that are valid against their schemas (see `layout.Layout`).
# Names of other rules begin with “call” or “arguments”. Raises Unsupported for what the format cannot enforce.
WriteGrammar = Callable[[Sequence[Tool], bool], str]
# Calls as the model writes them: the names of functions, and the JSON texts of their arguments.
Write = Callable[[Sequence[tuple[str, str]]], str]


@dataclass(frozen=True)
class Family:
    """`mentioned` are texts of which each stands in the source of a chat template of this family.

    `read` begins with one of the `starts`, which may stand anywhere in the content, or one of the `leading` ones, which
    count only where content begins. `markers` are further texts that its reader looks for. Those of all these that are
    a control token of the model are read as text: otherwise control tokens have none. `grammar` continues `start`, and
    `write` is for templates that leave out the calls of a conversation.
    """

    name: str
    mentioned: tuple[str, ...]
    starts: tuple[str, ...]
    read: Read
    grammar: WriteGrammar
    leading: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    write: Write | None = None

    @property
    def start(self) -> str:
        """The marker that calls begin with where they have to be made."""
        return (*self.starts, *self.leading)[0]

    def is_of(self, template_source: str) -> bool:
        """Whether models with this chat template write calls in this format."""
        return all(text in template_source for text in self.mentioned)
