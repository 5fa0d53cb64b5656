"""The commands as values, read from the program itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from typer.main import get_command

from lms.cli.app import app
from lms.cli.config import SERVER
from lms.config.presets import Preset
from lms.config.settings import Settings
from tools.cli_files import settings

# What `lms complete` is asked for where that stands in a help text, and what the shell itself knows.
SOURCES = {
    "model-key": "models",
    "model": "models",
    "KEY": "models",
    "identifier": "identifiers",
    "preset": "presets",
    "PRESET": "presets",
    "token-id": "tokens",
}
FILES = ("path", "FILE", "FILE[:scale]")


@dataclass(frozen=True)
class Option:
    """`names` are long first; `metavar` is None for a flag; `choices` are the values that can be spelled out.

    `section` is the title that it stands under in the help, empty for those that all commands have in common.
    """

    names: tuple[str, ...]
    metavar: str | None
    help: str
    section: str = ""

    @property
    def source(self) -> str | None:
        return SOURCES.get(self.metavar or "")

    @property
    def is_file(self) -> bool:
        return self.metavar in FILES

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(word for word in (self.metavar or "").split("|") if re.fullmatch("[a-z][a-zA-Z0-9_]*", word))


@dataclass(frozen=True)
class Argument:
    """`words` may stand there beside what its source knows, and some of `after` behind certain words."""

    name: str
    help: str
    words: tuple[str, ...] = ()
    after: settings.After = ()

    @property
    def source(self) -> str | None:
        return SOURCES.get(self.name)

    @property
    def is_file(self) -> bool:
        return self.name in FILES


@dataclass(frozen=True)
class Command:
    """`words` is the whole path, `lms` included. A group has children and no arguments."""

    words: tuple[str, ...]
    help: str
    examples: tuple[str, ...]
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    children: tuple["Command", ...]

    @property
    def name(self) -> str:
        return self.words[-1]

    @property
    def path(self) -> str:
        return " ".join(self.words)

    @property
    def summary(self) -> str:
        """The first sentence, without its full stop."""
        return self.help.partition(". ")[0].rstrip(".")

    def walk(self) -> Iterator["Command"]:
        """This command and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def read() -> Command:
    """The root command. What is hidden is left out."""
    return _command(get_command(app), ("lms",))


def _command(command: Any, words: tuple[str, ...]) -> Command:
    shown = [parameter for parameter in command.params if not parameter.hidden]
    options = [_option(each) for each in shown if each.param_type_name == "option"]
    subcommands = getattr(command, "commands", {})
    return Command(
        words,
        " ".join(command.help.split()),
        tuple(line.strip() for line in (command.epilog or "").splitlines()[2:]),
        tuple(_argument(each, words) for each in shown if each.param_type_name == "argument"),
        tuple(sorted(options, key=lambda option: bool(option.section))),
        tuple(_command(child, (*words, name)) for name, child in subcommands.items() if not child.hidden),
    )


def _argument(argument: Any, words: tuple[str, ...]) -> Argument:
    """Those of `lms config` know more than their names say."""
    name, help_ = argument.metavar, argument.help
    if words[:3] == ("lms", "config", "preset"):
        after = {"setting": settings.names_of_presets(), "value": settings.values([Preset])}
        return Argument(name, help_, after=after.get(name, ()))
    if words[:2] == ("lms", "config"):
        after = {
            "setting": settings.names_after_scope(),
            "value": settings.values([Settings, *settings.OF_MODELS]),
        }
        return Argument(name, help_, (SERVER,) if name == "model" else (), after.get(name, ()))
    return Argument(name, help_)


def _option(option: Any) -> Option:
    names = tuple(sorted(option.opts, key=len, reverse=True))
    metavar = None if option.is_flag else option.metavar
    return Option(names, metavar, option.help, option.rich_help_panel or "")
