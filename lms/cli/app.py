"""The tree of commands, and the one place where errors become a line on stderr and an exit code.

With `--json` an error is one line of JSON on stderr, `{"error": {"code", "message", "hint"?, "candidates"?}}`, behind
whatever was said there before; stdout stays empty.
"""

import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from lms import __version__
from lms.cli import (
    bench,
    bootstrap,
    chat,
    complete,
    config,
    daemon,
    exits,
    get,
    hosted,
    import_,
    launch,
    load,
    log,
    ls,
    ps,
    replay,
    rm,
    runtime,
    server,
    service,
    show,
    status,
    token,
    top,
    uninstall,
    unload,
    verify,
    version,
)
from lms.cli.command import Help, group, require_subcommand
from lms.cli.complaints import of_the_system
from lms.cli.session import Session
from lms.errors import LmsError, UsageError, to_wire

app = group(
    "lms",
    "Run language models on this machine, and serve them to OpenAI and LM Studio clients.",
    examples=[
        ("lms load tiny-chat", "load a model"),
        ("lms server start", "serve what is loaded, and load the rest when asked"),
        ("lms load --help", "what a command does and takes"),
    ],
)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-v", help="Print the version, anywhere on the line.")] = False,
    install_completion: bootstrap.InstallCompletion = False,
    help_: Help = False,
) -> None:
    if install_completion:
        bootstrap.install_completion(context.obj)
        raise typer.Exit()
    require_subcommand(context)


for module in (chat, get, load, unload, ls, ps, top, import_, show, rm, verify):
    module.register(app, "Local models")
for module in (server, token, config, log, replay, launch, bench):
    module.register(app, "Serve")
for module in (daemon, service, runtime, status, version, uninstall, bootstrap, hosted, complete):
    module.register(app, "Service")


def run(arguments: Sequence[str], session: Session | None = None) -> int:
    """Run one command line and return its exit code. Raises nothing."""
    session = session or Session.of_process()
    session.output.as_json = "--json" in arguments
    if _asks_for_version(arguments):
        session.output.data(f"lms {__version__}")
        return exits.DONE
    if list(arguments[:1]) == ["help"]:
        arguments = [*arguments[1:], "--help"]
    if not _is_text(arguments):
        return _failed(session, UsageError("An argument is no text in UTF-8."))
    try:
        ended = app(list(arguments), prog_name="lms", obj=session, standalone_mode=False)
    except LmsError as error:
        return _failed(session, error)
    except typer.Abort:
        return _failed(session, LmsError("Nothing was chosen."))
    except OSError as error:
        return _failed(session, LmsError(of_the_system(error)))
    except Exception as error:
        return _crashed(session, error)
    return ended if isinstance(ended, int) else exits.DONE


def _asks_for_version(arguments: Sequence[str]) -> bool:
    """As in LM Studio, `-v` counts wherever it stands."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "-v" in before or "--version" in before


def _is_text(arguments: Sequence[str]) -> bool:
    """Python keeps the bytes of an argument that are none as lone surrogates, and nothing can be sent with them."""
    return not any("\ud800" <= character <= "\udfff" for argument in arguments for character in argument)


def _failed(session: Session, error: LmsError) -> int:
    if session.output.as_json:
        session.output.fail_as_json(to_wire(error))
    else:
        told = all(candidate in error.message for candidate in error.candidates)
        session.output.fail(error.message, error.hint, () if told else error.candidates)
    return exits.code_of(error)


def _crashed(session: Session, error: Exception) -> int:
    """A bug of ours: one line for the user, the traceback for whoever asks."""
    if session.output.level == "debug" or session.environ.get("LMS_DEBUG") == "1":
        traceback.print_exception(error)
    hint = f"This is a bug. LMS_DEBUG=1 shows where; the daemon's log is {session.home.daemon_log}."
    return _failed(session, LmsError(f"{type(error).__name__}: {error}", hint=hint))
