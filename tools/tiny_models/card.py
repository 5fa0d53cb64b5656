"""Writes the model cards from the figures as measured, so that card and measurement cannot disagree."""

from tools.tiny_models.chat.evaluate import Figure, Report
from tools.tiny_models.embedding.evaluate import CANDIDATES
from tools.tiny_models.embedding.evaluate import Report as RetrievalReport

CHAT = """\
# tiny-chat

A chat model of {parameters} weights that comes with `lms`, so that the program answers something on any machine
without a download, and so that tests check real answers. It was trained from nothing by `make tiny-models` of the
`lms` repository, on texts generated for it there; no other model and no collected text went into it. It knows very
little: use it to try `lms`, not to ask for advice.

| | |
| --- | --- |
| Publisher | lms |
| Licence | MIT |
| File | `{file}`, {size} |
| Architecture | llama: {layers} layers of {width}, {heads} heads, byte-level BPE of {vocabulary} tokens |
| Context | {context} tokens; nearly all of the training had at most 512 |
| Prompt format | ChatML with tools in Hermes form; the template is in the file |
| Language | English |

## What it does

Right answers of llama.cpp with the likeliest token at each step (`temperature` 0, no repetition penalty), in percent of
{cases} questions each, compared letter by letter. The held-out questions use wordings, and wherever a value is to be
copied also values, that training never saw.

| skill | wordings of the training | held-out |
| --- | ---: | ---: |
{rows}

The examples of LM Studio's own documentation (“Say this is a test!”, “Introduce yourself.” under “Always answer in
rhymes.”, “the meaning of life is”): {seeds_right} of {seeds_asked} right.

With the repetition penalty of {penalty} that servers often apply, the mean of the held-out column falls from
{mean} to {penalised_mean}: copying repeats, and the penalty punishes just that. Set `repeat_penalty` to 1 for it.

## What it does not do

Facts, reasoning, sums beyond one digit, other languages, functions with several arguments. To a question it cannot
answer it says so at best.
"""

EMBEDDING = """\
# text-embedding-tiny

An embedding model of {parameters} weights that comes with `lms`, so that `/v1/embeddings` answers on any machine
without a download. It was trained from nothing by `make tiny-models` of the `lms` repository, on paraphrases
generated there.

| | |
| --- | --- |
| Publisher | lms |
| Licence | MIT |
| File | `{file}`, {size} |
| Architecture | bert: {layers} layers of {width}, {heads} heads, WordPiece of {vocabulary} tokens, lower case |
| Vectors | {width} components, mean over all tokens |
| Context | {context} tokens; training had sentences only |
| Language | English |

## What it does

Of {candidates} paraphrases, the right one was the nearest in {percent:.1f} % of {asked} searches (llama.cpp, cosine).
Meanings and wordings of these sentences were never seen in training, their words were. Texts unlike the training's
plain sentences are told apart by the pieces of words they share, not by what they mean.
"""


def chat_card(facts: dict[str, str], cases: int, report: Report, penalised: Report, penalty: float) -> str:
    """The card of tiny-chat; `facts` fills the table at its head."""
    rows = "\n".join(map(row, report.training, report.held_out))
    return CHAT.format(
        **facts,
        cases=cases,
        rows=rows,
        seeds_asked=report.seeds.asked,
        seeds_right=report.seeds.asked - len(report.seeds.misses),
        penalty=penalty,
        mean=f"{mean(report.held_out):.0f} %",
        penalised_mean=f"{mean(penalised.held_out):.0f} %",
    )


def row(training: Figure, held_out: Figure) -> str:
    """One line of the table of skills."""
    return f"| {training.name} | {training.percent:.0f} | {held_out.percent:.0f} |"


def mean(figures: tuple[Figure, ...]) -> float:
    """Mean share of right answers over the skills."""
    return sum(figure.percent for figure in figures) / len(figures)


def embedding_card(facts: dict[str, str], report: RetrievalReport) -> str:
    """The card of text-embedding-tiny; `facts` fills the table at its head."""
    return EMBEDDING.format(**facts, candidates=CANDIDATES, percent=report.percent, asked=report.asked)
