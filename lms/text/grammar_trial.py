"""Whether a grammar can be compiled in reasonable time: tried in a child process, which may be lost.

Nothing that llguidance can be told bounds its compiler: seen were 9 s for `multipleOf: 1000003`, and no end within 20 s
for an `allOf` of 24 patterns. The system can bound what a process takes, so a child compiles each new grammar first,
for a vocabulary of single bytes; when that ends the child, the request is refused.

`python -m lms.text.grammar_trial` is that child. Constraints come line by line from stdin, each is answered on stdout,
and it ends with its stdin.
"""

import resource
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

import msgspec

from lms.errors import LmsError, from_wire, to_wire
from lms.generation.constraint import Constraint
from lms.text.grammars import grammar_of, refusal
from lms.text.guide import ByteVocabulary, matcher, tokenizer

LONGEST_CPU_S = 0.3
LONGEST_WALL_S = 10.0
MEMORY_BYTES = 2 * 1024**3


class Asked(msgspec.Struct):
    """`frame` is as `frames.frame_around` makes it."""

    constraint: Constraint
    frame: str


class Answered(msgspec.Struct):
    """The grammar, or the error that refuses the constraint, as `errors.to_wire` writes it."""

    grammar: str = ""
    error: dict[str, Any] | None = None


class GrammarTrial:
    """The child: started with the first constraint, and again after one that it did not survive."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        """The child. A new one is not ready yet, and need not be waited for."""
        if self._child is None or self._child.poll() is not None:
            command = [sys.executable, "-m", "lms.text.grammar_trial"]
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        return self._child

    def grammar(self, constraint: Constraint, frame: str) -> str:
        """The grammar of `constraint` inside `frame`. Raises InvalidRequest when it cannot be compiled."""
        child = self.start()
        line = _ask(child, msgspec.json.encode(Asked(constraint, frame)) + b"\n")
        if not line.endswith(b"\n"):
            with child:  # which waits for its end
                pass
            raise refusal(constraint, _cause(child.returncode))
        answered = msgspec.json.decode(line, type=Answered)
        if answered.error:
            raise from_wire(answered.error)
        return answered.grammar

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            with self._child as child:
                child.kill()


def _ask(child: "subprocess.Popen[bytes]", line: bytes) -> bytes:
    """What the child answers; without a line break at the end when it did not get that far."""
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError):
        unsent = memoryview(line)
        while unsent:
            unsent = unsent[child.stdin.write(unsent) or 0 :]
    received = b""
    while not received.endswith(b"\n"):
        if not select.select([child.stdout], [], [], LONGEST_WALL_S)[0]:
            child.kill()
        piece = child.stdout.read(65536)
        if not piece:
            break
        received += piece
    return received


def _cause(status: int) -> str:
    late = status in (-signal.SIGPROF, -signal.SIGKILL)
    return "to compile it takes too long" if late else "its compiler does not survive it"


def tried(asked: Asked) -> Answered:
    """Compile in this very process."""
    try:
        grammar = grammar_of(asked.constraint, asked.frame)
        complaint = matcher(tokenizer(ByteVocabulary()), grammar).get_error()
        if complaint:
            raise refusal(asked.constraint, complaint)
    except LmsError as error:
        return Answered(error=to_wire(error))
    return Answered(grammar)


def main() -> None:
    """Answer line by line. What takes too long ends this process with SIGPROF."""
    with suppress(OSError, ValueError):  # a bound on memory is not to be had everywhere
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin.buffer:
        asked = msgspec.json.decode(line, type=Asked)
        signal.setitimer(signal.ITIMER_PROF, LONGEST_CPU_S)
        answered = tried(asked)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(msgspec.json.encode(answered) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
