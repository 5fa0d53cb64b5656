"""How a function becomes a command: it gets the session, and the options that all commands have are taken care of.

Options that every command has are plain flags on purpose, `--help` included: Typer 0.29 imports pydantic (75 ms) as
soon as it has any other kind of option to convert, its own `--help` among them, and `lms ps --json` should stay quick.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from lms.cli import exits
from lms.cli import remote as elsewhere
from lms.cli.complaints import in_our_words, no_such_command
from lms.cli.output import LEVELS, Level
from lms.cli.session import Session
from lms.errors import UsageError

# Characters: more than any first sentence has. What is cut off ends in dots and says nothing.
UNCUT = 1000

Function = TypeVar("Function", bound=Callable[..., None])
Examples = Sequence[tuple[str, str]]


def show_help(context: typer.Context, wanted: bool) -> None:
    """Print the command's help on stdout and end."""
    if wanted:
        typer.echo(context.get_help())
        raise typer.Exit()


Help = Annotated[
    bool, typer.Option("--help", "-h", is_eager=True, callback=show_help, help="Show this message and exit.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, errors as JSON on stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", hidden=True, help="No talk on stderr, only data on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", hidden=True, help="Say more, with a traceback on a bug.")]
LogLevel = Annotated[str | None, typer.Option("--log-level", hidden=True, help=f"One of {', '.join(LEVELS)}.")]

# Texts that are taken as they come, so that Typer need not look at them.
_AS_TYPED = ("remote_host", "remote_port")
_EVERYWHERE = {"as_json": Json, "quiet": Quiet, "verbose": Verbose, "help_": Help}


