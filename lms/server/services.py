"""What the public dialects stand on: somebody who knows the models and grants leases on them.

In the daemon that is the pool itself, in the front a client of the daemon: both have these methods.
"""

from collections.abc import Generator
from typing import Protocol

from lms.client.control import InstanceRow, Lease, LeaseKind, ModelRow


class Backend(Protocol):
    """Any method may raise an `LmsError`."""

    def models(self) -> list[ModelRow]:
        """Every model on disk, sorted by key."""

    def instances(self) -> list[InstanceRow]:
        """Every loaded or loading model."""

    def wait_for_lease(
        self, model: str, kind: LeaseKind, ttl_s: float | None, draft_model: str | None
    ) -> Generator[Lease | None, None, None]:
        """The right to send one request to `model`, which is loaded first if need be; None about twice a second before.
        The lease says what the engine has to know of the draft model.

        Closing it ends the waiting.
        """

    def jit(self) -> bool:
        """Whether a request may load a model."""
