"""A draft model on llama.cpp: a second model and context in the same process, for guesses only.

It is loaded with the options of the model that it guesses for, and has memory for as many tokens. The limit: whether
special instructions crash (`llama_trial`) can be tried only before anything was computed, so where that is known to
happen a draft model is loaded without them.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import llama_cpp.llama_cpp as C
import msgspec
import numpy as np

from lms.config.passes import pass_sizes
from lms.engine.llama_decoder import LlamaDecoder, has_state
from lms.engine.llama_load import load
from lms.engine.llama_params import generating_params, model_params, threads
from lms.engine.llama_trial import is_worth_trying
from lms.engine.model import UNSURE, Guide, Likelihood
from lms.engine.protocol import EngineSpec
from lms.errors import EngineFailed, Unsupported
from lms.generation.request import DraftModel, Sampling

# LM Studio's `minContinueDraftingProbability`.
SURE_PROBABILITY = 0.75


class SureSampler:
    """Implements `Sampler`: the likeliest token, or `UNSURE`. It remembers nothing."""

    def __init__(self, vocabulary_size: int) -> None:
        self._vocabulary_size = vocabulary_size

    def draw(self, context: C.llama_context_p, row: int) -> int:
        """The token that follows `row` of the pass that `context` has made last."""
        logits = np.ctypeslib.as_array(C.llama_get_logits_ith(context, row), (self._vocabulary_size,))
        likeliest = int(logits.argmax())
        return likeliest if probability(logits, likeliest) >= SURE_PROBABILITY else UNSURE

    def likelihoods(self) -> list[Likelihood]:
        return []

    def close(self) -> None:
        """There is nothing to free."""


def probability(logits: np.ndarray, token: int) -> float:
    """How likely `token` is, which has the largest of the `logits`."""
    return float(1 / np.exp(logits - logits[token]).sum())


class LlamaDraft(LlamaDecoder):
    """Implements `DraftDecoder`. Owns its model and context."""

    def __init__(self, spec: EngineSpec, draft: DraftModel, context_length: int, parallel: int) -> None:
        """For a model loaded as in `spec`. Raises EngineFailed or Unsupported."""
        config = msgspec.structs.replace(spec.config, num_experts=None)  # which are the large model's
        spec = msgspec.structs.replace(spec, model_path=draft.path, model_key=draft.key, config=config)
        params = model_params(spec, special_buffers=not is_worth_trying())
        self._model = load(draft.path, params, lambda _: None)
        if has_state(self._model):
            C.llama_model_free(self._model)
            raise Unsupported(f"“{draft.key}” sums up what it has read: it cannot be a draft model.")
        self._owned_context = self._create_context(spec, draft, context_length, parallel)
        super().__init__(self._owned_context, parallel, parallel)
        self.vocabulary_size = self._vocabulary_size

    def sampler(self, sampling: Sampling, guide: Guide | None = None, **_: object) -> SureSampler:  # type: ignore[override]
        """Of its own kind, as any decoder's are. It needs no guide and no more: what it guesses is verified."""
        return SureSampler(self._vocabulary_size)

    def close(self) -> None:
        C.llama_free(self._owned_context)
        C.llama_model_free(self._model)

    def _create_context(
        self, spec: EngineSpec, draft: DraftModel, context_length: int, parallel: int
    ) -> C.llama_context_p:
        config = msgspec.structs.replace(spec.config, speculation="off", draft_model=None, unified_kv=True)
        params = generating_params(
            config,
            pass_sizes(config, context_length, embedding=False),
            context_length=context_length,
            cells=spec.cells,
            parallel=parallel,
            keeps_finished=False,
        )
        params.n_threads, params.n_threads_batch = threads(config, C.llama_model_n_params(self._model))
        context: C.llama_context_p | None = C.llama_init_from_model(self._model, params)
        if not context:
            C.llama_model_free(self._model)
            raise EngineFailed(
                f"llama.cpp could not create a context for the draft model “{draft.key}”.",
                hint="`lms log stream --source runtime` shows why; there may be too little memory.",
            )
        return context
