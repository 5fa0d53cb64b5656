"""What somebody types in a first hour, and why. Ports and the hub's address stand here as they stand in the document.

The model is set to always give its best guess, so that it says the same each time.
"""

from dataclasses import dataclass

SERVER_PORT = 1234
TAKEN_PORT = 8080
MODEL = "little-talker"
PROMPT = "›"
SCRIPT = """\
from openai import OpenAI

client = OpenAI(base_url="http://localhost:1234/v1", api_key="lm-studio")
reply = client.chat.completions.create(
    model="little-talker",
    messages=[{"role": "user", "content": "Hello!"}],
)
print(reply.choices[0].message.content)
"""


@dataclass(frozen=True)
class Typed:
    """`keys` are typed as soon as the last line on the screen ends with `after`."""

    after: str
    keys: str


@dataclass(frozen=True)
class Seen:
    """The screen is worth keeping when it shows `text`: the hub stops sending there, and goes on after it."""

    text: str


@dataclass(frozen=True)
class Step:
    """`code` is how the command has to end; `during` is what happens before it does, in this order."""

    why: str
    command: str
    code: int = 0
    during: tuple[Typed | Seen, ...] = ()


@dataclass(frozen=True)
class Part:
    title: str
    steps: tuple[Step, ...]


HOUR = (
    Part(
        "Start",
        (
            Step("Is it installed?", "lms --version"),
            Step("What is on? Nothing yet.", "lms status"),
            Step("The server needs the daemon, and wakes it up.", "lms server start"),
            Step("Now both are on.", "lms status"),
            Step("The daemon runs in the background from now on, whether the server does or not.", "lms daemon status"),
            Step("Two tiny models come with the program.", "lms ls"),
        ),
    ),
    Part(
        "Get a model",
        (
            Step(
                "Some words are enough: choose, say yes, and wait while the bar fills.",
                "lms get talk",
                during=(Typed("Number (1-2):", "1\n"), Typed("[Y/n]", "\n"), Seen("2.5/3.8 MB")),
            ),
            Step("Here it is.", "lms ls"),
            Step("What is it, and what can it do?", f"lms show {MODEL}"),
            Step("Is it whole? Its header is sound, and its hash the one that the hub told.", f"lms verify {MODEL}"),
        ),
    ),
    Part(
        "Load it",
        (
            Step(
                "Settings of a model stay. With this one it always gives its best guess.",
                f"lms config set {MODEL} temperature 0",
            ),
            Step("How much memory would it take?", f"lms load {MODEL} --context-length 1024 --estimate-only"),
            Step(
                "Load it, until nobody has used it for ten minutes. A request would load it too, with the defaults.",
                f"lms load {MODEL} --context-length 1024 --ttl 600",
            ),
            Step("What is loaded?", "lms ps"),
        ),
    ),
    Part(
        "Ask it",
        (
            Step(
                "Any program that speaks OpenAI's API can ask now.",
                "curl -s http://localhost:1234/v1/chat/completions -H 'Content-Type: application/json' -d '{\n"
                f'  "model": "{MODEL}",\n'
                '  "messages": [{"role": "user", "content": "Say this is a test!"}]\n'
                "}' | python -m json.tool",
            ),
            Step("A program in Python, with OpenAI's own library (pip install openai).", "cat ask.py"),
            Step("It says:", "python ask.py"),
            Step(
                "One question from the command line, with the figures of its answer.",
                f"lms chat {MODEL} -p 'What is 2 + 2?' --stats",
            ),
            Step("What is piped in is the question, or stands behind it.", f"echo 'Hello!' | lms chat {MODEL}"),
            Step(
                "Without a question a conversation begins.",
                f"lms chat {MODEL}",
                during=(Typed(PROMPT, "Hello!\r"), Typed(PROMPT, "What is 3 + 4?\r"), Typed(PROMPT, "/exit\r")),
            ),
            Step("Conversations are saved: lms chat --continue goes on with the last one.", "lms chat --list"),
            Step("Whom did it answer, and how fast?", "lms ps"),
        ),
    ),
    Part(
        "Keep it",
        (
            Step(
                "What has happened so far? (What was asked and answered is not kept, unless you set record.)",
                "lms log show --since 1h",
            ),
            Step("A setting of the server.", "lms config set server jit_ttl_s 600"),
            Step("One setting, for a script.", "lms config get server jit_ttl_s"),
            Step("All that is set for the model.", f"lms config list {MODEL}"),
            Step(
                "A token for each program, for a server that others can reach (lms server start --require-auth).",
                "lms token create --name laptop",
            ),
            Step("Which tokens are there?", "lms token list"),
            Step("How fast is it here?", f"lms bench {MODEL} --streams 1,4 --tokens 32"),
            Step("Does the system start the daemon? lms service install would see to it.", "lms service status"),
        ),
    ),
    Part(
        "Slips",
        (
            Step("A typing error.", "lms lod little-talker", code=2),
            Step("A word of another program.", "lms pull qwen3", code=2),
            Step("An option that it does not have.", "lms load little-talker --contxt 4096", code=2),
            Step("A value that makes no sense.", "lms config set server port 99999", code=2),
            Step("A model that is not there.", "lms load llama-3", code=1),
            Step(
                "The same from a program, which gets a status of 404.",
                "curl -s http://localhost:1234/v1/chat/completions -H 'Content-Type: application/json' -d '{\n"
                '  "model": "llama-3",\n'
                '  "messages": [{"role": "user", "content": "Hello!"}]\n'
                "}' | python -m json.tool --no-ensure-ascii",
            ),
            Step("A model that the hub does not have.", "lms get someone/no-such-model", code=1),
            Step("A model whose makers want to know who uses it.", "lms get else/Talkative-7B-GGUF -y", code=1),
            Step("A port that another program has.", "lms server start --port 8080", code=1),
            Step("Deleting what is in use.", f"lms rm {MODEL}", code=1),
        ),
    ),
    Part(
        "Tidy up",
        (
            Step("Out of memory.", f"lms unload {MODEL}"),
            Step("Off the disk.", f"lms rm {MODEL}", during=(Typed("[y/N]", "y\n"),)),
            Step("The server stops, the daemon stays.", "lms server stop"),
            Step("The daemon ends, and with it all that is loaded.", "lms daemon down"),
            Step(
                "All traces. The program itself is left to pip.",
                "lms uninstall --home",
                during=(Typed("[y/N]", "y\n"),),
            ),
        ),
    ),
)


def steps() -> tuple[Step, ...]:
    """All of them, in order."""
    return tuple(step for part in HOUR for step in part.steps)
