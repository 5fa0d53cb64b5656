from dataclasses import dataclass
from pathlib import Path

import pytest

from lms.config import settings
from lms.config.settings import VARIABLES, Settings
from lms.errors import UsageError


@dataclass(frozen=True)
class SettingsFile:
    path: Path

    def read(self, content: str | None = None, **environ: str) -> Settings:
        if content is not None:
            self.path.write_text(content, encoding="utf-8")
        return settings.read(self.path, environ)


@pytest.fixture
def stored(tmp_path: Path) -> SettingsFile:
    return SettingsFile(tmp_path / "settings.json")


def test_without_a_file_the_defaults_are_in_force(stored: SettingsFile) -> None:
    assert stored.read() == Settings()


def test_the_file_changes_what_it_names(stored: SettingsFile) -> None:
    assert stored.read('{"port": 4321, "jit": false}') == Settings(port=4321, jit=False)


def test_the_environment_goes_over_the_file(stored: SettingsFile) -> None:
    assert stored.read('{"port": 4321, "queue_limit": 9}', LMS_SERVER_PORT="1111") == Settings(port=1111, queue_limit=9)


def test_an_empty_variable_is_as_good_as_none(stored: SettingsFile) -> None:
    assert stored.read('{"port": 4321}', LMS_SERVER_PORT="") == Settings(port=4321)


@pytest.mark.parametrize(
    ("typed", "jit"),
    [("false", False), ("0", False), ("off", False), ("OFF", False), ("true", True), ("1", True), ("on", True)],
)
def test_jit_can_be_switched_by_a_variable(stored: SettingsFile, typed: str, jit: bool) -> None:
    assert stored.read(LMS_JIT=typed).jit is jit


def test_every_setting_has_a_variable_and_every_variable_a_setting() -> None:
    assert sorted(VARIABLES.values()) == sorted(Settings.__struct_fields__)


def test_the_readme_lists_every_setting() -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    missing = [variable for variable, field in VARIABLES.items() if f"| `{variable}` | `{field}` |" not in readme]
    assert missing == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"port": "many"}', r"port"),
        ('{"prot": 1}', r"prot"),
        ('{"jit_ttl_s": [1]}', r"jit_ttl_s"),
    ],
)
def test_a_wrong_field_is_named(stored: SettingsFile, content: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stored.read(content)


def test_a_wrong_variable_is_named_by_its_field(stored: SettingsFile) -> None:
    with pytest.raises(UsageError, match="queue_limit"):
        stored.read(LMS_QUEUE_LIMIT="plenty")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"port"', '{"port": 1}}'])
def test_a_file_that_is_no_json_object_is_named_and_never_overwritten(stored: SettingsFile, content: str) -> None:
    with pytest.raises(UsageError, match=r"settings\.json"):
        stored.read(content)
    assert stored.path.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("content", [b'{"host": "\xff"}', b'{"a":' * 100_000])
def test_a_file_with_other_bytes_is_named_too(stored: SettingsFile, content: bytes) -> None:
    stored.path.write_bytes(content)
    with pytest.raises(UsageError, match=r"settings\.json"):
        stored.read()


@pytest.mark.parametrize(
    ("variable", "typed"),
    [
        ("LMS_SERVER_PORT", "99999"),
        ("LMS_SERVER_PORT", "-1"),
        ("LMS_JIT_TTL", "nan"),
        ("LMS_JIT_TTL", "-5"),
        ("LMS_JIT_MAX_MODELS", "-3"),
        ("LMS_QUEUE_LIMIT", "-1"),
    ],
)
def test_a_number_out_of_range_is_refused(stored: SettingsFile, variable: str, typed: str) -> None:
    with pytest.raises(UsageError, match=VARIABLES[variable]):
        stored.read(**{variable: typed})


def test_what_is_no_address_is_named(stored: SettingsFile) -> None:
    with pytest.raises(UsageError, match=r"LMS_SERVER_HOST is .* is no address: write 127"):
        stored.read(LMS_SERVER_HOST="0.0.0.0:80")


def test_what_is_no_origin_is_named(stored: SettingsFile) -> None:
    assert stored.read(LMS_CORS="https://a, http://b:8080").cors == "https://a, http://b:8080"
    with pytest.raises(UsageError, match=r"LMS_CORS.*“a\.example” is no origin"):
        stored.read(LMS_CORS="https://a,a.example")


def test_a_wrong_variable_is_named_with_its_value(stored: SettingsFile) -> None:
    with pytest.raises(UsageError, match="LMS_JIT is “maybe”"):
        stored.read(LMS_JIT="maybe")
