import msgspec
import pytest

from lms.config.complaints import in_words, wanted
from lms.config.load import LoadConfig
from lms.config.settings import Settings


def complaint(kind: type[msgspec.Struct], **fields: object) -> str:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(fields, kind)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (Settings, {"port": "x"}, "port takes a whole number"),
        (Settings, {"port": 99999}, "port takes a whole number of at most 65535"),
        (Settings, {"jit": 3}, "jit takes on or off"),
        (Settings, {"jit_ttl_s": -1}, "jit_ttl_s takes a number of at least 0.0"),
        (Settings, {"cors": 1}, "cors takes a text"),
        (Settings, {"prot": 1}, "“prot” is no setting"),
        (LoadConfig, {"tensor_split": 1}, "tensor_split takes a list"),
        (LoadConfig, {"speculation": "magic"}, "speculation: Invalid enum value 'magic'"),
        (LoadConfig, {"flash_attention": False, "v_cache_type": "q8_0"}, "Values kept as q8_0 need flash attention"),
    ],
)
def test_what_is_wrong_is_said_without_a_word_of_python(
    kind: type[msgspec.Struct], fields: dict[str, object], said: str
) -> None:
    told = in_words(complaint(kind, **fields))
    assert told.startswith(said)
    assert "`" not in told


def test_what_is_wanted_is_not_made_up() -> None:
    assert wanted("Invalid enum value 'magic' - at `$.speculation`") is None
