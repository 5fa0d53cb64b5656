from typing import Any

import pytest

from lms.cli.upgrade import upgrade

HERE = {"url": "file:///srv/lms", "dir_info": {"editable": True}}
COPIED = {"url": "file:///srv/lms", "dir_info": {}}
ARCHIVE = {"url": "file:///tmp/lms-0.1.0-py3-none-any.whl", "archive_info": {}}
GIT = {"url": "https://example.org/lms.git", "vcs_info": {"vcs": "git", "commit_id": "1234"}}


@pytest.mark.parametrize(
    ("prefix", "origin", "expected"),
    [
        ("/home/someone/.local/share/pipx/venvs/lms", GIT, "pipx upgrade lms"),
        ("/home/someone/.local/share/uv/tools/lms", GIT, "uv tool upgrade lms"),
        ("/srv/venv", {}, "/bin/py -m pip install --upgrade lms"),
        ("/srv/venv", GIT, "/bin/py -m pip install --upgrade git+https://example.org/lms.git"),
        ("/srv/venv", ARCHIVE, "/bin/py -m pip install --upgrade NEW-FILE.whl"),
        ("/srv/venv", HERE, "git -C /srv/lms pull && /bin/py -m pip install --upgrade -e /srv/lms"),
        ("/srv/venv", COPIED, "git -C /srv/lms pull && /bin/py -m pip install --upgrade /srv/lms"),
    ],
)
def test_what_installed_it_upgrades_it(prefix: str, origin: dict[str, Any], expected: str) -> None:
    assert upgrade(prefix, "/bin/py", origin) == expected
