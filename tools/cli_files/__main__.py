"""Writes the files, or with `--check` says which of them are not what would be written, and ends with 1."""

import sys
from pathlib import Path

from tools.cli_files import bash, fish, man, zsh
from tools.cli_files.tree import read

ROOT = Path(__file__).parents[2]


def files() -> dict[Path, str]:
    """Every generated file with its content."""
    tree = read()
    pages = {ROOT / "man" / name: page for name, page in man.pages(tree).items()}
    scripts = {"lms.bash": bash.script(tree), "_lms": zsh.script(tree), "lms.fish": fish.script(tree)}
    return pages | {ROOT / "completions" / name: script for name, script in scripts.items()}


def stale() -> list[Path]:
    """Files that are missing, out of date, or belong to no command any more."""
    wanted = files()
    present = {path for folder in ("man", "completions") for path in (ROOT / folder).glob("*")}
    changed = [path for path, content in wanted.items() if path not in present or path.read_text() != content]
    return sorted([*changed, *(present - set(wanted))])


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        for path in stale():
            print(f"{path.relative_to(ROOT)} is out of date: python -m tools.cli_files", file=sys.stderr)
        return 1 if stale() else 0
    wanted = files()
    for path in set(stale()) - set(wanted):
        path.unlink()
    for path, content in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
