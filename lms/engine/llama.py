"""GGUF models through llama-cpp-python's low-level API: loading, the vocabulary, and what the file says of itself.

One llama.cpp context serves all sequences. Each has a KV cache of its own where that is cheap, else they share one, as
LM Studio's do: of one context's length, or of several (`catalog.estimate`). The limit: a seed repeats its text on the
same build and settings; in a batch llama.cpp may add in another order, and where two tokens are almost equally likely
the other one may win.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
import platform
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import llama_cpp
import llama_cpp.llama_cpp as C

from lms.catalog.identity import model_identity
from lms.config.load import DEFAULT_CONTEXT_LENGTH, DEFAULT_PARALLEL, LoadConfig
from lms.config.passes import embedding_for_processor, for_processor, pass_sizes
from lms.engine.llama_decoder import LlamaDecoder, has_state
from lms.engine.llama_devices import devices
from lms.engine.llama_draft import LlamaDraft
from lms.engine.llama_embedder import LlamaEmbedder
from lms.engine.llama_load import load
from lms.engine.llama_lora import adapt
from lms.engine.llama_params import embedding_params, generating_params, model_params, threads
from lms.engine.llama_trial import is_worth_trying, short_pass, survives
from lms.engine.model import Decoder, DraftDecoder, Embedder, Vocabulary
from lms.engine.protocol import EngineSpec, Runtime
from lms.engine.state_key import Setting
from lms.engine.unused import unused
from lms.errors import EngineFailed, Unsupported
from lms.generation.request import DraftModel, Sampling
from lms.logbus.records import Level

if TYPE_CHECKING:
    from lms.engine.llama_vision import LlamaVision

POOLING_NONE, POOLING_MEAN = 0, 1

NOT_LOCKED = "The model could not be locked in memory: more than this process may lock (ulimit -l)."

# enum ggml_log_level; a line of level 5 continues the line before it.
LOG_LEVELS: dict[int, Level] = {1: "debug", 2: "info", 3: "warn", 4: "error"}


class LlamaVocabulary:
    """Implements `Vocabulary`. Every token's bytes are read once: a table look-up beats a native call per token."""

    def __init__(self, model: C.llama_model_p) -> None:
        self._vocab = C.llama_model_get_vocab(model)
        self._size: int = C.llama_vocab_n_tokens(self._vocab)
        self._pieces: dict[int, bytes] = {}
        self.bos = self._text(C.llama_vocab_bos(self._vocab))
        self.eos = self._text(C.llama_vocab_eos(self._vocab))
        self.infill = _infill_tokens(self._vocab)
        self.longest_piece_bytes = max(len(self._text(token).encode()) for token in range(self._size))

    def __len__(self) -> int:
        return self._size

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        encoded = text.encode()
        room = len(encoded) + 8
        tokens = (C.llama_token * room)()
        count = C.llama_tokenize(self._vocab, encoded, len(encoded), tokens, room, add_special, parse_special)
        if count < 0:
            room = -count
            tokens = (C.llama_token * room)()
            count = C.llama_tokenize(self._vocab, encoded, len(encoded), tokens, room, add_special, parse_special)
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._piece(token)
        return known

    def spelling(self, token: int) -> bytes:
        return self._piece(token, special=True)

    def is_end(self, token: int) -> bool:
        return bool(C.llama_vocab_is_eog(self._vocab, token))

    def _piece(self, token: int, *, special: bool = False) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            size = C.llama_token_to_piece(self._vocab, token, buffer, room, 0, special)
            if size >= 0:
                return buffer.raw[:size]
            room = -size

    def _text(self, token: int) -> str:
        text = C.llama_vocab_get_text(self._vocab, token) if token >= 0 else None
        return text.decode(errors="replace") if text else ""


def _infill_tokens(vocab: C.llama_vocab_p) -> tuple[int, int, int] | None:
    before, after, gap = C.llama_vocab_fim_pre(vocab), C.llama_vocab_fim_suf(vocab), C.llama_vocab_fim_mid(vocab)
    return None if min(before, after, gap) < 0 else (before, after, gap)


