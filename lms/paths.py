"""Where everything lives on disk. Reads the environment; creates only what `ensure_private` is asked to."""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The kernel's sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included.
SOCKET_PATH_LIMIT_BYTES = 100


@dataclass(frozen=True)
class Home:
    """The folder that holds all state of one installation (`LMS_HOME`, default `~/.lms`), and the names in it."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Home":
        typed = environ.get("LMS_HOME", "")
        return cls(Path(typed).expanduser().absolute() if typed else Path.home() / ".lms")

    @property
    def lock(self) -> Path:
        """Held with flock by the daemon for as long as it lives: who can take it knows that nobody runs."""
        return self.root / "daemon.lock"

    @property
    def daemon_state(self) -> Path:
        """A hint for people and for the CLI: pid, version, socket of the daemon that wrote it last."""
        return self.root / "daemon.json"

    @property
    def daemon_log(self) -> Path:
        return self.root / "logs" / "daemon.log"

    @property
    def server_state(self) -> Path:
        """Port and address of the last `lms server start`, whom it lets in, and whether the server is wanted."""
        return self.root / "server.json"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def model_defaults(self) -> Path:
        """What is set for single models: how they are loaded, and how they sample."""
        return self.root / "models.json"

    @property
    def presets(self) -> Path:
        """Named sets of what requests may leave open, in a file of JSON each."""
        return self.root / "presets"

    @property
    def tokens(self) -> Path:
        """Who may use the server where it asks for an API token: digests, names and permissions."""
        return self.root / "tokens.json"

    @property
    def mcp_servers(self) -> Path:
        """MCP servers that requests may name, as their user wrote them down: `mcp.json`, in Cursor's notation."""
        return self.root / "mcp.json"

    @property
    def desired_models(self) -> Path:
        """What should be loaded: read again by a daemon that comes back after a crash."""
        return self.root / "loaded.json"

    @property
    def recent_models(self) -> Path:
        """The keys of the models that `lms load` loaded last, the last one first."""
        return self.root / "recent-models.json"

    @property
    def catalog_cache(self) -> Path:
        return self.root / "catalog.json"

    @property
    def model_folders(self) -> Path:
        """Folders of models that are somebody else's and are used where they lie."""
        return self.root / "model-folders.json"

    @property
    def model_hashes(self) -> Path:
        """What the files of models had for a hash when they came."""
        return self.root / "model-hashes.json"

    @property
    def downloads(self) -> Path:
        """What is known of each download, in a file of JSON."""
        return self.root / "downloads"

    @property
    def prompt_cache(self) -> Path:
        """Finished prompts on disk, a folder for each model. May be deleted at any time."""
        return self.root / "prompt-cache"

    @property
    def history(self) -> Path:
        """The stored responses, in one SQLite file."""
        return self.root / "history.db"

    @property
    def events(self) -> Path:
        """What happened, for `lms log show`: files that take turns. Readable by their owner only."""
        return self.root / "logs" / "events"

    @property
    def chats(self) -> Path:
        """The conversations of `lms chat`, and what was typed there: readable by their owner only."""
        return self.root / "chats"

    @property
    def run(self) -> Path:
        """The folder of the sockets, mode 0700. A home with a long path keeps them in a private temporary folder."""
        inside = self.root / "run"
        if len(os.fsencode(inside / "engine-00000.sock")) <= SOCKET_PATH_LIMIT_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"lms-{os.getuid()}-{digest}"

    @property
    def daemon_socket(self) -> Path:
        return self.run / "daemon.sock"

    @property
    def lease_socket(self) -> Path:
        return self.run / "lease.sock"

    @property
    def mcp_socket(self) -> Path:
        return self.run / "mcp.sock"

    def engine_socket(self, number: int) -> Path:
        return self.run / f"engine-{number}.sock"


def default_models_dir(home: Home) -> Path:
    """The models folder where none is set: LM Studio's own when it exists, else `<home>/models`."""
    lm_studio = Path.home() / ".lmstudio" / "models"
    return lm_studio if lm_studio.is_dir() else home.root / "models"


def bundled_models_dir() -> Path:
    """The models that ship inside the package, laid out like a models folder."""
    return Path(__file__).parent / "bundled"


def ensure_private(folder: Path) -> Path:
    """Create `folder` with mode 0700 and return it. Raises PermissionError when it exists and is another user's, or a
    link, which somebody may have planted in a folder that all may write to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = folder.lstat()
    if stat.S_ISLNK(there.st_mode):
        raise PermissionError(f"{folder} is a symbolic link.")
    if there.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user.")
    folder.chmod(0o700)
    return folder


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """One writer of `path` at a time, in whatever process: what another one adds meanwhile would be lost."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` with `content`: a reader, or a power cut, sees the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
