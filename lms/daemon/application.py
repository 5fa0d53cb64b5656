"""gunicorn started from Python, with settings of ours only: no command line, no configuration file."""

from collections.abc import Callable, Mapping
from typing import Any

from gunicorn.app.base import BaseApplication

from lms.paths import Home

# The same for both servers: they log through us, and open no socket that is not theirs.
COMMON: Mapping[str, object] = {
    "workers": 1,
    "accesslog": None,
    "errorlog": "-",
    "control_socket_disable": True,
}


class Application(BaseApplication):
    """Runs the WSGI app that `load` makes, in the one worker."""

    def __init__(self, home: Home, options: Mapping[str, object], load: Callable[[], Any]) -> None:
        # Python finds no temporary folder on a full disk, because it tries to write there; gunicorn writes nothing.
        self._chosen = {**COMMON, "worker_tmp_dir": str(home.run), **options}
        self._load = load
        super().__init__()  # type: ignore[no-untyped-call]

    def load_config(self) -> None:
        assert self.cfg is not None
        for name, value in self._chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._load()

    def serve(self) -> None:
        """Run until told to end. Leaves by SystemExit."""
        self.run()  # type: ignore[no-untyped-call]
