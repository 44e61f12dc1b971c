"""One vector a word: the token layer's, means over a corpus, and occurrences, each as ELMo gives it."""

import numpy as np
import pytest

from elmo_np import Vocabulary
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.errors import UserError
from elmo_np.inference import encoder
from elmo_np.inference.elmo import ELMo
from elmo_np.inference.static_vectors import mean_vectors, occurrence_vectors, static_vectors
from elmo_np.nn.bilm import BiLM
from elmo_np.training.initial_model import new_elmo
from tests.embedding_helpers import CHARACTER_SIZES, SENTENCES, alone, of_characters
from tests.task_helpers import reviews, same_vectors, tiny_elmo

CORPUS = [*reviews(40)[0], ["xyzzy", "film", "xyzzy"]]
COUNTS = {word: sum(sentence.count(word) for sentence in CORPUS) for sentence in CORPUS for word in sentence}


# The token layer


def test_a_static_vector_is_layer_0_of_the_word_anywhere(monkeypatch):
    monkeypatch.setattr("elmo_np.inference.static_vectors.BLOCK", 4)
    elmo = tiny_elmo()
    found = static_vectors(elmo, quiet=True)
    assert found.words == elmo.vocabulary.words
    assert found.counts == elmo.vocabulary.counts
    assert found.vectors.dtype == np.float32
    vector = dict(zip(found.words, found.vectors, strict=True))
    marked, = elmo.vectors([["film", "tom", "xyzzy"]], 0, marks=True)
    for word, expected in zip(["<S>", "film", "tom", "<UNK>", "</S>"], marked, strict=True):
        np.testing.assert_array_equal(vector[word], expected)


def test_directions_that_share_the_token_layer_give_its_vector_once():
    vocabulary = Vocabulary.build(CORPUS)
    config = BiLMConfig(embedding_dim=6, hidden_dim=4, share_embedding=True)
    elmo = ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)
    found = static_vectors(elmo, quiet=True)
    np.testing.assert_array_equal(found.vectors, elmo.model.forward_lm.embedding.E.value)


