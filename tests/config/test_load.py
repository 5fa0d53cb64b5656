import msgspec
import pytest

from lms.config.load import LoadConfig


def test_nothing_asked_for_means_that_everything_is_chosen() -> None:
    assert msgspec.json.encode(LoadConfig()) == b"{}"


@pytest.mark.parametrize("written", ['{"contextLength": 1}', '{"context_length": "long"}', '{"k_cache_type": "q3"}'])
def test_a_field_that_is_unknown_or_wrong_is_refused(written: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(written, type=LoadConfig)
