"""What is completed at the prompt of a chat."""

from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from lms.cli.chat_prompt import completer
from lms.errors import DaemonUnreachable


def away() -> Iterable[str]:
    raise DaemonUnreachable("The daemon does not answer.")


WORDS = {"/model": lambda: ["tiny-chat", "qwen/qwen3-4b", "qwen3"], "/image": "path", "/clear": None, "/preset": away}


def offered(line: str) -> list[str]:
    """What `line` becomes, by each that is offered."""
    found = completer(WORDS).get_completions(Document(line), CompleteEvent(completion_requested=True))  # type: ignore[arg-type]
    return [line[: len(line) + each.start_position] + each.text for each in found]


def test_commands_are_completed_at_the_beginning_of_a_line_only() -> None:
    assert offered("/m") == ["/model"]
    assert offered("") == ["/model", "/image", "/clear", "/preset"]
    assert offered("tell me about /m") == []


def test_behind_a_command_stands_what_belongs_there() -> None:
    assert offered("/model qwen") == ["/model qwen/qwen3-4b", "/model qwen3"]
    assert offered("/clear ") == []


def test_a_picture_is_a_path_which_may_have_spaces(tmp_path: Path) -> None:
    (tmp_path / "my cat.png").touch()
    assert offered(f"/image {tmp_path}/my c") == [f"/image {tmp_path}/my cat.png"]


def test_names_that_cannot_be_told_are_no_obstacle() -> None:
    assert offered("/preset po") == []
