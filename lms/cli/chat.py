"""`lms chat`: talk to a model, in a terminal or once from a script.

Everything goes over the daemon's own socket: no HTTP server has to be on. What is said in a terminal is saved, so that
it can be continued; what a script asks is saved when it says so.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import shapes, units
from lms.cli.command import command
from lms.cli.output import Table
from lms.cli.session import Session
from lms.cli.values import MOST_INT32, one_of, whole_number
from lms.errors import UsageError

if TYPE_CHECKING:
    from lms.cli.chat_saved import Chats
    from lms.cli.chat_talk import Talk

DEFAULT_TTL_S = 3600
SYSTEM_PROMPT = "You are a helpful assistant in a terminal. Answer briefly, in Markdown where that helps."


def _ttl(typed: str) -> int:
    return whole_number("--ttl", typed, 1, MOST_INT32)


def _reasoning(typed: str) -> str:
    from lms.cli.chat_model import MODES

    return one_of("--reasoning", typed, MODES)


Model = Annotated[
    str | None, typer.Argument(metavar="model", help="An identifier or a key. Default: the loaded model used last.")
]
Prompt = Annotated[
    str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="Ask this once. What is piped in stands behind it.")
]
System = Annotated[
    str | None, typer.Option("--system-prompt", "-s", metavar="TEXT", help="What the model is told to be.")
]
Picture = Annotated[
    list[str] | None, typer.Option("--image", "-i", metavar="FILE", help="A picture to look at. May be given again.")
]
Reasoning = Annotated[
    str | None,
    typer.Option(
        "--reasoning", parser=_reasoning, metavar="MODE", help="auto, on, off, low, medium, high. Default: auto."
    ),
]
PresetName = Annotated[
    str | None, typer.Option("--preset", metavar="PRESET", help="Answer as this preset says: lms config preset.")
]
Ttl = Annotated[
    int | None,
    typer.Option(
        "--ttl", parser=_ttl, metavar="SECONDS", help="Unload when idle this long, if this loads it. Default: 3600."
    ),
]
Stats = Annotated[bool, typer.Option("--stats", help="Show the figures of each answer, on stderr.")]
Save = Annotated[bool, typer.Option("--save", help="Save what -p asks and is answered, as in a terminal.")]
Continue = Annotated[bool, typer.Option("--continue", help="Go on with the saved chat that was changed last.")]
ChatId = Annotated[str | None, typer.Option("--chat", metavar="ID", help="Go on with this saved chat.")]
List = Annotated[bool, typer.Option("--list", help="List the saved chats.")]
Delete = Annotated[str | None, typer.Option("--delete", metavar="ID", help="Delete a saved chat.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: of several matches take the first.")]


def register(root: typer.Typer, section: str) -> None:
    examples = [
        ("lms chat", "talk to what is loaded; /help says what can be typed"),
        ("lms chat tiny-chat -p 'Say hello.'", "one question, the answer on stdout"),
        ("git diff | lms chat -p 'Sum this up:' --stats", "with what is piped in"),
        ("lms chat --preset poet", "with settings and a system prompt of yours"),
        ("lms chat --continue", "go on where you left"),
    ]
    command(root, "chat", section=section, remote=True, examples=examples)(chat)


def chat(
    session: Session,
    model: Model = None,
    prompt: Prompt = None,
    system_prompt: System = None,
    image: Picture = None,
    reasoning: Reasoning = None,
    preset: PresetName = None,
    ttl: Ttl = None,
    stats: Stats = False,
    save: Save = False,
    continue_: Continue = False,
    chat_id: ChatId = None,
    list_: List = False,
    delete: Delete = None,
    yes: Yes = False,
) -> None:
    """Talk to a model. Without -p and with a terminal a chat begins, otherwise stdin is the question.

    Ctrl-C ends an answer, not the chat; /exit, Ctrl-D or Ctrl-C at the empty prompt leave it.
    """
    from lms.cli.chat_pictures import data_url
    from lms.cli.chat_saved import Chats, new
    from lms.cli.chat_talk import Talk
    from lms.config.presets import Presets

    chats = Chats(session.home.chats)
    if list_ or delete is not None:
        return _list(session, chats) if list_ else _delete(session, chats, str(delete))
    question = _question(session, prompt)
    for path in image or ():
        data_url(path)  # before anything is loaded
    if preset:
        session.require_here("A preset")
    Presets(session.home.presets).named(preset)
    earlier = chats.find(chat_id) if continue_ or chat_id is not None else None
    talk = Talk(session, session.daemon(), earlier or new(""), ttl or DEFAULT_TTL_S, yes=yes)
    talk.stats, talk.reasoning = stats, reasoning or "auto"
    if earlier is None:
        talk.instruct(SYSTEM_PROMPT)
    if preset:
        talk.follow(preset)
    if system_prompt is not None:
        talk.instruct(system_prompt)
    talk.choose(model, ask=question is None)
    talk.pictures = list(image or ())
    talk.chats = chats if question is None or save or earlier else None
    if question is None:
        return talk.hold()
    return _once(session, talk, question)


def _question(session: Session, prompt: str | None) -> str | None:
    """What is asked once; None: somebody sits there to talk. Raises UsageError without either."""
    if session.stdin.isatty():
        if prompt is None and session.output.as_json:
            raise UsageError("--json needs a question.", hint="Give it with -p, or pipe it in.")
        return prompt
    try:
        piped = session.stdin.read().strip()
        piped.encode()  # in some locales Python passes on what is no text as lone surrogates
    except UnicodeError as error:
        raise UsageError("What is piped in is no text in UTF-8.", hint="Pictures go with --image.") from error
    question = "\n\n".join(part for part in (prompt, piped) if part)
    if not question:
        raise UsageError("There is no question.", hint="Give it with -p, or pipe it in: echo Hello | lms chat")
    return question


def _once(session: Session, talk: "Talk", question: str) -> None:
    reply = talk.ask(question)
    if session.output.as_json:
        from lms.cli.chat_pieces import stats_json

        shape: dict[str, Any] = {"model": talk.row.identifier, "content": reply.text}
        shape |= {"reasoning": reply.reasoning} if reply.thought else {}
        shape |= {"stats": stats_json(reply.ended)} if reply.ended else {}
        session.output.json(shape | ({"chatId": talk.chat.id} if talk.chats else {}))
    elif talk.chats:
        session.output.say(f"Saved: lms chat --chat {talk.chat.id} goes on with it.")


def _list(session: Session, chats: "Chats") -> None:
    saved = chats.all()
    if session.output.as_json:
        session.output.json([shapes.chat(each) for each in saved])
    elif not saved:
        session.output.hint("No chats are saved. lms chat begins one.")
    else:
        rows = tuple((each.id, units.stamp(each.changed_s), each.model, each.title) for each in saved)
        session.output.table(Table(("ID", "CHANGED", "MODEL", "BEGINS"), rows))


def _delete(session: Session, chats: "Chats", typed: str) -> None:
    found = chats.find(typed)
    chats.delete(found)
    if session.output.as_json:
        session.output.json(shapes.chat(found))
    else:
        session.output.say(f"Deleted {found.id}.")
