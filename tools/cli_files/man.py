"""Manual pages: one for the program and one for each of its commands, subcommands included. In man(7) macros."""

from collections.abc import Iterator

from lms import __version__
from lms.cli import exits
from tools.cli_files.tree import Command, Option

ENVIRONMENT = {
    "LMS_HOME": "Folder of all state. Default: ~/.lms.",
    "LMS_MODELS_DIR": "Folder of the models. Default: ~/.lmstudio/models if it exists, else models in LMS_HOME.",
    "LMS_SERVER_HOST": "Address that lms server start binds when --bind is not given.",
    "LMS_DEBUG": "Set to 1, a bug shows its traceback.",
    "NO_COLOR": "Set, there are no colours.",
    "FORCE_COLOR": "Set, there are colours even in a pipe.",
}


def pages(root: Command) -> dict[str, str]:
    """File names and contents."""
    return {f"{'-'.join(page.words)}.1": _page(page, root) for page in (root, *root.children)}


def _page(command: Command, root: Command) -> str:
    return "\n".join(_lines(command, root)) + "\n"


def _lines(command: Command, root: Command) -> Iterator[str]:
    title = "-".join(command.words)
    yield f'.TH {title.upper()} 1 "" "lms {__version__}" "User Commands"'
    yield from (".SH NAME", f"{escape(title)} \\- {escape(_decapitalized(command.summary))}")
    yield ".SH SYNOPSIS"
    for each in command.walk() if command is not root else (command,):
        if not each.children or each is root:
            yield from _synopsis(each)
    yield from (".SH DESCRIPTION", escape(command.help))
    if command is root:
        yield from _overview(root)
    for each in [*command.walk()][1:] if command is not root else ():
        yield from _subcommand(each)
    yield from _arguments(command)
    yield from _options(".SH OPTIONS", command.options)
    yield from _examples(command)
    if command is root:
        yield ".SH ENVIRONMENT"
        for name, meaning in ENVIRONMENT.items():
            yield from (".TP", f".B {name}", escape(meaning))
    yield ".SH EXIT STATUS"
    for code, meaning in exits.MEANINGS.items():
        yield from (".TP", f".B {code}", escape(meaning.replace("`", "")))
    yield ".SH SEE ALSO"
    yield ", ".join(f"\\fB{escape('-'.join(page.words))}\\fR(1)" for page in (root, *root.children) if page != command)


def _synopsis(command: Command) -> Iterator[str]:
    parts = [f"\\fB{escape(command.path)}\\fR", "[\\fIOPTIONS\\fR]" if command.options else ""]
    parts += [f"[\\fI{escape(argument.name)}\\fR]" for argument in command.arguments]
    parts += ["\\fICOMMAND\\fR [\\fIARGS\\fR]..."] if command.children else []
    yield " ".join(filter(None, parts))
    yield ".br"


def _overview(root: Command) -> Iterator[str]:
    yield ".SH COMMANDS"
    for command in root.walk():
        if not command.children:
            yield from (".TP", f".B {escape(command.path)}", escape(command.help))


def _subcommand(command: Command) -> Iterator[str]:
    yield from (f'.SH "{escape(command.path.upper())}"', escape(command.help))
    yield from _arguments(command)
    yield from _options(".SS Options", command.options)
    yield from _examples(command, ".SS Examples")


def _arguments(command: Command) -> Iterator[str]:
    if command.arguments:
        yield ".SH ARGUMENTS"
    for argument in command.arguments:
        yield from (".TP", f".I {escape(argument.name)}", escape(argument.help))


def _options(title: str, options: tuple[Option, ...]) -> Iterator[str]:
    yield title
    section = ""
    for option in options:
        if option.section != section:
            section = option.section
            yield f'.SS "{escape(section)}"'
        names = ", ".join(f"\\fB{escape(name)}\\fR" for name in reversed(option.names))
        value = f" \\fI{escape(option.metavar)}\\fR" if option.metavar else ""
        yield from (".TP", names + value, escape(option.help))


def _examples(command: Command, title: str = ".SH EXAMPLES") -> Iterator[str]:
    yield from (title, ".nf")
    yield from (escape(example) for example in command.examples)
    yield ".fi"


def escape(text: str) -> str:
    """`text` without what roff takes for its own: backslashes, hyphens (not minus signs), a dot or quote in front."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def _decapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
