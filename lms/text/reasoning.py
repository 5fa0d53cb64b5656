"""Where a model's reasoning begins and ends: the pairs of markers that models are known to write.

A template that mentions none of them gets none: its model is taken not to reason.
"""

from typing import NamedTuple


class Markers(NamedTuple):
    """Reasoning is what stands between `start` and `end`. Of `layout`, each is a marker that is no content either, and
    after which content begins anew.

    In an answer that is held to a form, `gap` follows reasoning, as a Lark rule's part, and `content` goes before what
    is held to it. Templates are told by `mentioned`, or by the end. `closing` ends reasoning for the model, if it is
    more than the end on a line of its own.
    """

    start: str
    end: str
    layout: tuple[str, ...] = ()
    gap: str = r"/[ \n]{1,3}/?"
    content: str = ""
    mentioned: str = ""
    closing: str = ""

    @property
    def cut_short(self) -> str:
        """What ends reasoning that the model would go on with."""
        return self.closing or f"\n{self.end}\n\n"

    def left_open_by(self, prompt: str) -> bool:
        """Whether `prompt` ends inside reasoning, as templates do that write the start marker themselves."""
        return prompt.rstrip().endswith(self.start)

    def closed_by(self, prompt: str) -> bool:
        """Whether `prompt` ends just after reasoning, as templates do that write an empty one to spare the model it."""
        return prompt.rstrip().endswith(self.end)

    def spared_in(self, prompt: str) -> str:
        """`prompt`, behind which the model has nothing to reason about: there is reasoning already, if an empty one."""
        if self.closed_by(prompt):
            return prompt
        return (prompt if self.left_open_by(prompt) else prompt + self.start) + self.cut_short


THINK = Markers("<think>", "</think>")

# gpt-oss, which writes a channel before each message: https://cookbook.openai.com/articles/openai-harmony
HARMONY = Markers(
    "<|channel|>analysis<|message|>",
    "<|end|>",
    layout=(
        "<|start|>assistant",
        "<|channel|>final<|message|>",
        "<|channel|>final <|constrain|>json<|message|>",
        "<|channel|>commentary<|message|>",
        "<|end|>",
    ),
    gap='"<|start|>assistant"',
    content="<|channel|>final<|message|>",
    mentioned="<|channel|>analysis<|message|>",
    closing="<|end|><|start|>assistant",
)

# Command R7B and Command A, which write the answer between markers as well.
COMMAND = Markers(
    "<|START_THINKING|>",
    "<|END_THINKING|>",
    layout=("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    content="<|START_RESPONSE|>",
    closing="<|END_THINKING|>",
)

KNOWN = (
    THINK,  # DeepSeek R1, Qwen3, QwQ, SmolLM3 and most others; LM Studio's default
    Markers("[THINK]", "[/THINK]"),  # Magistral
    Markers("<seed:think>", "</seed:think>"),  # Seed-OSS
    HARMONY,
    COMMAND,
    Markers("<|channel>thought", "<channel|>"),  # Gemma 4
    Markers("<mm:think>", "</mm:think>"),  # MiniMax M3
    Markers("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),  # Apriel, in whose prompt it has begun
)


def markers_for(template_source: str) -> Markers | None:
    """The markers that a chat template mentions: the end alone counts, for templates cut old reasoning off there."""
    return next((markers for markers in KNOWN if (markers.mentioned or markers.end) in template_source), None)