@pytest.mark.parametrize("share", [True, False])
def test_a_model_of_characters_spells_any_word(share):
    elmo = new_elmo(replaced(Settings(), **{**CHARACTER_SIZES, "share_embedding": share}), Vocabulary.build(SENTENCES))
    words = ["the", "never-seen", "été", "<"]
    found = static_vectors(elmo, words, quiet=True)
    both, = elmo.vectors([words], 0)
    same_vectors(found.vectors, both[:, :both.shape[1] // 2] if share else both)
    marks = static_vectors(elmo, quiet=True)
    assert marks.words == [word for word in elmo.vocabulary.words if word != "<UNK>"]
    expected, = elmo.vectors([["the"]], 0, marks=True)
    for word, row in ("<S>", 0), ("</S>", 2):
        found = marks.vectors[marks.words.index(word)]
        same_vectors(found, expected[row][:len(found)])


def test_a_model_of_characters_without_words_needs_some():
    bare = of_characters()
    with pytest.raises(UserError, match="reads characters and has no list of words: give the words, or a corpus"):
        static_vectors(bare, quiet=True)
    assert static_vectors(bare, ["a"], quiet=True).words == ["a"]
    assert set(static_vectors(bare, corpus=SENTENCES, quiet=True).words) == {word for s in SENTENCES for word in s}


def test_the_words_of_a_corpus_come_by_how_often_they_occur():
    found = static_vectors(tiny_elmo(), corpus=CORPUS, quiet=True)
    assert found.words == sorted(COUNTS.keys() - {"xyzzy"}, key=lambda word: (-COUNTS[word], word))
    assert found.counts == [COUNTS[word] for word in found.words]
    assert found.left_out == 1
    chosen = static_vectors(tiny_elmo(), ["tom", "paris"], CORPUS, quiet=True)
    assert (chosen.words, chosen.counts) == (["tom", "paris"], [COUNTS["tom"], 0])


def test_counts_that_are_not_known_are_none():
    elmo = tiny_elmo()
    elmo.vocabulary = Vocabulary(elmo.vocabulary.words)
    assert static_vectors(elmo, quiet=True).counts is None


# Means over a corpus


@pytest.mark.parametrize("layer", [0, 1, "top", "average", "mix"])
def test_a_mean_is_over_every_occurrence_in_its_own_sentence(layer):
    elmo = tiny_elmo()
    found = mean_vectors(elmo, CORPUS, layer=layer, quiet=True)
    rows = {}
    for sentence, h in zip(CORPUS, elmo.stream(CORPUS, layer), strict=True):
        for word, vector in zip(sentence, h, strict=True):
            rows.setdefault(word, []).append(vector)
    assert found.words == static_vectors(elmo, corpus=CORPUS, quiet=True).words
    assert found.left_out == 1
    for word, count, vector in zip(found.words, found.counts, found.vectors, strict=True):
        assert count == len(rows[word])
        np.testing.assert_array_equal(vector, np.mean(rows[word], axis=0, dtype=np.float64).astype(np.float32))


def test_a_mean_of_some_words_is_the_same_as_among_all():
    elmo = tiny_elmo()
    whole = mean_vectors(elmo, CORPUS, quiet=True)
    chosen = mean_vectors(elmo, CORPUS, ["tom", "film"], quiet=True)
    assert chosen.words == ["tom", "film"]
    for word, vector in zip(chosen.words, chosen.vectors, strict=True):
        np.testing.assert_array_equal(vector, whole.vectors[whole.words.index(word)])


# Occurrences


def test_an_occurrence_has_the_vector_of_its_place_and_the_grammar_its_sense():
    corpus = GrammarCorpus(sentences=400)
    vocabulary = Vocabulary.build(corpus)
    config = BiLMConfig(embedding_dim=6, hidden_dim=6, init_scale=0.5)
    elmo = ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)
    found = occurrence_vectors(elmo, corpus, ["bank", "play"], most=5, quiet=True)
    assert [(sample.word, len(sample.shown)) for sample in found.samples] == [("bank", 5), ("play", 5)]
    rows = iter(found.vectors)
    for sample in found.samples:
        assert sample.total == sum(sentence.count(sample.word) for sentence in corpus)
        for occurrence in sample.shown:
            assert occurrence.sentence[occurrence.position] == sample.word
            assert occurrence.sense.startswith(f"{sample.word}/")
            expected, = elmo.vectors([occurrence.sentence])
            same_vectors(next(rows), expected[occurrence.position])
    assert next(rows, None) is None


# Mistakes


@pytest.mark.parametrize(("call", "message"), [
    (lambda elmo: static_vectors(elmo, ["tom", "xyzzy"]), "'xyzzy' is not among the 14 words of this model"),
    (lambda elmo: static_vectors(elmo, ["<UNK>"]), "'<UNK>' is not among"),
    (lambda elmo: static_vectors(elmo, ["tom", "film", "tom"]), "'tom' is given twice"),
    (lambda elmo: static_vectors(elmo, []), "no word is given"),
    (lambda elmo: static_vectors(elmo, corpus=[["xyzzy"]]), "the model knows none of the corpus's words"),
    (lambda elmo: mean_vectors(elmo, CORPUS, ["rome"]), "'rome' does not occur in the corpus, so it has no contextual"),
    (lambda elmo: mean_vectors(elmo, iter(CORPUS)), "can be read only once"),
    (lambda elmo: mean_vectors(elmo, CORPUS, layer="all"), "layer 'all': expected one vector per word"),
    (lambda elmo: mean_vectors(elmo, CORPUS, layer=9), "layer 9: expected"),
    (lambda elmo: occurrence_vectors(elmo, CORPUS, ["xyzzy"]), "'xyzzy' is not among"),
    (lambda elmo: occurrence_vectors(elmo, CORPUS, ["rome"]), "'rome' does not occur"),
    (lambda elmo: occurrence_vectors(elmo, CORPUS, ["tom"], most=0), "at most 0 occurrences per word: expected"),
])
def test_a_mistake_is_one_line(call, message):
    with pytest.raises(UserError, match=message) as raised:
        call(tiny_elmo())
    assert "\n" not in str(raised.value)


def test_a_long_document_in_parts_has_the_same_means_and_occurrences(monkeypatch):
    elmo = tiny_elmo()
    document = ["anna", "saw", *["tom", "film", "."] * 40, "paris", "anna"]
    mean = mean_vectors(elmo, [document])
    found = occurrence_vectors(elmo, [document], ["paris", "anna"])
    monkeypatch.setattr(encoder, "WINDOW", 400)
    np.testing.assert_allclose(mean_vectors(elmo, [document]).vectors, mean.vectors, atol=1e-6)
    again = occurrence_vectors(elmo, [document], ["paris", "anna"])
    np.testing.assert_allclose(again.vectors, found.vectors, atol=1e-6)
    rows = elmo.vectors([document], "top")[0][[len(document) - 2, 0, len(document) - 1]]
    np.testing.assert_allclose(again.vectors, rows, atol=1e-6)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_vectors_of_one_direction_are_its_own(direction):
    whole = tiny_elmo()
    one = alone(whole, direction)
    k, D = ("forward", "backward").index(direction), whole.model.config.embedding_dim
    np.testing.assert_array_equal(static_vectors(one, quiet=True).vectors,
                                  static_vectors(whole, quiet=True).vectors[:, k * D:(k + 1) * D])
    P = whole.model.config.output_dim
    found, expected = (mean_vectors(elmo, CORPUS, ["film"], quiet=True).vectors for elmo in (one, whole))
    np.testing.assert_allclose(found, expected[:, k * P:(k + 1) * P], rtol=1e-5, atol=1e-6)
