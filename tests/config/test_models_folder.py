from pathlib import Path

import pytest

from lms.config import settings
from lms.config.models_folder import models_dir, require_folder
from lms.errors import UsageError
from lms.paths import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Of somebody who also has a models folder of LM Studio's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".lmstudio" / "models").mkdir(parents=True)
    return Home(tmp_path / ".lms")


def test_environment_goes_over_file_over_default(home: Home, tmp_path: Path) -> None:
    assert models_dir(home, {}) == tmp_path / ".lmstudio" / "models"
    settings.write(home.settings, {"models_dir": "/srv/models"})
    assert models_dir(home, {"LMS_MODELS_DIR": ""}) == Path("/srv/models")
    assert models_dir(home, {"LMS_MODELS_DIR": "~/weights"}) == tmp_path / "weights"


def test_a_tilde_in_the_file_is_the_home_of_who_runs_it(home: Home, tmp_path: Path) -> None:
    settings.write(home.settings, {"models_dir": "~/weights"})
    assert models_dir(home, {}) == tmp_path / "weights"


def test_a_relative_folder_in_the_environment_is_meant_from_here(home: Home) -> None:
    environ = {"LMS_MODELS_DIR": "weights"}
    assert models_dir(home, environ) == Path.cwd() / "weights"
    assert settings.read(home.settings, environ).models_dir == str(Path.cwd() / "weights")


@pytest.mark.parametrize("content", ['{"models_dir": "weights"}', '{"models_dir": ""}', '{"models_dir": 1}', "{"])
def test_a_wrong_one_in_the_file_is_refused_and_never_passed_over(home: Home, content: str) -> None:
    home.root.mkdir()
    home.settings.write_text(content)
    with pytest.raises(UsageError, match=r"settings\.json"):
        models_dir(home, {})


def test_other_wrong_settings_are_no_obstacle(home: Home) -> None:
    home.root.mkdir()
    home.settings.write_text('{"port": "many", "models_dir": "/srv/models"}')
    assert models_dir(home, {}) == Path("/srv/models")


def test_a_folder_may_be_there_or_have_somewhere_to_be_made(tmp_path: Path) -> None:
    require_folder(str(tmp_path))
    require_folder(str(tmp_path / "new"))
    with pytest.raises(UsageError, match=r"There is no .*new to hold models\."):
        require_folder(str(tmp_path / "new" / "models"))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file is no folder\."):
        require_folder(str(tmp_path / "file"))