class Plain(TyperCommand):
    """A command that refuses a wrong command line in our words, and whose help lists its options under the titles that
    they name as `rich_help_panel`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for parameter in self.params:
            if parameter.name in _AS_TYPED:
                parameter.process_value = lambda ctx, value: value  # type: ignore[method-assign]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with in_our_words(ctx):
            return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            default = "Arguments" if parameter.param_type_name == "argument" else "Options"
            record = parameter.get_help_record(ctx)
            if record is not None:
                name = record[0].partition(" <")[0] if default == "Arguments" else record[0]  # no `<list[str]>`
                title = getattr(parameter, "rich_help_panel", None) or default
                sections.setdefault(title, []).append((name, record[1]))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Sections(TyperGroup):
    """A group whose help lists its commands under the titles that they name as `rich_help_panel`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with in_our_words(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands:
            raise no_such_command(args[0], ctx, self.commands.values())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            if command.hidden:
                continue
            title = getattr(command, "rich_help_panel", None) or "Commands"
            sections.setdefault(title, []).append((name, command.get_short_help_str(UNCUT)))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def group(name: str, help_: str, examples: Examples = ()) -> typer.Typer:
    """A group of commands. Without a subcommand it prints its help on stderr and ends with 2."""
    app = typer.Typer(
        name=name,
        cls=Sections,
        help=help_,
        epilog=_epilog(examples),
        add_completion=False,
        add_help_option=False,
        rich_markup_mode=None,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def without_subcommand(context: typer.Context, help_: Help = False) -> None:
        require_subcommand(context)

    return app


def require_subcommand(context: typer.Context) -> None:
    """A group alone is no command: help on stderr, and the exit code of a wrong command line."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(exits.USAGE)


def command(
    app: typer.Typer,
    name: str,
    *,
    section: str | None = None,
    examples: Examples = (),
    hidden: bool = False,
    dashes: bool = False,
    remote: bool = False,
) -> Callable[[Function], Function]:
    """Register a function `(session, …) -> None` as command `name` of `app`.

    It is called once the flags that all commands have are applied to the session's output. `--log-level` comes with
    commands that have an argument or a valued option anyway: the module's docstring says why not with all. A parameter
    that is a dataclass stands for its fields: a value of it is made of the options that they are. With `dashes` a word
    that begins with a dash and is no option of the command is an argument, such as a number below 0. With `remote` the
    daemon of another machine may be asked in place of this one's.
    """

    def register(function: Function) -> Function:
        def perform(context: typer.Context, **given: Any) -> None:
            session: Session = context.obj
            session.output.as_json = given.pop("as_json")
            session.output.level = talk_level(given.pop("quiet"), given.pop("verbose"), given.pop("log_level", None))
            given.pop("help_")
            if remote:
                session.place = elsewhere.place(given.pop("remote_host"), given.pop("remote_port"), session.environ)
            _perform(session, lambda: function(session, **_bundled(function, given)))

        perform.__doc__ = function.__doc__
        perform.__signature__ = _signature(function, remote)  # type: ignore[attr-defined]
        perform.__annotations__ = {}
        epilog = _epilog(examples)
        register_with = app.command(
            name,
            cls=Plain,
            context_settings={"ignore_unknown_options": True} if dashes else None,
            epilog=epilog,
            add_help_option=False,
            rich_help_panel=section,
            hidden=hidden,
        )
        register_with(perform)
        return function

    return register


def talk_level(quiet: bool, verbose: bool, level: str | None) -> Level:
    """How much is said on stderr. Raises UsageError when more than one of the three flags says so."""
    if quiet + verbose + (level is not None) > 1:
        raise UsageError("Only one of --quiet, --verbose and --log-level can be given.")
    if quiet or verbose:
        return "none" if quiet else "debug"
    for known in LEVELS:
        if known == (level or "info"):
            return known
    raise UsageError(f"“{level}” is no log level.", hint=f"Choose one of {', '.join(LEVELS)}.")


def _perform(session: Session, function: Callable[[], None]) -> None:
    """Run it, and see that the output arrived. Both errors are met here: further out Typer answers them its own way."""
    try:
        function()
        session.output.close()
    except BrokenPipeError as error:
        session.output.abandon()
        raise typer.Exit(exits.DONE) from error
    except KeyboardInterrupt as error:
        session.output.say("Interrupted.")
        raise typer.Exit(exits.INTERRUPTED) from error


def _signature(function: Callable[..., None], remote: bool) -> inspect.Signature:
    """The function's own parameters, with Typer's context for the session and the options of every command behind."""
    own = [option for parameter in _own(function) for option in _unbundled(parameter)]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    ours = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    valued = any(not isinstance(parameter.default, bool) for parameter in own)
    added = [_flag("log_level", LogLevel, None)] if valued else []
    if remote:
        added += [_flag("remote_host", elsewhere.Host, None), _flag("remote_port", elsewhere.Port, None)]
    common = [_flag(name, flag, False) for name, flag in _EVERYWHERE.items()]
    return inspect.Signature([context, *ours, *added, *common])


def _own(function: Callable[..., None]) -> list[inspect.Parameter]:
    """The function's parameters but the session."""
    return list(inspect.signature(function).parameters.values())[1:]


def _unbundled(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    if not is_dataclass(parameter.annotation):
        return [parameter]
    return [
        parameter.replace(name=each.name, default=each.default, annotation=each.type)
        for each in fields(parameter.annotation)
    ]


def _bundled(function: Callable[..., None], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `function`: as given, or the dataclasses made of them."""
    bundled = dict(given)
    for parameter in _own(function):
        if is_dataclass(parameter.annotation):
            parts = {each.name: bundled.pop(each.name) for each in fields(parameter.annotation)}
            make: Any = parameter.annotation
            bundled[parameter.name] = make(**parts)
    return bundled


def _flag(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _epilog(examples: Examples) -> str | None:
    """The examples under the help text. The control character asks Typer's formatter to keep the lines as they are."""
    if not examples:
        return None
    width = max(len(line) for line, _ in examples)
    rows = (f"  {line.ljust(width)}  {meaning}" for line, meaning in examples)
    return "\b\nExamples:\n" + "\n".join(rows)
