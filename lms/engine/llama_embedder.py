"""Embeddings over llama.cpp: all inputs of a pass in one batch, one sequence each, pooled by the model's own rule.

Pooled vectors of causal models come out wrong in a batch unless the context's KV cache is unified (`llama.py` sees to
that; a test compares a batch with its inputs one by one).
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

from collections.abc import Sequence as Tokens

import llama_cpp.llama_cpp as C
import numpy as np

from lms.engine.llama_decoder import TokenBatch
from lms.errors import EngineFailed


class LlamaEmbedder:
    """Implements `Embedder`."""

    def __init__(self, context: C.llama_context_p, batch_tokens: int) -> None:
        self._context = context
        self._memory = C.llama_get_memory(context)
        self._batch = TokenBatch(batch_tokens)
        self._dimensions: int = C.llama_model_n_embd_out(C.llama_get_model(context))

    def embed(self, inputs: Tokens[Tokens[int]]) -> list[bytes]:
        if self._memory:
            C.llama_memory_clear(self._memory, True)
        self._batch.clear()
        for sequence, tokens in enumerate(inputs):
            self._batch.add(sequence, 0, tokens, wanted=len(tokens))
        status = C.llama_decode(self._context, self._batch.native)
        if status != 0:
            raise EngineFailed(f"llama.cpp could not embed a batch of {self._batch.native.n_tokens} tokens ({status}).")
        return [self._vector(sequence) for sequence in range(len(inputs))]

    def _vector(self, sequence: int) -> bytes:
        pooled = C.llama_get_embeddings_seq(self._context, sequence)
        vector = np.ctypeslib.as_array(pooled, (self._dimensions,)).astype(np.float32)
        norm = float(np.linalg.norm(vector))
        normalised: bytes = (vector / norm if norm else vector).astype("<f4").tobytes()
        return normalised
