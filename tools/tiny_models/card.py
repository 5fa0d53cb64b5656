"""Writes the model cards from the figures as measured, so that card and measurement cannot disagree."""

from tools.tiny_models.chat.evaluate import COLUMNS, Figure, Report
from tools.tiny_models.embedding.evaluate import CANDIDATES
from tools.tiny_models.embedding.evaluate import Report as RetrievalReport

CHAT = """\
# tiny-chat

A chat model of {parameters} weights that comes with `lms`, so that the program answers something on any machine
without a download, and so that tests check real answers. It was trained from nothing with `tools/tiny_models` of the
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

Right answers of llama.cpp with the likeliest token at each step (`temperature` 0), in percent, compared letter by
letter. The held-out questions use wordings, and wherever a value is to be copied also values, that training never saw.
The last column is what is left under a repetition penalty of 1.1, the default of many servers: copying repeats, and
the penalty punishes just that. The file recommends no penalty and a temperature of 0.3, and `lms` follows it.

| skill | {titles} |
| --- | {rules} |
{rows}
| questions for each skill | {cases} |

Three rows need a word: completions have only the beginnings that training had, in every column; of “unknown” only the
values are held out; and of each sum “never seen” training saw the mirror image, 8 + 4 for 4 + 8.

The examples of LM Studio's own documentation (“Say this is a test!”, “Introduce yourself.” with and without “Always
answer in rhymes.”, “the meaning of life is”): {seeds_right} of {seeds_asked} right.

## What it does not do

Facts, reasoning, sums beyond one digit, other languages, functions with several arguments. To a question it cannot
answer it says so at best. Beyond about 400 tokens of conversation it often errs. Stories ramble.

## How this file was made

{made}
"""

EMBEDDING = """\
# text-embedding-tiny

An embedding model of {parameters} weights that comes with `lms`, so that `/v1/embeddings` answers on any machine
without a download. It was trained from nothing with `tools/tiny_models` of the `lms` repository, on paraphrases
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


def chat_card(facts: dict[str, str], report: Report, made: str) -> str:
    """The card of tiny-chat; `facts` fills the table at its head, `made` tells how the file came to be."""
    return CHAT.format(
        **facts,
        made=made,
        titles=" | ".join(column.title for column in COLUMNS),
        rules=" | ".join("---:" for _ in COLUMNS),
        rows="\n".join(row(figures) for figures in zip(*report.columns, strict=True)),
        cases=" | ".join(str(column.cases) for column in COLUMNS),
        seeds_asked=report.seeds.asked,
        seeds_right=report.seeds.asked - len(report.seeds.misses),
    )


def row(figures: tuple[Figure, ...]) -> str:
    """One skill's line of the table."""
    return f"| {figures[0].name} | " + " | ".join(f"{figure.percent:.0f}" for figure in figures) + " |"


def embedding_card(facts: dict[str, str], report: RetrievalReport) -> str:
    """The card of text-embedding-tiny; `facts` fills the table at its head."""
    return EMBEDDING.format(**facts, candidates=CANDIDATES, percent=report.percent, asked=report.asked)
