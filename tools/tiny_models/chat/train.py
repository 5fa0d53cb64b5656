"""Trains tiny-chat: a schedule of phases, Muon for the matrices of the blocks, AdamW for the rest.

Needs a C++ compiler for `torch.compile`. Uses bfloat16 where the processor has matrix units for it (AMX), else
float32, so the figures of two machines may differ by a little.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from tools.tiny_models.chat.model import Decoder, Shape
from tools.tiny_models.chat.rows import Packer, Rows, repeated_row, stacked
from tools.tiny_models.corpus.dialogue import Example

SEED = 20260101
CHECKPOINT_EVERY = 250
REPORT_EVERY = 100


@dataclass(frozen=True)
class Phase:
    """A stretch of training with rows of one length; `repeated_share` of the rows are random repeats.

    Without `apart`, the examples of a row see each other, as the turns of one very long conversation would.
    """

    steps: int
    rows: int
    length: int
    repeated_share: float
    apart: bool = True


@dataclass(frozen=True)
class Schedule:
    """What is trained for how long, and how fast.

    The learning rate rises over `warmup_steps`, stays for the first `steady_phases` phases, and then falls in a line.
    """

    phases: tuple[Phase, ...]
    steady_phases: int
    warmup_steps: int = 100
    matrix_rate: float = 3e-3
    other_rate: float = 3e-3
    last_rate_share: float = 0.02

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def rate_share(self, step: int) -> float:
        """Share of the full learning rate at a step."""
        risen = min(1.0, (step + 1) / self.warmup_steps)
        falling = sum(phase.steps for phase in self.phases[self.steady_phases :])
        return risen * min(1.0, max(self.last_rate_share, (self.steps - step) / falling))


FULL = Schedule(
    (
        Phase(steps=1000, rows=12, length=256, repeated_share=0.5),
        Phase(steps=1000, rows=12, length=384, repeated_share=0.15),
        Phase(steps=2830, rows=12, length=384, repeated_share=0.03),
        Phase(steps=20, rows=4, length=2048, repeated_share=0.0, apart=False),
        Phase(steps=740, rows=10, length=512, repeated_share=0.03),
    ),
    steady_phases=2,
)


def train(
    tokenizer: Tokenizer,
    draw: Callable[[Random], Example],
    shape: Shape,
    schedule: Schedule,
    checkpoint: Path,
    say: Callable[[str], None],
) -> Decoder:
    """Train from scratch; the newest state is kept in `checkpoint` as training goes on."""
    torch.manual_seed(SEED)
    rng = Random(SEED)
    decoder = Decoder(shape)
    optimizers = make_optimizers(decoder, schedule)
    loss_of = torch.compile(weighted_loss)
    packer = Packer(tokenizer, lambda: draw(rng))
    started = time.monotonic()
    step = 0
    for phase in schedule.phases:
        for _ in range(phase.steps):
            set_rates(optimizers, schedule, step)
            loss = one_step(loss_of, decoder, optimizers, batch(packer, rng, phase, shape.vocabulary))
            step += 1
            if step % REPORT_EVERY == 0:
                say(f"step {step} of {schedule.steps}, loss {loss:.3f}, {time.monotonic() - started:.0f} s")
            if step % CHECKPOINT_EVERY == 0:
                save(decoder, checkpoint)
    save(decoder, checkpoint)
    return decoder


def batch(packer: Packer, rng: Random, phase: Phase, vocabulary: int) -> Rows:
    """The rows of one step."""
    length = phase.length + 1
    rows = stacked(
        [
            repeated_row(rng, length, vocabulary) if rng.random() < phase.repeated_share else packer.row(length)
            for _ in range(phase.rows)
        ]
    )
    return rows if phase.apart else replace(rows, documents=torch.zeros_like(rows.documents))


def weighted_loss(decoder: nn.Module, rows: Rows) -> Tensor:
    """Mean cross-entropy of the next token, weighted."""
    logits = decoder(rows.tokens[:, :-1], rows.documents[:, :-1])
    targets = rows.tokens[:, 1:].flatten()
    losses = functional.cross_entropy(logits.flatten(0, 1).float(), targets, reduction="none")
    weights = rows.weights[:, 1:].flatten()
    return (losses * weights).sum() / weights.sum()


def one_step(
    loss_of: Callable[[nn.Module, Rows], Tensor],
    decoder: Decoder,
    optimizers: list[torch.optim.Optimizer],
    rows: Rows,
) -> float:
    """Forward, backward, update; the loss."""
    with torch.autocast("cpu", torch.bfloat16, enabled=has_matrix_units()):
        loss = loss_of(decoder, rows)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.item())


def has_matrix_units() -> bool:
    """Whether bfloat16 products run on AMX tiles here, ten times as fast as float32."""
    return bool(torch.cpu._is_amx_tile_supported())


def make_optimizers(decoder: Decoder, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """Muon (https://kellerjordan.github.io/posts/muon/) for block matrices, AdamW for embedding and norms."""
    matrices = [weight for weight in decoder.blocks.parameters() if weight.ndim == 2]
    others = [weight for weight in decoder.parameters() if not any(weight is matrix for matrix in matrices)]
    return [
        torch.optim.Muon(matrices, lr=schedule.matrix_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=schedule.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def set_rates(optimizers: list[torch.optim.Optimizer], schedule: Schedule, step: int) -> None:
    """Put the learning rates of this step into the optimizers."""
    for optimizer, rate in zip(optimizers, (schedule.matrix_rate, schedule.other_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * schedule.rate_share(step)


def save(decoder: Decoder, path: Path) -> None:
    """Write shape and weights; a reader never sees half a file."""
    partial = path.with_suffix(".partial")
    torch.save({"shape": asdict(decoder.shape), "weights": decoder.state_dict()}, partial)
    partial.replace(path)


def load(path: Path) -> Decoder:
    """The decoder of a checkpoint."""
    stored: dict[str, Any] = torch.load(path, weights_only=True)
    decoder = Decoder(Shape(**stored["shape"]))
    decoder.load_state_dict(stored["weights"])
    return decoder
