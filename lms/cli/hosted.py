"""Commands that only make sense with what LM Studio hosts. They say in one line what to use instead, and end with 2.

Whatever stands behind them is taken: whoever types one should read that line, not a complaint about an option.
"""

from collections.abc import Callable, Mapping

import typer

from lms.errors import UsageError

INSTEAD: Mapping[str, str] = {
    "login": "There is no account to log in to. For gated models set HF_TOKEN; for clients there is lms token create.",
    "logout": "There is no account to log out of. lms token revoke takes an API token back.",
    "whoami": "There are no accounts. lms status shows what runs, lms token list who may use it.",
    "clone": "LM Studio's hub cannot be reached from here. lms get fetches models from Hugging Face.",
    "push": "LM Studio's hub cannot be reached from here. The hf command uploads to Hugging Face.",
    "link": "LM Link needs LM Studio's account. lms server start --bind ADDRESS --require-auth serves the network.",
    "dev": "There are no plugins here. Tools come from MCP servers, which stand in mcp.json in the folder of lms.",
    "create": "There are no templates for projects here. Any OpenAI client works: see lms server start.",
    "flags": "There are no experimental flags here. lms config shows what can be set.",
}
RUNTIME_INSTEAD: Mapping[str, str] = {
    "get": "Engines come with pip: pip install --upgrade llama-cpp-python.",
    "update": "Engines come with pip: pip install --upgrade llama-cpp-python.",
    "select": "There is nothing to choose: one engine runs all GGUF models, and lms runtime ls shows it.",
    "remove": "Engines come with pip: pip uninstall llama-cpp-python removes the one there is.",
}

ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


def register(root: typer.Typer, section: str) -> None:
    register_all(root, INSTEAD)


def register_all(app: typer.Typer, instead: Mapping[str, str]) -> None:
    """Make each word a command of `app` that says what there is in its place. None is shown in the help."""
    for name, line in instead.items():
        app.command(name, hidden=True, add_help_option=False, context_settings=ANYTHING)(_refusal(line))


def _refusal(line: str) -> Callable[[typer.Context], None]:
    def refuse(context: typer.Context) -> None:
        raise UsageError(line)

    return refuse
