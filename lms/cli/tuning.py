"""The options of `lms load` that most loads go without: how the model computes, and what it keeps where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from lms.cli.values import MOST_INT32, one_of, whole_number
from lms.config.bounds import MOST_BATCH, MOST_DEVICES, MOST_PROMPT_CACHE_MB, MOST_TEMPLATE, MOST_THREADS
from lms.errors import UsageError

COMPUTING, MEMORY, REUSE, LENGTH = "Computing", "Memory", "Reuse and guesses", "Long conversations"
DEVICES, CHANGES = "GPUs", "Changes to the model"
OVERFLOW = ("refuse", "stopAtLimit", "truncateMiddle", "rollingWindow")
SWITCH = {"auto": None, "on": True, "off": False}
CACHE_TYPES = ("f16", "q8_0", "q4_0")


def _number(flag: str, least: int, most: int, title: str, help_: str) -> Any:
    def parse(typed: str) -> int:
        return whole_number(flag, typed, least, most)

    return typer.Option(flag, parser=parse, metavar="N", rich_help_panel=title, help=help_)


def _word(flag: str, words: tuple[str, ...], title: str, help_: str) -> Any:
    def parse(typed: str) -> str:
        return one_of(flag, typed, words)

    return typer.Option(flag, parser=parse, metavar="|".join(words), rich_help_panel=title, help=help_)


def _flag(flag: str, title: str, help_: str) -> Any:
    return typer.Option(flag, rich_help_panel=title, help=help_)


def cache_types(typed: str) -> tuple[str, str]:
    """The types of keys and of values: two with a comma between them, or one for both. Raises UsageError."""
    keys, comma, values = typed.partition(",")
    flag = "--kv-cache-type"
    return one_of(flag, keys, CACHE_TYPES), one_of(flag, values if comma else keys, CACHE_TYPES)


def shares(typed: str) -> tuple[float, ...]:
    """Numbers with commas between. Raises UsageError."""
    try:
        parts = tuple(float(part) for part in typed.split(","))
    except ValueError:
        parts = ()
    if not 0 < len(parts) <= MOST_DEVICES or not all(0 <= part <= 1e6 for part in parts) or not any(parts):
        raise UsageError(f"--tensor-split takes shares with commas between, like 3,1, not “{typed}”.")
    return parts


def adapter(typed: str) -> dict[str, Any]:
    """`FILE` or `FILE:scale` as `lms.config.load.Lora` has it, the path made absolute. Raises UsageError."""
    file, colon, scale = typed.rpartition(":")
    strength = _number_in(scale) if colon and file else None
    path = Path(typed if strength is None else file).expanduser().absolute()
    if not path.is_file():
        raise UsageError(f"--lora takes a GGUF file, or FILE:scale: there is no file {path}.")
    return {"path": str(path)} | ({} if strength is None else {"scale": strength})


def _number_in(typed: str) -> float | None:
    try:
        return float(typed)
    except ValueError:
        return None


def template(typed: str) -> str:
    """The text in that file. Raises UsageError."""
    try:
        text = Path(typed).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--chat-template takes a file with a Jinja template: {error}.") from error
    if not text.strip() or len(text) > MOST_TEMPLATE:
        raise UsageError(
            f"--chat-template takes a file of 1 to {MOST_TEMPLATE} characters, and {typed} has {len(text)}."
        )
    return text


Threads = Annotated[
    int | None, _number("--threads", 1, MOST_THREADS, COMPUTING, "Processor threads. Default: one a core.")
]
BatchThreads = Annotated[
    int | None, _number("--batch-threads", 1, MOST_THREADS, COMPUTING, "Threads that read prompts. Default: the same.")
]
BatchSize = Annotated[
    int | None, _number("--batch-size", 1, MOST_BATCH, COMPUTING, "Prompt tokens in one pass. Default: 512.")
]
MicroBatchSize = Annotated[
    int | None,
    _number("--micro-batch-size", 1, MOST_BATCH, COMPUTING, "Of them computed together. Default: all."),
]
FlashAttention = Annotated[
    str | None,
    _word("--flash-attention", tuple(SWITCH), COMPUTING, "Attention that takes less memory."),
]
KvCacheType = Annotated[
    Any,
    typer.Option(
        "--kv-cache-type",
        parser=cache_types,
        metavar="|".join(CACHE_TYPES),
        rich_help_panel=MEMORY,
        help="Type of keys and values, or of each: q8_0,q4_0.",
    ),
]
UnifiedKv = Annotated[
    str | None, _word("--unified-kv", tuple(SWITCH), MEMORY, "One cache for all requests, or one each.")
]
NoOffloadKvCache = Annotated[bool, _flag("--no-offload-kv-cache", MEMORY, "Keep keys and values off the GPU.")]
NoMmap = Annotated[bool, _flag("--no-mmap", MEMORY, "Read the model file instead of mapping it.")]
Mmap = Annotated[bool, _flag("--mmap", MEMORY, "Map it, which is the default, whatever is set for the model.")]
Mlock = Annotated[bool, _flag("--mlock", MEMORY, "Keep the model in memory, never swap it out.")]
NoMlock = Annotated[bool, _flag("--no-mlock", MEMORY, "Let it be swapped out, whatever is set for the model.")]
MainGpu = Annotated[
    int | None, _number("--main-gpu", 0, MOST_DEVICES - 1, DEVICES, "The GPU that all of the model goes to.")
]
TensorSplit = Annotated[
    Any,
    typer.Option(
        "--tensor-split",
        parser=shares,
        metavar="N,N,…",
        rich_help_panel=DEVICES,
        help="Shares of the model for each GPU: 3,1 puts three quarters on the first.",
    ),
]
Loras = Annotated[
    list[str] | None,
    typer.Option(
        "--lora",
        metavar="FILE[:scale]",
        rich_help_panel=CHANGES,
        help="A LoRA adapter in GGUF, and how strongly it counts (1). May be given again.",
    ),
]
ChatTemplate = Annotated[
    str | None,
    typer.Option(
        "--chat-template",
        parser=template,
        metavar="FILE",
        rich_help_panel=CHANGES,
        help="A Jinja template that takes the place of the model's own.",
    ),
]
NumExperts = Annotated[
    int | None,
    _number("--num-experts", 1, MOST_INT32, CHANGES, "Experts that a mixture asks for each token. Default: its own."),
]
Speculation = Annotated[
    str | None, _word("--speculation", ("off", "ngram"), REUSE, "Guess tokens that the text repeats. Default: off.")
]
DraftModel = Annotated[
    str | None,
    typer.Option(
        "--draft-model",
        metavar="KEY",
        rich_help_panel=REUSE,
        help="A small model with the same vocabulary that guesses what this one will say.",
    ),
]
PromptCache = Annotated[
    int | None,
    _number("--prompt-cache-mb", 0, MOST_PROMPT_CACHE_MB, REUSE, "MiB of memory for earlier prompts; 0: none."),
]
PromptCacheDisk = Annotated[
    int | None,
    _number("--prompt-cache-disk-mb", 0, MOST_PROMPT_CACHE_MB, REUSE, "MiB of disk for them. Default: 0, none."),
]
Overflow = Annotated[
    str | None,
    _word("--overflow", OVERFLOW, LENGTH, "What to do with those longer than the context. Default: refuse."),
]


@dataclass(frozen=True)
class Tuning:
    """What was typed of these options. None, and False of a flag, means: not typed."""

    threads: Threads = None
    batch_threads: BatchThreads = None
    batch_size: BatchSize = None
    micro_batch_size: MicroBatchSize = None
    flash_attention: FlashAttention = None
    kv_cache_type: KvCacheType = None
    unified_kv: UnifiedKv = None
    no_offload_kv_cache: NoOffloadKvCache = False
    no_mmap: NoMmap = False
    mmap: Mmap = False
    mlock: Mlock = False
    no_mlock: NoMlock = False
    speculation: Speculation = None
    draft_model: DraftModel = None
    prompt_cache_mb: PromptCache = None
    prompt_cache_disk_mb: PromptCacheDisk = None
    overflow: Overflow = None
    main_gpu: MainGpu = None
    tensor_split: TensorSplit = None
    lora: Loras = None
    chat_template: ChatTemplate = None
    num_experts: NumExperts = None

    def asked(self) -> dict[str, Any]:
        """The fields of a `LoadConfig` that were typed. Raises UsageError for flags that contradict each other."""
        keys, values = self.kv_cache_type or (None, None)
        given = {
            "threads": self.threads,
            "batch_threads": self.batch_threads,
            "batch_size": self.batch_size,
            "micro_batch_size": self.micro_batch_size,
            "k_cache_type": keys,
            "v_cache_type": values,
            "offload_kv_cache": False if self.no_offload_kv_cache else None,
            "use_mmap": _either("mmap", self.mmap, self.no_mmap),
            "use_mlock": _either("mlock", self.mlock, self.no_mlock),
            "speculation": self.speculation,
            "draft_model": self.draft_model or None,
            "prompt_cache_mb": self.prompt_cache_mb,
            "prompt_cache_disk_mb": self.prompt_cache_disk_mb,
            "overflow": self.overflow,
            "main_gpu": self.main_gpu,
            "tensor_split": self.tensor_split,
            "lora": [adapter(typed) for typed in self.lora or ()] or None,
            "chat_template": self.chat_template,
            "num_experts": self.num_experts,
        }
        switched = {"flash_attention": self.flash_attention, "unified_kv": self.unified_kv}
        asked = {name: value for name, value in given.items() if value is not None}
        return asked | {name: SWITCH[word] for name, word in switched.items() if word is not None}


def _either(name: str, on: bool, off: bool) -> bool | None:
    if on and off:
        raise UsageError(f"Give --{name} or --no-{name}, not both.")
    return on if on or off else None


UNTUNED = Tuning()
