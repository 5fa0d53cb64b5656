from pathlib import Path

import pytest

from lms.catalog.folders import ModelFolders
from lms.errors import LmsError, ModelNotFound


@pytest.fixture
def folders(tmp_path: Path) -> ModelFolders:
    return ModelFolders(tmp_path / "folders.json")


def test_folders_are_kept_in_the_order_of_their_coming(folders: ModelFolders, tmp_path: Path) -> None:
    for name in ("b", "a", "b"):
        folders.add(Path("/", name))
    assert ModelFolders(tmp_path / "folders.json").all() == (Path("/b"), Path("/a"))


def test_a_folder_that_is_not_there_cannot_be_removed(folders: ModelFolders) -> None:
    folders.add(Path("/a"))
    folders.remove(Path("/a"))
    with pytest.raises(ModelNotFound, match="/a"):
        folders.remove(Path("/a"))


def test_a_broken_list_is_said_and_is_no_reason_not_to_list(folders: ModelFolders, tmp_path: Path) -> None:
    (tmp_path / "folders.json").write_text("{")
    with pytest.raises(LmsError, match="cannot be read"):
        folders.all()
    assert folders.there() == ()
