"""Who has to go so that another model can come. Pure.

Idle models that a request loaded just in time make room, the least recently used first. Under a memory budget, which
says that memory matters more, those that somebody loaded by hand do as well. Who is busy or pinned stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lms.errors import NotEnoughMemory
from lms.pool.instance import Instance, Plan

GIB = 1 << 30


@dataclass(frozen=True)
class Room:
    """`evicted` must be stopped, and everything in `waits_for` be gone, before the new engine is started."""

    evicted: tuple[Instance, ...]
    waits_for: frozenset[int]


def make_room(
    plan: Plan,
    instances: Iterable[Instance],
    jit_max_models: int,
    available_bytes: int | None,
    budget_bytes: int | None = None,
) -> Room:
    """Who makes room for `plan`. `available_bytes` is what the machine has free now, None when that is not known or of
    no interest. `budget_bytes` is what all models may take together.

    Raises NotEnoughMemory with both numbers, in which case nobody is to go. A `jit_max_models` of 0 sets no limit.
    """
    there = tuple(instances)
    idle = sorted((i for i in there if i.evictable), key=lambda i: i.last_used_s)
    by_request = [i for i in idle if i.plan.jit]
    evicted = by_request[: _surplus(plan, there, jit_max_models)]
    if available_bytes is None:
        return Room(tuple(evicted), frozenset(i.number for i in evicted))
    free_bytes = available_bytes - sum(i.missing_bytes for i in there)
    if budget_bytes is not None:
        free_bytes = min(free_bytes, budget_bytes - sum(i.held_bytes for i in there))
    leaving = [i for i in there if not i.alive]
    candidates = [i for i in (by_request if budget_bytes is None else idle) if i not in evicted]
    while _short_bytes(plan, free_bytes, leaving, evicted) > 0 and candidates:
        evicted.append(candidates.pop(0))
    if _short_bytes(plan, free_bytes, leaving, evicted) > 0:
        free_bytes += sum(i.held_bytes for i in (*leaving, *evicted))
        raise _not_enough(plan.key, plan.need_bytes, free_bytes, budget_bytes)
    needs_leavers = _short_bytes(plan, free_bytes, (), evicted) > 0
    waits_for = [*evicted, *leaving] if needs_leavers else evicted
    return Room(tuple(evicted), frozenset(i.number for i in waits_for))


def _surplus(plan: Plan, there: Sequence[Instance], jit_max_models: int) -> int:
    """How many just-in-time models are over the limit once `plan` is loaded."""
    if not plan.jit or jit_max_models < 1:
        return 0
    return max(0, sum(i.plan.jit and i.alive for i in there) + 1 - jit_max_models)


def _short_bytes(plan: Plan, free_bytes: int, leaving: Sequence[Instance], evicted: Sequence[Instance]) -> int:
    return plan.need_bytes - free_bytes - sum(i.held_bytes for i in (*leaving, *evicted))


def require_room(key: str, need_bytes: int, free_bytes: int) -> None:
    """Raises NotEnoughMemory with both numbers when the model `key` does not fit."""
    if need_bytes > free_bytes:
        raise _not_enough(key, need_bytes, free_bytes, None)


def _not_enough(key: str, need_bytes: int, free_bytes: int, budget_bytes: int | None) -> NotEnoughMemory:
    needed, free = need_bytes / GIB, max(0, free_bytes) / GIB
    of = "" if budget_bytes is None else f", of a budget of {budget_bytes / GIB:.2f} GiB"
    return NotEnoughMemory(
        f"“{key}” needs about {needed:.2f} GiB and {free:.2f} GiB of memory are free{of}.",
        hint="Unload a model, load it with a shorter context (--context-length), or all the same (--force).",
    )
