"""Engines that act as a test tells them, in this process, and models that are on no disk."""

import queue

from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec, Report
from lms.errors import ModelNotFound
from lms.pool.known import Known, Need
from lms.pool.process import Listener
from lms.pool.state import Exit
from tests.pool.plans import known, ready


class Actor:
    """One engine. It says what the test has it say."""

    def __init__(self, spec: EngineSpec, listener: Listener) -> None:
        self.spec = spec
        self.pid = 4711
        self.stopped = False
        self.unnoticed = False
        self.unheard: list[Report] = []
        self.stop_fails: Exception | None = None
        self._listener = listener

    def stop(self) -> None:
        if self.stop_fails:
            raise self.stop_fails
        self.stopped = True
        self._listener.exited(Exit("ended"))

    def has_ended(self) -> bool:
        """As a real one does, an actor that died unnoticed reports its exit when somebody looks."""
        if self.unnoticed:
            self.unnoticed = False
            self.dies()
            return True
        return False

    def hear(self) -> bool:
        """What it has said without being heard is heard when somebody looks."""
        unheard, self.unheard = self.unheard, []
        for report in unheard:
            self.says(report)
        return True

    def says(self, report: Report) -> None:
        self._listener.reported(report)

    def mutters(self, line: str) -> None:
        self._listener.said(line)

    def comes_up(self) -> None:
        self.says(ready())

    def dies(self) -> None:
        self._listener.exited(Exit("was killed by SIGKILL", "out of luck"))


class Stage:
    """Where actors enter: `spawn` is given to the pool, `next` waits for the next actor."""

    def __init__(self, at_once_ready: bool = False, refuse: Exception | None = None) -> None:
        self._entered: queue.SimpleQueue[Actor] = queue.SimpleQueue()
        self._at_once_ready = at_once_ready
        self._refuse = refuse

    def spawn(self, spec: EngineSpec, listener: Listener) -> Actor:
        if self._refuse:
            raise self._refuse
        actor = Actor(spec, listener)
        self._entered.put(actor)
        if self._at_once_ready:
            actor.comes_up()
        return actor

    def next(self) -> Actor:
        return self._entered.get(timeout=5)

    @property
    def empty(self) -> bool:
        return self._entered.empty()


class Shelf:
    """`known.Models` over a list."""

    def __init__(self, *models: Known, need_bytes: int = 0) -> None:
        self._models = models or (known("tiny"), known("other"), known("embed", "embedding"))
        self._need_bytes = need_bytes

    def all(self) -> list[Known]:
        return list(self._models)

    def resolve(self, typed: str, fuzzy: bool = False) -> Known:
        for model in self._models:
            if typed.casefold() in (model.row.key, f"{model.row.publisher}/{model.row.key}"):
                return model
        raise ModelNotFound(f"No model matches “{typed}”.")

    def need(self, known: Known, config: LoadConfig) -> Need:
        return Need(config.context_length or 2048, self._need_bytes, 0, 0)
