"""`lms version`."""

import typer

from lms import __version__
from lms.cli.command import command
from lms.cli.session import Session


def register(root: typer.Typer, section: str) -> None:
    command(root, "version", section=section, examples=[("lms version --json", f'{{"version":"{__version__}"}}')])(
        version
    )


def version(session: Session) -> None:
    """Print the version. Contacts nobody."""
    if session.output.as_json:
        session.output.json({"version": __version__})
    else:
        session.output.data(f"lms {__version__}")
