"""The command line. `main` is what the `lms` script calls."""

import gc
import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command line with the process's arguments, and end the process with its exit code."""
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int:
    """Names for a shell's completion come without the tree of commands, which would take longer than they do, and
    without collecting garbage, which would take a tenth of it.
    """
    if len(arguments) == 2 and arguments[0] == "complete":
        gc.disable()
        from lms.cli import names
        from lms.cli.session import Session

        if arguments[1] in names.KINDS:
            names.offer(Session.of_process(), arguments[1])
            return 0
    from lms.cli.app import run

    return run(arguments)
