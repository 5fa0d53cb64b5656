"""Which draft model an engine has loaded: none, or one.

It is loaded at the first request that names it, as LM Studio does, which holds up the engine for as long as that takes:
the file is mapped, so a moment. The daemon has counted its memory and compared the vocabularies before. Another one
takes its place once no answer uses it; until then requests that name the other are answered without, and the log says
so: what is answered is the same.
"""

import time
from collections.abc import Callable

from lms.engine.draft_model import Drafter
from lms.engine.model import Model
from lms.engine.speculator import Speculator
from lms.generation.request import DraftModel


class DraftModels:
    """One thread only. `complain` is called with what a user should know."""

    def __init__(
        self,
        model: Model,
        speculator: Speculator,
        complain: Callable[[str], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._model = model
        self._speculator = speculator
        self._complain = complain
        self._clock = clock
        self._loaded: DraftModel | None = None

    def use(self, wanted: DraftModel | None) -> str | None:
        """The key of `wanted` once it is there to guess, None when nothing will.

        Raises EngineFailed or Unsupported when it cannot be loaded.
        """
        if wanted is None:
            return None
        if self._loaded != wanted:
            if self._loaded and self._speculator.uses_drafter:
                self._complain(f"“{self._loaded.key}” is at work as draft model: “{wanted.key}” is not used yet.")
                return None
            self._load(wanted)
        return wanted.key

    def _load(self, wanted: DraftModel) -> None:
        """What was loaded goes first: the memory was counted once."""
        before, self._loaded = self._speculator.replace(None), None
        if before is not None:
            before.close()
        decoder = self._model.draft_decoder(wanted)
        self._speculator.replace(Drafter(decoder, len(self._model.vocabulary), self._clock))
        self._loaded = wanted