class LlamaModel:
    """Implements `Model`. Raises EngineFailed when llama.cpp refuses the file or the memory."""

    def __init__(self, spec: EngineSpec, on_progress: Callable[[float], None]) -> None:
        self._spec = spec
        self.warnings: tuple[str, ...] = ()
        self._model = self._load(on_progress)
        self.vocabulary: Vocabulary = LlamaVocabulary(self._model)
        self.template = spec.config.chat_template or _template(self._model)
        self.runtime = _runtime()
        self.defaults = _recommended_sampling(self._model)
        self.parallel = 1 if spec.embedding else self._choose_parallel(spec.config)
        self.context_length = self._choose_context_length(spec.config)
        self.state_settings = _state_settings(spec, self.context_length)
        self._config = spec.config if has_accelerator() else self._for_processor()
        self._sizes = pass_sizes(self._config, self.context_length, embedding=spec.embedding)
        self.warnings += unused(spec.config, self._sizes, embedding=spec.embedding, gpus=len(devices()))
        self.batch_tokens = self._sizes.prompt_tokens
        self.vision = self._load_vision()
        self._context = self._create_context()
        if is_worth_trying() and not survives(lambda: short_pass(self._context)):
            self._load_again_plainly(on_progress)
        self._decoder = None if spec.embedding else self._create_decoder()
        self._embedder = self._create_embedder() if spec.embedding else None

    def decoder(self) -> Decoder:
        if self._decoder is None:
            raise Unsupported(f"“{self._spec.identifier}” is an embedding model and generates no text.")
        return self._decoder

    def draft_decoder(self, draft: DraftModel) -> DraftDecoder:
        if not self.decoder().divisible:
            raise Unsupported(f"“{self._spec.model_key}” sums up what it has read: no draft model can help it.")
        return LlamaDraft(self._spec, draft, self.context_length, self.parallel)

    def embedder(self) -> Embedder:
        if self._embedder is None:
            raise Unsupported(f"“{self._spec.identifier}” generates text and was not loaded to embed.")
        return self._embedder

    def close(self) -> None:
        if self.vision:
            self.vision.close()
        C.llama_free(self._context)
        C.llama_model_free(self._model)

    def _for_processor(self) -> LoadConfig:
        if self._spec.embedding:
            return embedding_for_processor(self._spec.config)
        split = self._spec.config.unified_kv is False
        cells = self.context_length if split else max(self.context_length, self._spec.cells)
        heads = int(C.llama_model_n_head(self._model))
        return for_processor(self._spec.config, heads, cells, sees=bool(self._spec.projector_path))

    def _create_decoder(self) -> LlamaDecoder:
        """A pass has room for its answers and their drafts beside the prompts."""
        outputs = self._sizes.batch_tokens - self._sizes.prompt_tokens
        return LlamaDecoder(self._context, self.parallel, outputs, self.vision)

    def _create_embedder(self) -> LlamaEmbedder:
        tiles = self._config.flash_attention is not False and not has_accelerator()
        return LlamaEmbedder(self._context, self._sizes.batch_tokens, self.vocabulary, fills_tiles=tiles)

    def _load_vision(self) -> LlamaVision | None:
        """What shows the model pictures. With a projector that cannot be used, it is a model that reads."""
        if not self._spec.projector_path or self._spec.embedding:
            return None
        try:
            from lms.engine import llama_vision  # its library is not in every build of llama-cpp-python

            _, reading = threads(self._spec.config, C.llama_model_n_params(self._model))
            llama_vision.forward_logs(_callbacks)
            return llama_vision.LlamaVision(
                self._spec.projector_path,
                self._model,
                threads=reading,
                use_gpu=self._spec.config.gpu_ratio != 0,
                micro_batch_tokens=self._sizes.micro_batch_tokens,
            )
        except (EngineFailed, ImportError, OSError, RuntimeError) as error:
            self.warnings += (f"It sees no pictures: {error}",)
            return None

    def _choose_parallel(self, config: LoadConfig) -> int:
        wanted, most = config.parallel or DEFAULT_PARALLEL, int(C.llama_max_parallel_sequences())
        if wanted > most:
            self.warnings += (f"Parallel was lowered from {wanted} to {most}, the most that llama.cpp takes.",)
        return min(wanted, most)

    def _load_again_plainly(self, on_progress: Callable[[float], None]) -> None:
        """Without the buffers whose layout is made for special instructions, and so without these instructions."""
        self.close()
        self._model = self._load(on_progress, special_buffers=False)
        self.vocabulary = LlamaVocabulary(self._model)
        self.vision = self._load_vision()
        self._context = self._create_context()
        self.warnings += ("llama.cpp’s AMX instructions end in a crash on this machine. They are left out.",)

    def _choose_context_length(self, config: LoadConfig) -> int:
        trained: int = C.llama_model_n_ctx_train(self._model)
        wanted = config.context_length or min(DEFAULT_CONTEXT_LENGTH, trained)
        if wanted > trained:
            self.warnings += (f"The context length was lowered from {wanted} to {trained}, the most the model knows.",)
        return min(wanted, trained)

    def _load(self, on_progress: Callable[[float], None], *, special_buffers: bool = True) -> C.llama_model_p:
        require_devices(self._spec.config)
        _complaints.clear()
        model = load(self._spec.model_path, model_params(self._spec, special_buffers=special_buffers), on_progress)
        if any("mlock" in line for line in _complaints) and NOT_LOCKED not in self.warnings:
            self.warnings += (NOT_LOCKED,)
        return model

    def _create_context(self) -> C.llama_context_p:
        config = self._config
        params = self._embedding_params(config) if self._spec.embedding else self._generating_params(config)
        params.n_threads, params.n_threads_batch = threads(
            config, C.llama_model_n_params(self._model), embedding=self._spec.embedding
        )
        _complaints.clear()
        context: C.llama_context_p | None = C.llama_init_from_model(self._model, params)
        if not context:
            reason = f" It says: {_complaints[-1]}" if _complaints else ""
            raise EngineFailed(
                f"llama.cpp could not create a context of {self.context_length} tokens for “{self._spec.model_key}”."
                + reason,
                hint="Load it with a shorter --context-length or fewer options; "
                "`lms log stream --source runtime` shows more.",
            )
        adapt(context, self._model, config.lora)
        return context

    def _embedding_params(self, config: LoadConfig) -> C.llama_context_params:
        return embedding_params(config, self._sizes, pooling=_pooling(self._model))

    def _generating_params(self, config: LoadConfig) -> C.llama_context_params:
        return generating_params(
            config,
            self._sizes,
            context_length=self.context_length,
            cells=self._spec.cells,
            parallel=self.parallel,
            keeps_finished=not has_state(self._model),  # every slot would cost a whole state, used or not
        )


