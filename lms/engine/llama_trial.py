"""Whether this machine survives the processor instructions that llama.cpp chose.

Seen on a virtual machine with Intel's AMX, llama.cpp built by GCC 12, quantized weights: a signal (SIGSEGV or SIGILL)
in the first pass over more than one token, in llama-server as here; whether the compiler or the machine is at fault is
not known. That cannot be asked for, only tried; a forked child tries it, so that nobody is hurt. The limit: an
accelerator does not survive a fork, so nothing is tried where llama.cpp has one.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import llama_cpp.llama_cpp as C

from lms.engine.llama_decoder import TokenBatch

TRIED_TOKENS = 4


def is_worth_trying() -> bool:
    """Whether the processor has instructions that are known to end in a signal at times."""
    try:
        claims = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return " amx_tile" in claims and not C.llama_supports_gpu_offload()


def survives(attempt: Callable[[], object]) -> bool:
    """Whether `attempt` ends without a signal, in a forked child whose other faults do not matter.

    Call it before llama.cpp has computed anything: then it has no threads, which a fork would leave behind.
    """
    child = os.fork()
    if child == 0:
        try:
            attempt()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def short_pass(context: C.llama_context_p) -> None:
    """A pass over a few tokens on one thread, whatever comes of it."""
    C.llama_log_set(C.llama_log_callback(), ctypes.c_void_p(0))
    C.llama_set_n_threads(context, 1, 1)
    batch = TokenBatch(TRIED_TOKENS)
    batch.add(0, 0, range(TRIED_TOKENS), wanted=TRIED_TOKENS)
    C.llama_decode(context, batch.native)
