"""Embeddings and rankings over llama.cpp: all inputs of a pass in one batch, one sequence each, pooled by the model's
own rule.

Pooled vectors of causal models come out wrong in a batch unless the context's KV cache is unified (`llama.py` sees to
that; a test compares a batch with its inputs one by one). A model that ranks has a classifier on top of the pooling;
its score is what that says first, as in llama.cpp's server.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

from collections.abc import Sequence as Tokens

import llama_cpp.llama_cpp as C
import numpy as np

from lms.engine.llama_decoder import TokenBatch
from lms.engine.model import Vocabulary
from lms.errors import EngineFailed

# On a processor, llama.cpp's flash attention takes 64 tokens of a pass at a time, and fewer one by one. A model of 22M
# parameters embeds a text of 63 tokens in 22 ms, one of 64 in 12, one of 52 in 17, one of 40 in 12.5.
TILE_TOKENS = 64
WORTH_FILLING_TOKENS = 42


class LlamaEmbedder:
    """Implements `Embedder`. One that `fills_tiles` adds tokens to a pass that is a few short of what makes it fast."""

    def __init__(
        self, context: C.llama_context_p, batch_tokens: int, vocabulary: Vocabulary, *, fills_tiles: bool = False
    ) -> None:
        self.ranks = C.llama_pooling_type(context) == C.LLAMA_POOLING_TYPE_RANK
        self._context = context
        self._memory = C.llama_get_memory(context)
        self._batch = TokenBatch(batch_tokens)
        self._fills_tiles = fills_tiles and batch_tokens >= TILE_TOKENS
        self._vocabulary = vocabulary
        self._model = C.llama_get_model(context)
        self._dimensions: int = 1 if self.ranks else C.llama_model_n_embd_out(self._model)

    def embed(self, inputs: Tokens[Tokens[int]]) -> list[bytes]:
        if self._memory:
            C.llama_memory_clear(self._memory, True)
        self._batch.clear()
        for sequence, tokens in enumerate(inputs):
            self._batch.add(sequence, 0, tokens, wanted=len(tokens))
        if self._fills_tiles and WORTH_FILLING_TOKENS <= self._batch.native.n_tokens < TILE_TOKENS:
            filling = [inputs[0][0]] * (TILE_TOKENS - self._batch.native.n_tokens)
            self._batch.add(len(inputs), 0, filling, wanted=len(filling))
        status = C.llama_decode(self._context, self._batch.native)
        if status != 0:
            raise EngineFailed(f"llama.cpp could not embed a batch of {self._batch.native.n_tokens} tokens ({status}).")
        return [self._result(sequence) for sequence in range(len(inputs))]

    def pair(self, query: str, document: str) -> list[int]:
        """In the model's own words, if its file says how; else query and document with what its vocabulary puts around
        and between texts. Both as llama.cpp's server does it (`format_prompt_rerank`).
        """
        template = C.llama_model_chat_template(self._model, b"rerank")
        if template:
            filled = template.decode().replace("{query}", query).replace("{document}", document)
            return self._vocabulary.tokenize(filled, add_special=False)
        return self._around(self._plain(query), self._plain(document))

    def _plain(self, text: str) -> list[int]:
        return self._vocabulary.tokenize(text, add_special=False, parse_special=False)

    def _around(self, query: list[int], document: list[int]) -> list[int]:
        vocab = C.llama_model_get_vocab(self._model)
        separator = C.llama_vocab_sep(vocab)
        end = C.llama_vocab_eos(vocab)
        begin = [C.llama_vocab_bos(vocab)] if C.llama_vocab_get_add_bos(vocab) else []
        ends = [separator if end == C.LLAMA_TOKEN_NULL else end] if C.llama_vocab_get_add_eos(vocab) else []
        between = [separator] if C.llama_vocab_get_add_sep(vocab) else []
        return [*begin, *query, *ends, *between, *document, *ends]

    def _result(self, sequence: int) -> bytes:
        pooled = C.llama_get_embeddings_seq(self._context, sequence)
        vector = np.ctypeslib.as_array(pooled, (self._dimensions,)).astype(np.float32)
        return (vector if self.ranks else _normalised(vector)).astype("<f4").tobytes()


def _normalised(vector: np.ndarray[tuple[int], np.dtype[np.float32]]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    norm = np.linalg.norm(vector)
    return vector / norm if norm else vector