def _state_settings(spec: EngineSpec, context_length: int) -> dict[str, Setting]:
    """Without flash attention values are kept the other way round; by the context's length some models choose how they
    tell positions (longrope)."""
    config = spec.config
    return {
        "llama.cpp": version(),
        "keys": config.k_cache_type,
        "values": config.v_cache_type,
        "flash attention": config.flash_attention,
        "accelerator": has_accelerator(),
        "unified": config.unified_kv,
        "experts": config.num_experts,
        "context length": context_length,
        **{f"lora {n} {model_identity([Path(lora.path)])}": lora.scale for n, lora in enumerate(config.lora)},
        **({"projector": model_identity([Path(spec.projector_path)])} if spec.projector_path else {}),
    }


def has_accelerator() -> bool:
    """Whether this build of llama.cpp may compute elsewhere than on the processor."""
    return bool(C.llama_supports_gpu_offload())


def require_devices(config: LoadConfig) -> None:
    """Raises Unsupported where more GPUs are named than llama.cpp has: it would pass over the others."""
    param = "tensor_split" if config.tensor_split else "main_gpu"
    named = len(config.tensor_split) if config.main_gpu is None else config.main_gpu + 1
    if named and named > (there := len(devices())):
        what = f"names {named} GPUs" if config.main_gpu is None else f"is {config.main_gpu}, counted from 0"
        raise Unsupported(
            f"{param} {what}, and llama.cpp finds {there or 'no'} GPU{'' if there == 1 else 's'} here.",
            hint="lms runtime survey shows them. Load the model without it, or with fewer.",
            param=param,
        )


