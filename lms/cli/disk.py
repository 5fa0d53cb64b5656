"""The models on disk for commands that need no daemon: as it sees them when it runs, else as it would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lms.cli.session import Session
from lms.config.models_folder import models_dir
from lms.errors import DaemonUnreachable
from lms.paths import bundled_models_dir

if TYPE_CHECKING:
    from lms.catalog.catalog import Catalog
    from lms.client.control import InstanceRow


def models_folder(session: Session) -> Path:
    """The daemon may have been started with another one in its environment than this process has."""
    try:
        return Path(session.running_daemon().status().models_dir)
    except DaemonUnreachable:
        return models_dir(session.home, session.environ)


def catalog(session: Session, folder: Path) -> Catalog:
    """What is in that models folder, and elsewhere."""
    from lms.catalog.catalog import Catalog
    from lms.catalog.folders import ModelFolders

    in_place = ModelFolders(session.home.model_folders).there
    return Catalog(folder, bundled_models_dir(), session.home.catalog_cache, in_place)


def instances(session: Session) -> list[InstanceRow]:
    """What is loaded: nothing when the daemon is off."""
    try:
        return session.running_daemon().instances()
    except DaemonUnreachable:
        return []
