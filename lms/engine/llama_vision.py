"""Pictures for GGUF models, through llama.cpp's mtmd: a projector beside the model turns them into embeddings.

A prompt is cut into pieces first; a picture is encoded when the model has to process it, so one that is in memory
already costs nothing but being decoded. Encoding takes minutes on some processors: it has a thread of its own, beside
which others are answered. The limit: what is being encoded is not broken off when nobody wants it any more.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
import hashlib
import secrets
import weakref
from collections.abc import Iterator
from collections.abc import Sequence as Tokens
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import llama_cpp.llama_cpp as C
import llama_cpp.mtmd_cpp as M
import numpy as np
from numpy.typing import NDArray

from lms.engine.llama_positions import Span
from lms.engine.model import Picture
from lms.engine.picture_tokens import is_text, tokens_for
from lms.engine.pictures import Pixels, decoded
from lms.errors import EngineFailed, InvalidRequest, Unsupported
from lms.generation.messages import Image

NO_CALLBACK = M.mtmd_helper_post_decode_callback()

Embeddings = NDArray[np.float32]


@dataclass(eq=False)
class Shown:
    """A picture as mtmd prepared it. `chunk` lives as long as `prompt`, all of whose pictures share it.

    `encoded` are its embeddings, one row a token, from when they are wanted until they have been processed.
    """

    prompt: _Prompt
    chunk: M.mtmd_input_chunk_p
    positions: int
    encoded: Future[Embeddings | None] | None = None


class _Prompt:
    """The pieces of one prompt. Freed with the last of its pictures."""

    def __init__(self) -> None:
        self.native = M.mtmd_input_chunks_init()
        weakref.finalize(self, M.mtmd_input_chunks_free, self.native)

    def __iter__(self) -> Iterator[M.mtmd_input_chunk_p]:
        return (M.mtmd_input_chunks_get(self.native, index) for index in range(M.mtmd_input_chunks_size(self.native)))


def forward_logs(callbacks: Tokens[object]) -> None:
    """Let mtmd say what it says where llama.cpp does: to the one of its `callbacks`, if there is one."""
    for callback in callbacks:
        M.mtmd_helper_log_set(callback, ctypes.c_void_p(0))


class LlamaVision:
    """Implements `Vision`, and shows pictures to a context. Raises EngineFailed for a projector that does not fit.

    micro_batch_tokens: what a context computes together, in which pictures must fit that are seen as a whole
    """

    def __init__(
        self, path: str, model: C.llama_model_p, *, threads: int, use_gpu: bool, micro_batch_tokens: int
    ) -> None:
        self.marker = f"<__picture_{secrets.token_hex(8)}__>"
        self._micro_batch_tokens = micro_batch_tokens
        params = M.mtmd_context_params_default()
        params.use_gpu = use_gpu
        params.print_timings = False
        params.n_threads = threads
        params.media_marker = self.marker.encode()
        params.warmup = False  # an encoding of the largest picture; the first one that comes is as good
        self._native = M.mtmd_init_from_file(path.encode(), model, params)
        if not self._native or not M.mtmd_support_vision(self._native):
            M.mtmd_free(self._native)
            raise EngineFailed(
                f"llama.cpp could not load {path}, which is to make the model see.",
                hint="`lms log stream --source runtime` shows why; it may belong to another model.",
            )
        self._width = int(C.llama_model_n_embd_inp(model))
        self._encoder = ThreadPoolExecutor(1, "encoder")

    def read(self, text: str, images: Tokens[Image], *, add_special: bool) -> tuple[list[int], tuple[Picture, ...]]:
        prompt = self._prompt(text, decoded(images), add_special=add_special)
        tokens: list[int] = []
        pictures: list[Picture] = []
        for chunk in prompt:
            if M.mtmd_input_chunk_get_type(chunk) == M.MTMD_INPUT_CHUNK_TYPE_TEXT:
                tokens += self._text_tokens(chunk)
                continue
            count = int(M.mtmd_input_chunk_get_n_tokens(chunk))
            self._check_fits(chunk, count)
            shown = Shown(prompt, chunk, int(M.mtmd_input_chunk_get_n_pos(chunk)))
            pictures.append(Picture(len(tokens), count, shown))
            tokens += tokens_for(b"%s %d" % (M.mtmd_input_chunk_get_id(chunk), len(pictures)), count)
        return tokens, tuple(pictures)

    def show(self, context: C.llama_context_p, slot: int, position: int, picture: Picture) -> Span:
        """Put `picture` into the memory of `slot`, from `position` on. Raises EngineFailed."""
        shown: Shown = picture.content
        embeddings = self._encoded(shown).result()
        assert embeddings is not None  # it is None for a picture that nobody holds
        shown.encoded = None
        after = C.llama_pos(position)
        status = M.mtmd_helper_decode_image_chunk(
            self._native,
            context,
            shown.chunk,
            embeddings.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
            position,
            slot,
            C.llama_n_batch(context),
            ctypes.byref(after),
            NO_CALLBACK,
            None,
        )
        if status != 0:
            raise EngineFailed(f"llama.cpp could not process a picture of {picture.length} tokens ({status}).")
        return Span(picture.start, picture.length, shown.positions)

    def sees(self, picture: Picture, timeout_s: float) -> bool:
        """As `Decoder.sees`."""
        encoded = self._encoded(picture.content)
        wait((encoded,), timeout_s)
        return encoded.done() and encoded.result() is not None

    def close(self) -> None:
        self._encoder.shutdown(cancel_futures=True)
        M.mtmd_free(self._native)

    def _encoded(self, shown: Shown) -> Future[Embeddings | None]:
        if shown.encoded is None:
            shown.encoded = self._encoder.submit(self._encode, weakref.ref(shown))
        return shown.encoded

    def _encode(self, wanted: weakref.ref[Shown]) -> Embeddings | None:
        """In the encoder's thread. None if nobody wants it any more."""
        shown = wanted()
        if shown is None:
            return None
        status = M.mtmd_encode_chunk(self._native, shown.chunk)
        if status != 0:
            raise EngineFailed(f"llama.cpp could not encode a picture ({status}).")
        shape = int(M.mtmd_input_chunk_get_n_tokens(shown.chunk)), self._width
        return np.ctypeslib.as_array(M.mtmd_get_output_embd(self._native), shape).copy()

    def _prompt(self, text: str, shown: Tokens[Pixels], *, add_special: bool) -> _Prompt:
        encoded = text.encode()
        piece = M.mtmd_input_text(encoded, len(encoded), add_special, True)
        bitmaps = [_bitmap(picture) for picture in shown]
        try:
            prompt = _Prompt()
            array = (M.mtmd_bitmap_p_ctypes * len(bitmaps))(*bitmaps)
            status = M.mtmd_tokenize(self._native, prompt.native, ctypes.byref(piece), array, len(bitmaps))
        finally:
            for bitmap in bitmaps:
                M.mtmd_bitmap_free(bitmap)
        if status != 0:
            raise InvalidRequest(f"llama.cpp could not prepare the pictures for this model ({status}).")
        return prompt

    def _text_tokens(self, chunk: M.mtmd_input_chunk_p) -> list[int]:
        """The tokens of a text. For one that mtmd wants around pictures and the vocabulary does not have, it has −1."""
        count = ctypes.c_size_t()
        start = M.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
        tokens: list[int] = list(start[: count.value]) if start else []
        if not is_text(tokens):
            raise Unsupported(
                "The projector beside this model belongs to another: the vocabulary lacks tokens that it needs.",
                hint="Put the projector there that came with the model.",
            )
        return tokens

    def _check_fits(self, chunk: M.mtmd_input_chunk_p, count: int) -> None:
        """llama.cpp ends the process over a picture that is seen as a whole and is computed in parts."""
        if M.mtmd_decode_use_non_causal(self._native, chunk) and count > self._micro_batch_tokens:
            raise Unsupported(
                f"The picture takes {count} tokens, which this model sees together, and {self._micro_batch_tokens} are "
                "computed together.",
                hint="Send a smaller one, or load the model with a larger --batch-size and --micro-batch-size.",
            )


def _bitmap(picture: Pixels) -> M.mtmd_bitmap_p:
    """Its id is a hash of what it shows, by which it is known in memory."""
    start = ctypes.cast(ctypes.c_char_p(picture.rgb), ctypes.POINTER(ctypes.c_uint8))
    bitmap: M.mtmd_bitmap_p = M.mtmd_bitmap_init(picture.width, picture.height, start)
    M.mtmd_bitmap_set_id(bitmap, hashlib.sha256(b"%d " % picture.width + picture.rgb).hexdigest().encode())
    return bitmap
