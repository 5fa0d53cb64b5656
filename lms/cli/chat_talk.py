"""One conversation: asks the model, remembers what was said, and does what the lines that begin with a slash say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from lms.cli import chat_model, chat_pictures
from lms.cli.chat_pieces import Ended, pieces, stats_lines
from lms.cli.chat_saved import Chat, Chats, text_of
from lms.cli.chat_screen import Reply, gather, show
from lms.cli.complaints import of_the_system
from lms.cli.echo import unechoed
from lms.errors import DaemonUnreachable, LmsError, UsageError

if TYPE_CHECKING:
    from lms.cli.chat_prompt import Words
    from lms.cli.session import Daemon, Session
    from lms.client.control import InstanceRow

LEAVING = ("exit", "quit", "/exit", "/quit")


class Talk:
    """`chats` is where it is saved after each answer, None where it is not. `pictures` go with the next question."""

    row: InstanceRow

    def __init__(self, session: Session, daemon: Daemon, chat: Chat, ttl_s: int, *, yes: bool) -> None:
        self.chat = chat
        self.chats: Chats | None = None
        self.pictures: list[str] = []
        self.reasoning = "auto"
        self.preset = ""
        self.stats = False
        self._session = session
        self._output = session.output
        self._daemon = daemon
        self._ttl_s = ttl_s
        self._yes = yes
        self._last: Ended | None = None

    def instruct(self, text: str) -> None:
        """The system prompt from now on. An empty one is none, and sent where a preset would put its own."""
        rest = [message for message in self.chat.messages if message["role"] != "system"]
        self.chat.messages = ([{"role": "system", "content": text}] if text or self.preset else []) + rest

    def follow(self, preset: str) -> None:
        """Ask with that preset from now on, under its system prompt if it has one; an empty one is none.

        Raises PresetNotFound, and UsageError for one whose file is damaged.
        """
        from lms.config.presets import Presets

        if preset:
            self._session.require_here("A preset")
        found = Presets(self._session.home.presets).named(preset)
        if found and found.system_prompt is not None:
            self.instruct(found.system_prompt)
        self.preset = preset

    def choose(self, typed: str | None, *, ask: bool = False) -> None:
        """Talk to that model from now on. Without one the chat goes on with its own. Raises as `chat_model.loaded`."""
        self.row = chat_model.loaded(
            self._session, self._daemon, typed or self.chat.model or None, self._ttl_s, yes=self._yes, ask=ask
        )
        chat_model.reasoning_fields(self.reasoning, self.row.model)
        self.chat.model = self.row.identifier

    def ask(self, question: str) -> Reply:
        """The answer, shown while it comes. What was stopped is remembered as far as it came."""
        said = chat_pictures.message(question, self.pictures)
        body = {
            "model": self.row.identifier,
            "messages": [*self.chat.messages, said],
            "stream": True,
        }
        if self._output.reaches_a_person:
            body["return_progress"] = True
        body |= self._preset_fields() | chat_model.reasoning_fields(self.reasoning, self.row.model)
        reply = Reply()
        try:
            with closing(self._daemon.chat(body)) as chunks:
                self._show(pieces(chunks), reply)
        finally:
            if reply.text or reply.ended:
                self._remember(said, reply)
        if self.stats and self._last and not self._output.as_json:
            self._say_stats()
        return reply

    def _preset_fields(self) -> dict[str, Any]:
        return {"preset": self.preset} if self.preset else {}

    def hold(self) -> None:
        """Ask for lines and answer them until the user leaves."""
        from lms.cli.chat_prompt import lines

        self._output.say(f"Chatting with {self.row.identifier}. /help says what can be typed, Ctrl-D leaves.")
        for message in self.chat.messages:
            self._retell(message)
        for line in lines(self._session, self._words()):
            if line.lower() in LEAVING:
                return
            try:
                self._do(line)
            except KeyboardInterrupt:
                self._output.say("\n[Stopped]")
            except LmsError as error:
                self._output.fail(error.message, error.hint, error.candidates)
            except BrokenPipeError:
                raise
            except OSError as error:  # it cannot be saved, and goes on
                self._output.fail(of_the_system(error))

    def _do(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        perform = self._commands().get(word.lower())
        if perform:
            return perform(rest.strip())
        if word.startswith("/") and word not in ("/think", "/no_think") and "/" not in word[1:]:
            raise UsageError(f"There is no command {word}.", hint="/help lists them.")
        if self.row.identifier not in {row.identifier for row in self._loaded()}:
            self.choose(self.row.model.key)  # it was idle for too long, or somebody has unloaded it
        self.ask(line)
        return None

    def _loaded(self) -> list[InstanceRow]:
        """What is loaded. A daemon that has ended meanwhile is started again."""
        try:
            return self._daemon.instances()
        except DaemonUnreachable:
            self._daemon = self._session.daemon()
            return self._daemon.instances()

    def _commands(self) -> dict[str, Callable[[str], None]]:
        return {
            "/help": self._help,
            "/model": self._model,
            "/clear": self._clear,
            "/system-prompt": self._system_prompt,
            "/image": self._image,
            "/reasoning": self._reasoning,
            "/preset": self._preset,
            "/stats": self._stats,
            "/chats": self._chats,
            "/continue": self._continue,
            "/exit": self._help,
        }

    def _words(self) -> Words:
        """What the prompt completes."""
        from lms.config.presets import Presets

        chats, presets = self.chats, Presets(self._session.home.presets)
        behind: Words = {
            "/model": self._models,
            "/image": "path",
            "/reasoning": lambda: ("auto", *self.row.model.reasoning),
            "/preset": lambda: (*presets.names(), "off"),
            "/continue": lambda: [chat.id for chat in chats.all()] if chats else (),
        }
        return {name: behind.get(name) for name in self._commands()}

    def _models(self) -> Iterable[str]:
        """Whom one could talk to: first what is loaded, then what is on disk."""
        loaded = [row.identifier for row in self._daemon.instances() if row.model.kind != "embedding"]
        on_disk = [row.key for row in self._daemon.models() if row.kind != "embedding"]
        return dict.fromkeys([self.row.identifier, *loaded, *on_disk])

    def _help(self, _: str) -> None:
        """What can be typed"""
        self._output.say("Commands:")
        for name, perform in sorted(self._commands().items()):
            meaning = "Leave" if name == "/exit" else perform.__doc__
            self._output.say(f"  {name:<15} {meaning}")
        self._output.say("Ctrl-C ends an answer. Alt-Enter begins a new line.")

    def _model(self, typed: str) -> None:
        """<key>: talk to another model, which is loaded if need be"""
        if not typed:
            return self._output.say(self.row.identifier)
        self._loaded()
        self.choose(typed)
        return self._output.say(f"Chatting with {self.row.identifier}.")

    def _clear(self, _: str) -> None:
        """Begin anew, under the same system prompt"""
        from lms.cli.chat_saved import new

        kept = [message for message in self.chat.messages if message["role"] == "system"]
        self.chat = new(self.row.identifier)
        self.chat.messages = kept
        self._output.say("Cleared.")

    def _system_prompt(self, text: str) -> None:
        """<text>: what the model is told to be"""
        if not text:
            raise UsageError("/system-prompt needs a text.")
        self.instruct(text)
        self._output.say("The system prompt is set.")

    def _image(self, path: str) -> None:
        """<file>: a picture that goes with the next question"""
        chat_pictures.data_url(path)
        self.pictures.append(path)
        self._output.say(f"{path} goes with the next question.")

    def _reasoning(self, mode: str) -> None:
        """[auto|on|off|low|medium|high]: how the model is to think"""
        if mode:
            if mode not in chat_model.MODES:
                raise UsageError(f"/reasoning takes {', '.join(chat_model.MODES)}, not “{mode}”.")
            chat_model.reasoning_fields(mode, self.row.model)
            self.reasoning = mode
        self._output.say(f"Reasoning: {self.reasoning}")

    def _preset(self, name: str) -> None:
        """[name|off]: settings from lms config preset for what follows"""
        if name:
            self.follow("" if name == "off" else name)
        self._output.say(f"Preset: {self.preset or 'none'}")

    def _stats(self, _: str) -> None:
        """The figures of the last answer"""
        if self._last is None:
            return self._output.say("There is no answer yet.")
        return self._say_stats()

    def _chats(self, _: str) -> None:
        """The saved chats"""
        for chat in self.chats.all() if self.chats else ():
            self._output.say(f"  {chat.id}  {chat.title}")

    def _continue(self, typed: str) -> None:
        """<id>: go on with a saved chat, in place of this one"""
        if not typed or self.chats is None:
            raise UsageError("/continue needs the id of a chat.", hint="/chats lists them.")
        self.chat = self.chats.find(typed)
        for message in self.chat.messages:
            self._retell(message)

    def _show(self, told: Iterator[Any], reply: Reply) -> None:
        if self._output.as_json:
            gather(told, reply)
            return
        with unechoed(self._session.stdin):
            show(self._output, told, reply)

    def _remember(self, said: dict[str, Any], reply: Reply) -> None:
        answer = {"role": "assistant", "content": reply.text}
        if reply.thought:
            answer["reasoning_content"] = reply.reasoning
        self.chat.messages += [said, answer]
        self.chat.model = self.row.identifier
        self.pictures, self._last = [], reply.ended
        if self.chats:
            self.chats.save(self.chat)

    def _retell(self, message: dict[str, Any]) -> None:
        if message["role"] != "system":
            self._output.hint(f"{'› ' if message['role'] == 'user' else ''}{text_of(message)}")

    def _say_stats(self) -> None:
        for line in stats_lines(self._last) if self._last else ():
            self._output.hint(line)
