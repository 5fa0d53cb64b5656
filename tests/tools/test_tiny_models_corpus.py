"""The border between what tiny-chat is trained on and what it is measured with."""

from random import Random

import pytest

from tools.tiny_models.chat.template import prompt_and_answer
from tools.tiny_models.corpus import (
    calling,
    commands,
    counting,
    functions,
    greetings,
    mixture,
    objects,
    prose,
    recalling,
    repeating,
    rhymes,
    sums,
    values,
)
from tools.tiny_models.corpus.dialogue import Dialogue, Split
from tools.tiny_models.corpus.wordings import OPENERS, Wordings
from tools.tiny_models.embedding import frames, paraphrases

DRAWS = 400
MAKERS = (values.name, values.city, values.word, values.code, functions.amount, objects.job, recalling.small_number)


def wordings_of_every_skill() -> list[Wordings]:
    found = [sums.WORDINGS, counting.UP_TO, counting.BETWEEN, commands.FROM_PURPOSE, commands.FROM_NAME, rhymes.SYSTEM]
    found += [prose.STORY, prose.ABOUT, repeating.TEXT_FIRST, objects.REQUESTS, objects.LISTED]
    found += [functions.INVENTED_QUESTIONS, *frames.FRAMES]
    found += [command.purposes for command in commands.COMMANDS]
    found += [topic.wordings for topic in greetings.TOPICS]
    found += [kind.questions for kind in functions.KINDS]
    found += [record.statements for record in objects.RECORDS]
    for fact in (recalling.NAME, *recalling.FACTS):
        found += [fact.told, fact.asked]
    return found


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("split", Split)
def test_a_value_comes_from_its_own_side_of_the_border(make, split: Split) -> None:
    drawn = [make(Random(seed), split) for seed in range(DRAWS)]
    assert {values.is_held_out(value) for value in drawn} == {split is Split.HELD_OUT}


def test_sentences_hold_only_words_of_their_side() -> None:
    for seed in range(DRAWS):
        words = values.words(Random(seed), Split.TRAINING, 1, 6).split(" ")
        assert not any(values.is_held_out(word) for word in words)


def test_no_wording_is_on_both_sides() -> None:
    for wordings in wordings_of_every_skill():
        assert not set(wordings.training) & set(wordings.held_out)


def test_every_skill_has_wordings_on_both_sides() -> None:
    assert all(wordings.training and wordings.held_out for wordings in wordings_of_every_skill())


def test_training_never_repeats_under_a_held_out_wording() -> None:
    held_out = {wording.split("{text}")[0] for wording in repeating.TEXT_LAST_HELD_OUT}
    trained = {repeating.text_last(Random(seed)).split("{text}")[0] for seed in range(20_000)}
    assert not held_out & trained


def test_training_never_adds_an_unseen_pair() -> None:
    unseen = {f"{a} + {b} = {a + b}" for a, b in sums.UNSEEN}
    answers = {sums.one_digit_sum(Random(seed), Split.TRAINING).answer["content"] for seed in range(3_000)}
    assert unseen
    assert not unseen & answers


def test_training_never_counts_between_a_held_out_pair() -> None:
    for seed in range(DRAWS):
        numbers = counting.counting(Random(seed), Split.TRAINING).answer["content"].split(", ")
        assert not counting.held_out_pair(int(numbers[0]), int(numbers[-1]))


def test_training_never_sees_a_held_out_meaning() -> None:
    held_out = {paraphrases.held_out_pair(Random(seed)).meaning for seed in range(DRAWS)}
    trained = {paraphrases.training_pair(Random(seed)).meaning for seed in range(20 * DRAWS)}
    assert not held_out & trained


@pytest.mark.parametrize("split", Split)
def test_a_call_names_an_offered_function_and_copies_from_the_question(split: Split) -> None:
    for seed in range(DRAWS):
        dialogue = calling.calling(Random(seed), split)
        (made,) = dialogue.answer["tool_calls"]
        assert made["function"]["name"] in [tool["function"]["name"] for tool in dialogue.tools]
        _, answer = prompt_and_answer(dialogue)
        assert answer.startswith("<tool_call>\n{")
        assert answer.endswith("}\n</tool_call><|im_end|>")


@pytest.mark.parametrize("split", Split)
def test_a_recalled_value_was_told_before(split: Split) -> None:
    for seed in range(DRAWS):
        dialogue = recalling.recalling(Random(seed), split)
        value = dialogue.answer["content"].rsplit(" is ")[-1].removeprefix("You live in ").rstrip(".")
        assert any(value in message["content"] for message in dialogue.messages[:-1])


def test_the_same_seed_gives_the_same_corpus() -> None:
    first, second = ([mixture.example(rng) for _ in range(200)] for rng in (Random(5), Random(5)))
    assert first == second


def test_every_example_ends_with_the_users_turn() -> None:
    rng = Random(6)
    dialogues = [example for example in (mixture.example(rng) for _ in range(1_000)) if isinstance(example, Dialogue)]
    assert {dialogue.messages[-1]["role"] for dialogue in dialogues} == {"user", "tool"}


def as_heard(text: str) -> str:
    return text.casefold().rstrip(".?! ")


def test_no_small_change_turns_a_training_wording_into_a_held_out_one() -> None:
    for wordings in wordings_of_every_skill():
        trained = {as_heard(f"{opener} {wording}") for opener in (*OPENERS, "") for wording in wordings.training}
        trained |= {as_heard(wording) for wording in wordings.training}
        assert not trained & {as_heard(wording) for wording in wordings.held_out}
