"""The built-in grammar: labelled, repeatable, varied; its senses are neither trivial nor hopeless to tell apart."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import pytest

from elmo_np.data.grammar import AMBIGUOUS, LONGEST, SHORTEST, TEMPLATES, TOPICS, GrammarCorpus, LabelledSentence
from elmo_np.errors import UserError

Occurrence = tuple[LabelledSentence, int, str]


@pytest.fixture(scope="module")
def sentences() -> list[LabelledSentence]:
    return list(GrammarCorpus(seed=0, sentences=20000).labelled())


def occurrences(sentences: Iterable[LabelledSentence], word: str) -> list[Occurrence]:
    return [(each, i, sense) for each in sentences for i, sense in each.senses if each.tokens[i] == word]


def test_the_same_seed_writes_the_same_sentences() -> None:
    corpus = GrammarCorpus(seed=3, sentences=500)
    assert list(corpus) == list(corpus) == list(GrammarCorpus(seed=3, sentences=500))
    assert list(corpus) != list(GrammarCorpus(seed=4, sentences=500))


def test_the_text_does_not_depend_on_the_machine_or_the_python_version() -> None:
    text = "\n".join(" ".join(tokens) for tokens in GrammarCorpus(seed=0, sentences=1000))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "2c2581c7aaa8a936"


def test_a_longer_corpus_begins_like_a_shorter_one() -> None:
    assert list(GrammarCorpus(sentences=200))[:50] == list(GrammarCorpus(sentences=50))


def test_the_plain_and_the_labelled_sentences_come_in_the_same_order() -> None:
    corpus = GrammarCorpus(seed=1, sentences=300)
    assert [list(each.tokens) for each in corpus.labelled()] == list(corpus)
    assert len(list(corpus)) == 300


def test_every_occurrence_of_an_ambiguous_word_has_a_sense(sentences: list[LabelledSentence]) -> None:
    for each in sentences:
        labelled = dict(each.senses)
        assert list(labelled) == [i for i, token in enumerate(each.tokens) if token in AMBIGUOUS]
        assert all(sense in AMBIGUOUS[each.tokens[i]] for i, sense in labelled.items()), each


def test_at_least_thirty_words_have_two_senses_and_each_sense_occurs_100_times(
    sentences: list[LabelledSentence],
) -> None:
    seen = Counter(sense for each in sentences for _, sense in each.senses)
    senses = {sense for known in AMBIGUOUS.values() for sense in known}
    words = Counter(sense.partition("/")[0] for sense in senses)
    assert len(words) >= 30
    assert all(words[word] >= 2 for word in words)
    assert sum(count >= 3 for count in words.values()) >= 8
    rare = {sense: seen[sense] for sense in senses if seen[sense] < 100}
    assert not rare


def test_every_form_of_an_ambiguous_word_occurs_in_each_of_its_senses(sentences: list[LabelledSentence]) -> None:
    seen = {(each.tokens[i], sense) for each in sentences for i, sense in each.senses}
    assert {(form, sense) for form, known in AMBIGUOUS.items() for sense in known} <= seen


def test_more_than_sixty_templates_are_used(sentences: list[LabelledSentence]) -> None:
    used = Counter(each.template for each in sentences)
    assert len(used) == len(TEMPLATES) > 60
    assert max(used.values()) < 0.1 * len(sentences)


def test_both_senses_of_bank_share_most_templates(sentences: list[LabelledSentence]) -> None:
    used = defaultdict(set)
    for each, _, sense in occurrences(sentences, "bank"):
        used[sense].add(each.template)
    money, river = used["bank/money"], used["bank/river"]
    assert len(money & river) > 40


def test_sentences_have_a_sane_length_and_form(sentences: list[LabelledSentence]) -> None:
    for each in sentences:
        assert SHORTEST <= len(each.tokens) <= LONGEST
        assert each.tokens[-1] in (".", "?")
        assert each.topic in TOPICS
        assert all(re.fullmatch(r"[a-z]+|[.,?\"]", token) for token in each.tokens), each
        assert each.tokens.count('"') in (0, 2)


def test_the_vocabulary_is_small(sentences: list[LabelledSentence]) -> None:
    assert 600 <= len({token for each in sentences for token in each.tokens}) <= 1500


def test_no_sentence_is_common(sentences: list[LabelledSentence]) -> None:
    assert len({each.tokens for each in sentences}) > 0.97 * len(sentences)


def test_a_or_an_agrees(sentences: list[LabelledSentence]) -> None:
    pairs = {pair for each in sentences for pair in zip(each.tokens, each.tokens[1:], strict=False)}
    after_a = {word for article, word in pairs if article == "a"}
    after_an = {word for article, word in pairs if article == "an"}
    assert {word for word in after_a if word[0] in "aeiou"} <= {"user", "useful"}
    assert {word for word in after_an if word[0] not in "aeiou"} <= {"hour"}
    assert "actor" in after_an
    assert not (after_a & after_an)


def test_the_verb_agrees_with_the_noun(sentences: list[LabelledSentence]) -> None:
    text = "\n".join(" ".join(each.tokens) for each in sentences)
    assert not re.search(r"\b(two|three|many|these) \w+(s|mice|men) (was|is|has)\b", text)
    assert not re.search(r"\b(this|every|another) (bank|bat|club|star|mouse) (were|are|have)\b", text)
    assert not re.search(r"\bthere was (two|many)\b|\bthere were (a|an)\b", text)


Feature = Callable[[Occurrence], Sequence[str]]


def neighbours(occurrence: Occurrence) -> Sequence[str]:
    each, i, _ = occurrence
    tokens = ("<s>", *each.tokens)
    return tokens[i], tokens[i + 2]


def bag(occurrence: Occurrence) -> Sequence[str]:
    each, i, _ = occurrence
    return sorted(set(each.tokens[:i] + each.tokens[i + 1 :]))


def accuracy(found: list[Occurrence], feature: Feature) -> float:
    """Naive Bayes with add-one smoothing: learnt on every other occurrence, tested on the rest."""
    train, test = found[::2], found[1::2]
    senses = Counter(sense for _, _, sense in train)
    seen = {sense: Counter[str]() for sense in senses}
    for occurrence in train:
        seen[occurrence[2]].update(feature(occurrence))

    def score(sense: str, words: Sequence[str]) -> float:
        return math.log(senses[sense]) + sum(math.log((seen[sense][word] + 1) / (senses[sense] + 2)) for word in words)

    right = 0
    for occurrence in test:
        words = feature(occurrence)
        right += max(sorted(senses), key=lambda sense: score(sense, words)) == occurrence[2]
    return right / len(test)


def vote(found: list[Occurrence]) -> float:
    """The majority sense of the pair of neighbours; of the left one, of the right one, of all, if a pair is new."""
    train, test = found[::2], found[1::2]
    votes: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for occurrence in train:
        left, right = neighbours(occurrence)
        for key in ((left, right), (left, ""), ("", right), ()):
            votes[key][occurrence[2]] += 1
    good = 0
    for occurrence in test:
        left, right = neighbours(occurrence)
        known = next(key for key in ((left, right), ("", right), (left, ""), ()) if key in votes)
        good += votes[known].most_common(1)[0][0] == occurrence[2]
    return good / len(test)


@pytest.fixture(scope="module")
def banks() -> list[Occurrence]:
    return occurrences(GrammarCorpus(seed=1, sentences=20000).labelled(), "bank")


def test_one_neighbouring_word_does_not_give_the_sense_away(banks: list[Occurrence]) -> None:
    assert vote(banks) < 0.85
    assert accuracy(banks, neighbours) < 0.85


def test_the_whole_sentence_tells_the_sense_of_bank(banks: list[Occurrence]) -> None:
    most = Counter(sense for _, _, sense in banks).most_common(1)[0][1] / len(banks)
    assert most < 0.6
    assert 0.8 < accuracy(banks, bag) < 0.995
    assert accuracy(banks, bag) > vote(banks) + 0.05


def test_twenty_thousand_sentences_take_less_than_two_seconds() -> None:
    start = time.process_time()
    assert sum(1 for _ in GrammarCorpus(seed=5, sentences=20000)) == 20000
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1, expected a whole number of at least 0, such as seed=0"),
        ({"sentences": -5}, "sentences is -5, expected a whole number"),
        ({"sentences": 2.5}, "sentences is 2.5, expected a whole number"),
        ({"seed": "one"}, "seed is 'one', expected a whole number"),
    ],
)
def test_a_wrong_argument_is_explained_in_one_line(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as error:
        GrammarCorpus(**arguments)
    assert "\n" not in str(error.value)
