from lms.engine.state_key import state_key


def test_another_setting_is_another_key_and_the_order_of_settings_is_not() -> None:
    assert state_key({"k": "f16", "v": "f16"}) == state_key({"v": "f16", "k": "f16"})
    assert state_key({"k": "f16", "v": "q8_0"}) != state_key({"k": "q8_0", "v": "f16"})
    assert state_key({"k": 1}) != state_key({"k": "1"})
