"""The command line. `main` is what the `lms` script calls."""


def main() -> None:
    """Run the command line with the process's arguments."""
    from lms.cli.app import run

    run()
