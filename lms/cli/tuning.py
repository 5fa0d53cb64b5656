"""The options of `lms load` that most loads go without: how the model computes, and what it keeps where."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli.values import one_of, whole_number
from lms.config.bounds import MOST_BATCH, MOST_PROMPT_CACHE_MB, MOST_THREADS
from lms.errors import UsageError

if TYPE_CHECKING:
    from lms.config.load import LoadConfig

COMPUTING, MEMORY, REUSE, LENGTH = "Computing", "Memory", "Reuse and guesses", "Long conversations"
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
Mlock = Annotated[bool, _flag("--mlock", MEMORY, "Keep the model in memory, never swap it out.")]
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
    mlock: Mlock = False
    speculation: Speculation = None
    draft_model: DraftModel = None
    prompt_cache_mb: PromptCache = None
    prompt_cache_disk_mb: PromptCacheDisk = None
    overflow: Overflow = None

    def config(self) -> "LoadConfig":
        """The load config that says so. Raises UsageError for options that exclude each other."""
        from lms.config.load import LoadConfig

        types: Any = self.kv_cache_type or ("f16", "f16")
        overflow: Any = self.overflow or "refuse"
        try:
            return LoadConfig(
                threads=self.threads,
                batch_threads=self.batch_threads,
                batch_size=self.batch_size,
                micro_batch_size=self.micro_batch_size,
                flash_attention=SWITCH[self.flash_attention or "auto"],
                k_cache_type=types[0],
                v_cache_type=types[1],
                unified_kv=SWITCH[self.unified_kv or "auto"],
                offload_kv_cache=not self.no_offload_kv_cache,
                use_mmap=not self.no_mmap,
                use_mlock=self.mlock,
                speculation="ngram" if self.speculation == "ngram" else "off",
                draft_model=self.draft_model or None,
                prompt_cache_mb=self.prompt_cache_mb,
                prompt_cache_disk_mb=self.prompt_cache_disk_mb or 0,
                overflow=overflow,
            )
        except ValueError as error:
            raise UsageError(f"{error}.") from error


UNTUNED = Tuning()
