"""What the engine's tests share: a fake model on a fake clock, and a worker around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lms.config.load import LoadConfig
from lms.engine.fake import FakeModel
from lms.engine.protocol import EngineSpec
from lms.engine.worker import Worker
from lms.generation.events import Event, Finished, TextDelta
from lms.generation.messages import Message
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.logbus.records import LogData

TOKEN_S = 0.001


@dataclass
class FakeClock:
    """Time that goes by only when the fake model works: `TOKEN_S` for each token of a pass."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def spend(self, tokens: int) -> None:
        self.now_s += tokens * TOKEN_S


@dataclass
class Rig:
    """A worker over the fake model, driven by hand."""

    worker: Worker
    clock: FakeClock
    published: list[LogData]
    events: dict[int, list[Event]] = field(default_factory=dict)
    stamps: dict[int, list[float]] = field(default_factory=dict)

    def ask(self, uid: int, text: str, **settings: object) -> None:
        self.worker.submit(uid, chat(text, **settings))

    def step(self) -> None:
        for uid, events in self.worker.step():
            self.events.setdefault(uid, []).extend(events)
            self.stamps.setdefault(uid, []).append(self.clock.now_s)

    def run(self, passes: int = 100_000) -> None:
        """Step until all is answered."""
        while self.worker.is_busy and passes:
            self.step()
            passes -= 1
        assert not self.worker.is_busy

    def text(self, uid: int) -> str:
        return written(self.events[uid])

    def finished(self, uid: int) -> Finished:
        last = self.events[uid][-1]
        assert isinstance(last, Finished)
        return last


def rig(
    config: LoadConfig | None = None, *, embedding: bool = False, queue_limit: int = 512, free: bool = False
) -> Rig:
    """With `free` nothing takes any time."""
    clock, published = FakeClock(), list[LogData]()
    spec = EngineSpec(
        "fake", "/fake.gguf", "fake", "fake", "", config or LoadConfig(), embedding, queue_limit=queue_limit
    )
    spend = (lambda tokens: None) if free else clock.spend
    return Rig(Worker(spec, FakeModel(spec, spend), published.append, clock), clock, published)


def chat(text: str, **settings: object) -> GenerateRequest:
    return GenerateRequest(ChatPrompt((Message("user", text),)), **settings)  # type: ignore[arg-type]


def written(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
