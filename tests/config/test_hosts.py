import pytest

from lms.config.hosts import require_host


@pytest.mark.parametrize(
    "typed", ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost", "gpu_box.lan", "unix:/run/lms.sock"]
)
def test_an_address_a_name_and_a_path_will_do(typed: str) -> None:
    require_host(typed)


@pytest.mark.parametrize("typed", ["foo bar", "http://a", "0.0.0.0:80", "a/b", "unix:relative", "", "-x", "a\n"])
def test_nothing_else_will(typed: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        require_host(typed)
