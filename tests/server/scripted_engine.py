"""An engine that says exactly what a test wrote down, over a real unix socket and the real protocol."""

import socket
import threading
from collections.abc import Iterable
from pathlib import Path

from lms.client.control import Lease, ModelRow
from lms.engine.protocol import Call, Events, Runtime
from lms.generation.events import Event, Finished, Stats, TextDelta, Usage
from lms.generation.request import Overflow, Sampling
from lms.wire import Unpacker, pack

PATIENCE_S = 10

MODEL = ModelRow(
    key="tiny-chat",
    kind="llm",
    format="gguf",
    publisher="lms",
    display_name="Tiny Chat",
    path="lms/tiny-chat/tiny-chat.gguf",
    size_bytes=4_000_000,
    max_context_length=2048,
    modified_s=1_700_000_000,
    arch="llama",
    quantization="Q8_0",
    tool_use=True,
)
FINISHED = Finished("eosFound", Usage(prompt=7, completion=2, cached=3), Stats(50.0, 0.125, 0.04))
HELLO = ((TextDelta("Hel"), TextDelta("lo")), (FINISHED,))

# A frame of events, raw bytes, or something to wait for before going on.
Step = tuple[Event, ...] | bytes | threading.Event


class ScriptedEngine:
    """Plays `script` to every connection that has sent its call, then waits for the other side to hang up. The first
    connections get what is in `first` instead, one each.

    With `hang_up` it is the one that leaves. `calls` are what it was asked; `hung_up` is set when a client left.
    `sampling` and `overflow` are those of its leases.
    """

    def __init__(self, folder: Path, script: Iterable[Step] = HELLO, hang_up: bool = False) -> None:
        self.script = tuple(script)
        self.first: list[Iterable[Step]] = []
        self.calls: list[Call] = []
        self.hung_up = threading.Event()
        self.socket_path = str(folder / "engine.sock")
        self.sampling = Sampling()
        self.overflow: Overflow = "refuse"
        self._hang_up = hang_up
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.socket_path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def lease(self, model: ModelRow = MODEL) -> Lease:
        runtime = Runtime("scripted", "1.0.0", ("gguf",))
        return Lease(
            model.key,
            self.socket_path,
            model,
            context_length=1024,
            runtime=runtime,
            load_time_s=0.75,
            sampling=self.sampling,
            overflow=self.overflow,
        )

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                self._play(client)
            except OSError:
                self.hung_up.set()

    def _play(self, client: socket.socket) -> None:
        self.calls.append(_received(client))
        for step in self.first.pop(0) if self.first else self.script:
            if isinstance(step, threading.Event):
                step.wait(PATIENCE_S)
            else:
                client.sendall(step if isinstance(step, bytes) else pack(Events(step)))
        if not self._hang_up:
            client.recv(1)
            self.hung_up.set()


def _received(client: socket.socket) -> Call:
    unpacker: Unpacker[Call] = Unpacker(Call)
    while received := client.recv(65536):
        for call in unpacker.feed(received):
            return call
    raise OSError("The client left before its call was whole.")
