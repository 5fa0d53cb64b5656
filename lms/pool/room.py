"""Who has to go so that another model can come. Pure.

Only idle models that a request loaded just in time ever make room, the least recently used first. A model that somebody
loaded by hand stays, and so does a busy one.
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


def make_room(plan: Plan, instances: Iterable[Instance], jit_max_models: int, available_bytes: int | None) -> Room:
    """Who makes room for `plan`. `available_bytes` is what the machine has free now, None when that is not known.

    Raises NotEnoughMemory with both numbers, in which case nobody is to go. A `jit_max_models` of 0 sets no limit.
    """
    there = tuple(instances)
    idle = sorted((i for i in there if i.plan.jit and i.alive and not i.busy), key=lambda i: i.last_used_s)
    surplus = _surplus(plan, there, jit_max_models)
    evicted = list(idle[:surplus])
    if available_bytes is None:
        return Room(tuple(evicted), frozenset(i.number for i in evicted))
    free_bytes = available_bytes - sum(i.missing_bytes for i in there)
    leaving = [i for i in there if not i.alive]
    candidates = idle[surplus:]
    while _short_bytes(plan, free_bytes, leaving, evicted) > 0 and candidates:
        evicted.append(candidates.pop(0))
    if _short_bytes(plan, free_bytes, leaving, evicted) > 0:
        raise _not_enough(plan.key, plan.need_bytes, free_bytes + sum(i.held_bytes for i in (*leaving, *evicted)))
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
        raise _not_enough(key, need_bytes, free_bytes)


def _not_enough(key: str, need_bytes: int, free_bytes: int) -> NotEnoughMemory:
    needed, free = need_bytes / GIB, max(0, free_bytes) / GIB
    return NotEnoughMemory(
        f"“{key}” needs about {needed:.2f} GiB and {free:.2f} GiB of memory are free.",
        hint="Unload a model, or load it with a shorter context (--context-length).",
    )
