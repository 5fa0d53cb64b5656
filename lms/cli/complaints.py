"""What Typer has against a command line, and the system against a command, in our words. Names nothing hidden."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import typer

from lms.errors import UsageError

TOO_MANY = "Got unexpected extra argument(s)"
# What other programs of this kind call it.
ELSEWHERE = {
    "run": "chat", "pull": "get", "download": "get", "search": "get", "list": "ls", "models": "ls", "remove": "rm",
    "delete": "rm", "stop": "unload", "serve": "server start", "start": "server start", "logs": "log show",
}  # fmt: skip


@contextmanager
def in_our_words(context: typer.Context) -> Iterator[None]:
    """Raises UsageError in place of what Typer raises in the block, for the command that `context` is of."""
    try:
        yield
    except typer.TyperException as error:
        raise UsageError(_message(error, context), hint=_where_to_read(context)) from error


def no_such_command(typed: str, context: typer.Context, commands: Iterable[Any]) -> UsageError:
    """`typed` is none of `commands`."""
    similar = get_close_matches(typed, [str(command.name) for command in commands if not command.hidden])
    if context.parent is None and typed in ELSEWHERE:
        similar = [ELSEWHERE[typed]]
    return UsageError(f"No such command: {typed}.{_did_you_mean(similar)}", hint=_where_to_read(context))


def of_the_system(error: OSError) -> str:
    """What the system says, without the error's number: `/models: Permission denied.`"""
    path = f"{error.filename}: " if error.filename else ""
    return f"{path}{error.strerror or error}."


def _message(error: typer.TyperException, context: typer.Context) -> str:
    name = getattr(error, "option_name", None)
    if name is None:
        message = " ".join(error.format_message().split()).rstrip(".")
        return message.replace(TOO_MANY, "There are more words than it takes") + "."
    options = {each: option for option in context.command.params for each in option.opts}
    if name in options:
        return f"{name} takes {'no' if getattr(options[name], 'is_flag', False) else 'a'} value."
    shown = {each.lstrip("-"): each for each, option in options.items() if not getattr(option, "hidden", False)}
    similar = get_close_matches(name.lstrip("-"), shown)  # dashes would make all of them alike
    return f"No such option: {name}.{_did_you_mean([shown[each] for each in similar])}"


def _did_you_mean(names: list[str]) -> str:
    return f" Did you mean {' or '.join(names)}?" if names else ""


def _where_to_read(context: typer.Context) -> str:
    return f"{context.command_path} --help shows what it takes."
