from hypothesis import given
from hypothesis import strategies as st

from lms.engine.prefix import Match, PrefixCache, common_prefix

tokens = st.lists(st.integers(0, 2), max_size=12)


def naive_common_prefix(left: list[int], right: list[int]) -> int:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return length


@given(tokens, tokens)
def test_the_common_prefix_is_what_comparing_token_by_token_finds(left: list[int], right: list[int]) -> None:
    assert common_prefix(left, right) == naive_common_prefix(left, right)


def test_a_prompt_that_goes_on_takes_the_slot_it_goes_on_from() -> None:
    cache = PrefixCache(2)
    cache.release(cache.take([1, 2, 3]).slot, [1, 2, 3, 4])
    assert cache.take([1, 2, 3, 4, 5]) == Match(0, 4)


def test_one_token_of_the_prompt_is_always_left_to_process() -> None:
    cache = PrefixCache(1)
    cache.release(cache.take([1, 2, 3]).slot, [1, 2, 3])
    assert cache.take([1, 2, 3]) == Match(0, 2)


def test_a_stranger_takes_an_empty_slot_rather_than_a_full_one() -> None:
    cache = PrefixCache(2)
    cache.release(cache.take([1, 2, 3]).slot, [1, 2, 3])
    assert cache.take([7, 8, 9]).slot == 1


def test_sharing_only_a_greeting_does_not_cost_another_conversation_its_slot() -> None:
    cache = PrefixCache(2)
    cache.release(cache.take([1, 2]).slot, [1, 2, *range(50, 80)])
    assert cache.take([1, 2, 7, 8, 9, 10, 11]) == Match(1, 0)


def test_with_every_slot_full_the_one_released_longest_ago_goes() -> None:
    cache = PrefixCache(2)
    first, second = cache.take([1]), cache.take([2])
    cache.release(second.slot, [2, 2])
    cache.release(first.slot, [1, 1])
    assert cache.take([9, 9, 9, 9]).slot == second.slot


def test_cells_counts_what_free_slots_hold() -> None:
    cache = PrefixCache(2)
    cache.release(cache.take([1, 2]).slot, [1, 2, 3])
    assert (cache.cells, cache.oldest()) == (3, 0)
    cache.forget(0)
    assert (cache.cells, cache.oldest()) == (0, None)
