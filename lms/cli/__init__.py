"""The command line. `main` is what the `lms` script calls."""

import sys


def main() -> None:
    """Run the command line with the process's arguments, and end the process with its exit code."""
    try:
        from lms.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
