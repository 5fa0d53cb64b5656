from typing import get_args

import msgspec
import pytest

from lms.config.load import KvCacheType, LoadConfig
from lms.config.load import Overflow as LoadedOverflow
from lms.generation.request import Overflow


def test_nothing_asked_for_means_that_everything_is_chosen() -> None:
    assert msgspec.json.encode(LoadConfig()) == b"{}"


@pytest.mark.parametrize("written", ['{"contextLength": 1}', '{"context_length": "long"}', '{"k_cache_type": "q3"}'])
def test_a_field_that_is_unknown_or_wrong_is_refused(written: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(written, type=LoadConfig)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"v_cache_type": "q8_0", "flash_attention": false}', "Values kept as q8_0 need flash attention"),
        ('{"batch_size": 64, "micro_batch_size": 65}', "A micro batch of 65 is larger than a batch of 64"),
    ],
)
def test_settings_that_exclude_each_other_are_refused_with_the_reason(written: str, said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.json.decode(written, type=LoadConfig)


@pytest.mark.parametrize("keys", ["q8_0", "q4_0"])
def test_quantized_keys_alone_need_no_flash_attention(keys: KvCacheType) -> None:
    assert LoadConfig(k_cache_type=keys, flash_attention=False).k_cache_type == keys


@pytest.mark.parametrize("field", ["threads", "batch_threads", "batch_size", "micro_batch_size", "parallel"])
def test_counts_start_at_one(field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: 0}, LoadConfig)


def test_policies_for_what_is_too_long_go_by_the_same_words_in_loads_and_requests() -> None:
    assert get_args(LoadedOverflow) == get_args(Overflow)
