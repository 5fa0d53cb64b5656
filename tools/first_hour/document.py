"""The transcript as Markdown, without what is different from run to run and from machine to machine. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tools.first_hour.steps import Part, Step

ANY = "…"
HEAD = f"""\
# A first hour

What you type, and what the screen shows. Written by `make first-hour`, which runs the program itself, in a terminal and
in a home of its own: change the program or `tools/first_hour/steps.py`, not this file. The hub is a small one that the
tests start, and its models are made up. Durations, speeds, process ids, keys and the machine's memory stand as `{ANY}`,
and everything happens at the same moment.
"""

# What is different each time, and what stands for it.
VARYING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-01-31 12:00:00"),
    (r"\d{4}-\d\d-\d\d(?! 12:00)", "2026-01-31"),
    (r"(PID: |pid=|process )\d+", rf"\1{ANY}"),
    (r"taken by \S+ ", "taken by python "),
    (r"llama\.cpp-[\w-]+@[\d.]+", f"llama.cpp-{ANY}@{ANY}"),
    (r"sk-lm-[\w-]+:[\w-]+", f"sk-lm-{ANY}:{ANY}"),
    (r"\bchatcmpl-\w+", f"chatcmpl-{ANY}"),
    (r'("created": )\d+', rf"\1{ANY}"),
    (r"this (?:machine|container)'s [\d.]+ [KMGT]iB", f"this machine's {ANY} GiB"),
    (r"(Available Memory: +)[\d.]+ [KMGT]iB", rf"\1{ANY} GiB"),
    (r"(\d MB) (?:[\d.]+ .?B/s|\?) [-\d:]+$", rf"\1 {ANY} MB/s {ANY}"),
    (r"(Tokens/Second: )[\d.]+", rf"\1{ANY}"),
    (r"\d+(?:\.\d+)?( ?m?s)$", rf"{ANY}\1"),
    (r"(Loaded in )\d+(?:\.\d+)?", rf"\1{ANY}"),
)
# The same in a column of a table, which stays as wide as it is.
VARYING_CELLS = (
    r"^[\w-]{8}(?= {4}\S)",  # ids
    r"(?<=  )\d+\.\d+m?s(?=  )",
    r"(?<=  )[1-9]\d*\.\d(?=  )",
    r"(?<=  )\d+(?= +32$)",  # tokens of a prompt of made-up words
)


def transcript(hour: Sequence[Part], screens: Mapping[Step, Sequence[str]]) -> str:
    """The whole document: `screens` are the lines that each step left."""
    return "\n".join([HEAD, *(line for part in hour for line in _part(part, screens))])


def _part(part: Part, screens: Mapping[Step, Sequence[str]]) -> Iterator[str]:
    yield from (f"## {part.title}", "")
    for step in part.steps:
        ending = f" It ends with {step.code}." if step.code else ""
        yield from (step.why + ending, "", "```console", f"$ {step.command}", *screens[step], "```", "")


def commands(document: str) -> list[str]:
    """What is typed in such a document, of those with several lines the first."""
    return re.findall(r"^```console\n\$ (.*)$", document, re.MULTILINE)


def one_screen(kept: Iterable[Sequence[str]], last: Sequence[str]) -> list[str]:
    """What was seen on the way and what was left at the end, without saying anything twice."""
    told: list[str] = []
    for screen in (*kept, last):
        same = next((n for n, pair in enumerate(zip(told, screen, strict=False)) if pair[0] != pair[1]), None)
        told += screen[len(told) if same is None else same :]
    return told


def normal(lines: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """The lines as every run has them. `names`: what is called otherwise in the document, the longest first."""
    return [_normal(line, names) for line in lines]


def _normal(line: str, names: Mapping[str, str]) -> str:
    for name, other in names.items():
        line = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", other, line)
    for cell in VARYING_CELLS:
        line = re.sub(cell, lambda found: ANY.ljust(len(found[0])), line)
    for pattern, other in VARYING:
        line = re.sub(pattern, other, line)
    return line
