from pathlib import Path

import msgspec
import pytest

from lms.config.defaults import FIELDS, Defaults, Kept, SamplingDefaults, defaults_of, read, write
from lms.config.load import LoadConfig
from lms.errors import UsageError
from lms.generation.request import Sampling


def test_what_is_written_is_read(tmp_path: Path) -> None:
    models = {"qwen3-4b": {"context_length": 8192, "temperature": 0.2, "ttl_s": 600}}
    write(tmp_path / "models.json", models)
    assert read(tmp_path / "models.json") == models


def test_without_a_file_nothing_is_set(tmp_path: Path) -> None:
    assert read(tmp_path / "models.json") == {}


def test_models_without_settings_are_not_written(tmp_path: Path) -> None:
    write(tmp_path / "models.json", {"a": {}, "b": {"threads": 1}})
    assert list(read(tmp_path / "models.json")) == ["b"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is no JSON of models"),
        ('{"a": {"thread": 1}}', "“a”.*thread"),
        ('{"a": {"ttl_s": 0}}', "“a”.*ttl_s"),
        ('{"a": {"temperature": "hot"}}', "“a”.*temperature"),
        ('{"a": {"flash_attention": false, "v_cache_type": "q8_0"}}', "Values kept as q8_0 need flash attention"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "models.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=said):
        read(file)


def test_a_wrong_setting_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="threads"):
        write(tmp_path / "models.json", {"a": {"threads": 0}})
    assert not (tmp_path / "models.json").exists()


def test_settings_of_a_variant_go_over_those_of_the_model() -> None:
    models = {"q": {"threads": 1, "parallel": 2}, "q@q8_0": {"threads": 4}}
    assert defaults_of(models, "q@q8_0").config == LoadConfig(threads=4, parallel=2)
    assert defaults_of(models, "q").config == LoadConfig(threads=1, parallel=2)
    assert defaults_of(models, "other") == Defaults()


def test_each_field_belongs_to_one_of_the_three() -> None:
    assert len(set(FIELDS)) == len(FIELDS)
    set_ = Defaults.of({"threads": 1, "pinned": True, "top_k": 5})
    assert set_ == Defaults(LoadConfig(threads=1), Kept(pinned=True), SamplingDefaults(top_k=5))


def test_what_is_asked_for_goes_over_what_is_set() -> None:
    set_ = Defaults(LoadConfig(threads=1, use_mmap=False, context_length=512))
    assert set_.under(LoadConfig(threads=3)) == LoadConfig(threads=3, use_mmap=False, context_length=512)
    assert set_.under(LoadConfig(), ("use_mmap",)) == LoadConfig(threads=1, context_length=512)


def test_what_is_asked_for_and_set_may_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="need flash attention"):
        Defaults(LoadConfig(v_cache_type="q8_0")).under(LoadConfig(flash_attention=False))


def test_sampling_has_the_names_that_it_has_in_requests() -> None:
    assert set(SamplingDefaults.__struct_fields__) <= set(Sampling.__struct_fields__)
    assert msgspec.convert({"top_p": 1.0}, SamplingDefaults).top_p == 1.0