def version() -> str:
    """Of llama-cpp-python, which carries llama.cpp."""
    return str(llama_cpp.__version__)


_callbacks: list[object] = []  # a callback that Python collects while C still calls it ends the process
_complaints: deque[str] = deque(maxlen=32)  # what llama.cpp said last of what is wrong, for our own words about it


def forward_logs(publish: Callable[[Level, str], None]) -> None:
    """Send what llama.cpp says to `publish`, line by line, from now on.

    What it says in other threads waits for what it says next in this one, which alone may publish.
    """
    pending: list[tuple[int, str]] = []
    elsewhere: deque[tuple[int, bytes]] = deque(maxlen=1000)
    home = threading.get_ident()

    def receive(level: int, text: bytes, _user_data: object) -> None:
        if threading.get_ident() != home:
            elsewhere.append((level, text))
            return
        while elsewhere and not pending:
            take(*elsewhere.popleft())
        take(level, text)

    def take(level: int, text: bytes) -> None:
        level = pending[-1][0] if level not in LOG_LEVELS and pending else level
        pending.append((level, text.decode(errors="replace")))
        if text.endswith(b"\n"):
            line = "".join(part for _, part in pending).rstrip()
            first_level = pending[0][0]
            pending.clear()
            if line and LOG_LEVELS.get(first_level) in ("warn", "error"):
                _complaints.append(line)
            if line:
                publish(LOG_LEVELS.get(first_level, "info"), line)

    callback = C.llama_log_callback(receive)
    C.llama_log_set(callback, ctypes.c_void_p(0))
    _callbacks[:] = [callback]


def _pooling(model: C.llama_model_p) -> int:
    """The pooling the file names, else the mean: without pooling there is no one vector for a text."""
    arch = metadata(model, "general.architecture") or ""
    named = metadata(model, f"{arch}.pooling_type")
    return POOLING_MEAN if named is None or int(named) == POOLING_NONE else int(named)


def _template(model: C.llama_model_p) -> str | None:
    text = C.llama_model_chat_template(model, None)
    return text.decode() if text else None


def metadata(model: C.llama_model_p, key: str) -> str | None:
    """A value of the GGUF header as text, None when it is absent."""
    buffer = ctypes.create_string_buffer(256)
    size = C.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode(errors="replace") if size >= 0 else None


def _recommended_sampling(model: C.llama_model_p) -> Sampling:
    """The `general.sampling.*` values of the GGUF header, which its maker recommends."""

    def number(name: str) -> float | None:
        text = metadata(model, f"general.sampling.{name}")
        try:
            return None if text is None else float(text)
        except ValueError:
            return None

    top_k = number("top_k")
    return Sampling(
        temperature=number("temp"),
        top_k=None if top_k is None else int(top_k),
        top_p=number("top_p"),
        min_p=number("min_p"),
        repeat_penalty=number("penalty_repeat"),
    )


def _runtime() -> Runtime:
    """Named as LM Studio names its runtimes: library, system, processor, accelerator."""
    accelerator = "gpu" if has_accelerator() else "cpu"
    system = {"darwin": "mac"}.get(sys.platform, sys.platform)
    return Runtime(f"llama.cpp-{system}-{platform.machine()}-{accelerator}", version(), ("gguf",))
