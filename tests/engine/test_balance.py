"""Whether a draft model has paid, from what passes with it saved."""

from lms.engine.balance import FIRST_PAUSE, LONGEST_PAUSE, Balance


def losses(balance: Balance, passes: int) -> int:
    """How many of so many passes guess, if each that does loses."""
    guessed = 0
    for _ in range(passes):
        balance.tick()
        if not balance.pause:
            guessed += 1
            balance.observe(-0.5)
    return guessed


def test_what_saves_is_never_paused() -> None:
    balance = Balance()
    for _ in range(100):
        balance.observe(0.4)
        assert balance.pause == 0


def test_what_loses_is_tried_less_and_less() -> None:
    assert losses(Balance(), 10 * LONGEST_PAUSE) < 20


def test_one_slow_pass_among_good_ones_changes_nothing() -> None:
    balance = Balance()
    for _ in range(20):
        balance.observe(1.0)
    balance.observe(-3.0)
    assert balance.pause == 0


def test_a_gain_makes_the_next_pause_short_again() -> None:
    balance = Balance()
    losses(balance, 1000)
    while balance.pause:
        balance.tick()
    for _ in range(10):
        balance.observe(2.0)
    while not balance.pause:
        balance.observe(-5.0)
    assert balance.pause == FIRST_PAUSE
