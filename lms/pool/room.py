"""Who has to go so that another model can come. Pure.

Idle models that a request loaded just in time make room, the least recently used first, and none in vain. Under a
memory budget, which says that memory matters more, those that somebody loaded by hand do as well. Who is busy or pinned
stays.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lms.errors import NotEnoughMemory
from lms.pool.instance import Instance, Plan

GIB, MIB = 1 << 30, 1 << 20


@dataclass(frozen=True)
class Room:
    """`evicted` must be stopped, and everything in `waits_for` be gone, before the new engine is started."""

    evicted: tuple[Instance, ...]
    waits_for: frozenset[int]


@dataclass(frozen=True)
class Limit:
    """What there is of memory: `free_bytes` now, and what an instance gives back of it when it goes. `of` says of which
    whole, in words.
    """

    free_bytes: int
    gives_back: Callable[[Instance], int]
    of: str = ""

    def short_bytes(self, need_bytes: int, going: Iterable[Instance]) -> int:
        return need_bytes - self.free_without(going)

    def free_without(self, going: Iterable[Instance]) -> int:
        return self.free_bytes + sum(self.gives_back(instance) for instance in going)


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
    surplus = by_request[: _surplus(plan, there, jit_max_models)]
    evicted = list(surplus)
    if available_bytes is None:
        return Room(tuple(evicted), frozenset(i.number for i in evicted))
    limits = memory_limits(there, available_bytes, budget_bytes)
    leaving = [i for i in there if not i.alive]
    candidates = [i for i in (by_request if budget_bytes is None else idle) if i not in evicted]
    while _is_short(plan, limits, (*leaving, *evicted)) and candidates:
        evicted.append(candidates.pop(0))
    require_room(plan.key, plan.need_bytes, limits, going=(*leaving, *evicted))
    evicted = _needed(plan, limits, leaving, evicted, len(surplus))
    waits_for = [*evicted, *leaving] if _is_short(plan, limits, evicted) else evicted
    return Room(tuple(evicted), frozenset(i.number for i in waits_for))


def memory_limits(there: Sequence[Instance], available_bytes: int, budget_bytes: int | None) -> list[Limit]:
    """The machine's memory, of which those that load will take more, and the budget, of which everybody may take what
    was planned for it, although a prompt cache fills up only by and by.
    """
    limits = [Limit(available_bytes - sum(i.missing_bytes for i in there), lambda i: i.held_bytes)]
    if budget_bytes is not None:
        free_bytes = budget_bytes - sum(i.claimed_bytes for i in there)
        limits.append(Limit(free_bytes, lambda i: i.claimed_bytes, f", of a budget of {_size(budget_bytes)}"))
    return limits


def require_room(key: str, need_bytes: int, limits: Sequence[Limit], going: Sequence[Instance] = ()) -> None:
    """Raises NotEnoughMemory with both numbers when the model `key` does not fit, even without those who are going."""
    tightest = max(limits, key=lambda limit: limit.short_bytes(need_bytes, going))
    if tightest.short_bytes(need_bytes, going) <= 0:
        return
    free, names = _size(max(0, tightest.free_without(going))), [f"“{i.identifier}”" for i in going]
    without = f" without {' and '.join(names)}" if names else ""
    raise NotEnoughMemory(
        f"“{key}” needs about {_size(need_bytes)} and {free} of memory are free{without}{tightest.of}.",
        hint="Unload a model, load it with a shorter context (--context-length), or all the same (--force).",
    )


def _needed(
    plan: Plan, limits: Sequence[Limit], leaving: Sequence[Instance], evicted: Sequence[Instance], surplus: int
) -> list[Instance]:
    """Without those who gave too little: a larger one that went after them is room enough. The first `surplus` go."""
    kept = list(evicted)
    for spared in reversed(evicted[surplus:]):
        others = [instance for instance in kept if instance is not spared]
        if not _is_short(plan, limits, (*leaving, *others)):
            kept = others
    return kept


def _is_short(plan: Plan, limits: Iterable[Limit], going: Sequence[Instance]) -> bool:
    return any(limit.short_bytes(plan.need_bytes, going) > 0 for limit in limits)


def _surplus(plan: Plan, there: Sequence[Instance], jit_max_models: int) -> int:
    """How many just-in-time models are over the limit once `plan` is loaded."""
    if not plan.jit or jit_max_models < 1:
        return 0
    return max(0, sum(i.plan.jit and i.alive for i in there) + 1 - jit_max_models)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.2f} GiB" if size_bytes >= GIB else f"{size_bytes / MIB:.0f} MiB"
