from tools.bench import texts


def test_a_salt_decides_the_words() -> None:
    assert texts.words(50, 1) == texts.words(50, 1) != texts.words(50, 2)
    assert len(texts.words(50, 1).split()) == 50


def test_the_refrain_and_the_other_words_have_nothing_in_common() -> None:
    assert len(set(texts.WORDS)) == len(texts.WORDS)
    assert not set(texts.REFRAIN) & set(texts.OTHER_WORDS)


def test_every_nth_word_is_changed_and_no_other() -> None:
    refrain = list(texts.REFRAIN)
    changed = texts.with_changes(" ".join(refrain), 12, 1).split(" ")
    differing = [number for number, (old, new) in enumerate(zip(refrain, changed, strict=True), 1) if old != new]
    assert differing == list(range(12, len(refrain) + 1, 12))
