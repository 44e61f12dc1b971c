"""words: a model of characters embeds any word, each once, and is as deterministic as a model of ids."""

import numpy as np
import pytest

from elmo_np import ELMo, Vocabulary
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.vocabulary import SPECIAL_TOKENS
from elmo_np.errors import UserError
from elmo_np.inference.elmo import save_model
from elmo_np.inference.evaluate import evaluate
from elmo_np.inference.token_indexer import CharacterIndexer, WordIndexer, token_indexer
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.char_cnn import CharCNN
from elmo_np.nn.characters import marks, to_char_ids
from elmo_np.nn.parameter import parameters
from elmo_np.training.initial_model import new_elmo
from tests.embedding_helpers import CHARACTER_SIZES, SENTENCES, all_close, close, of_characters


@pytest.fixture(scope="module")
def elmo():
    return of_characters()


def test_any_word_has_a_vector_of_its_own(elmo):
    words = ["xyzzy", "Ångström", "<S>", "<UNK>", "the", "thé"]
    static = elmo.vectors([words], 0)[0]
    assert len(np.unique(static.round(4), axis=0)) == len(words)
    assert elmo.vector("xyzzy", ["a", "xyzzy"]).shape == (12,)


def test_the_layers_are_those_of_the_model_for_the_spelled_sentence(elmo, each_backend):
    for sentence, found in zip(SENTENCES[:5], elmo.embed(SENTENCES[:5]), strict=True):
        begin, end = marks(16)
        k = np.stack([begin, *to_char_ids(sentence, 16), end])[:, None]
        (forward, backward), _ = elmo.model.encode(k, np.array([len(k)]))
        for j in range(3):
            close(found[j], np.concatenate([forward[j], backward[j]], axis=2)[1:-1, 0])


@pytest.mark.parametrize("share", [True, False])
def test_a_sentence_has_the_same_vectors_alone_and_in_any_batch_and_order(share):
    elmo = of_characters(share_embedding=share)
    alone = [elmo.embed([sentence])[0] for sentence in SENTENCES]
    all_close(elmo.embed(SENTENCES), alone)
    all_close(elmo.embed(SENTENCES[::-1])[::-1], alone)
    warm = elmo.embed(SENTENCES, "warm")
    all_close([elmo.embed([sentence], "warm")[0] for sentence in SENTENCES[:10]], warm[:10])
    assert all(np.abs(one - two)[1:].max() > 1e-4 for one, two in zip(warm, alone, strict=True))


def test_layer_0_is_static_and_twice_the_same_where_the_cnn_is_shared(elmo):
    one, two = elmo.embed([["the", "bank", "paid"], ["a", "bank"]])
    close(one[0, 1], two[0, 1])
    np.testing.assert_array_equal(one[0, :, :6], one[0, :, 6:])
    apart = of_characters(share_embedding=False).embed([["the"]])[0]
    assert (apart[0, :, :6] != apart[0, :, 6:]).any()


def test_carry_goes_on_where_a_row_stopped():
    elmo = of_characters()
    first = elmo.embed(SENTENCES[:4], "carry")
    all_close(first, elmo.embed(SENTENCES[:4]))
    second = elmo.embed(SENTENCES[4:6], "carry")
    other = of_characters()
    other.embed([SENTENCES[1]], "carry")
    close(other.embed([SENTENCES[5]], "carry")[0], second[1])
    third = elmo.embed([["."], ["."], SENTENCES[6]], "carry")[2]        # row 2 stood still in between
    other = of_characters()
    other.embed([SENTENCES[2]], "carry")
    close(other.embed([SENTENCES[6]], "carry")[0], third)


def test_each_word_of_a_window_is_computed_once(elmo, monkeypatch):
    seen, encode = [], CharCNN.encode
    monkeypatch.setattr(CharCNN, "encode", lambda self, k, keep=True: seen.append(len(k)) or encode(self, k, keep))
    elmo.embed(SENTENCES)
    assert sum(seen) == len({word for sentence in SENTENCES for word in sentence}) + 2


@pytest.mark.parametrize("share", [True, False])
def test_words_are_forgotten_when_there_are_too_many_and_nothing_changes(share, monkeypatch):
    elmo = of_characters(share_embedding=share)
    expected = elmo.embed(SENTENCES)
    monkeypatch.setattr("elmo_np.inference.encoder.BATCH", 1)
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 1)
    monkeypatch.setattr(CharacterIndexer, "MOST", 60)
    all_close(elmo.embed(SENTENCES), expected)


def test_the_size_of_a_window_changes_nothing(elmo, monkeypatch):
    expected = elmo.embed(SENTENCES)
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 300)
    all_close(elmo.embed(SENTENCES), expected)


def test_a_changed_parameter_is_seen_at_the_next_call():
    elmo = of_characters()
    before = elmo.embed([["the"]])[0]
    elmo.model.forward_lm.embedding.E.value[...] *= 1.5
    assert (elmo.embed([["the"]])[0] != before).any()


def test_similar_words_are_found_by_their_contexts(elmo):
    elmo.index(SENTENCES)
    near = elmo.similar("xyzzy", ["the", "xyzzy", "paid"], top=3)
    assert len(near) == 3


@pytest.mark.parametrize("changes", [{}, {"softmax": "adaptive"}, {"softmax": "adaptive", "predict": True}])
def test_a_model_of_characters_is_saved_and_comes_back(tmp_path, changes):
    elmo, settings = of_characters(**changes), replaced(Settings(), **{**CHARACTER_SIZES, **changes})
    save_model(tmp_path / "model.safetensors", elmo, settings)
    elmo.vocabulary.save(tmp_path / "vocabulary.txt")
    again = ELMo.load(tmp_path)
    assert again.model.config == elmo.model.config
    assert (again.model.forward_lm.softmax is None) == (not settings.model.predict)
    for name, p in parameters(again).items():
        np.testing.assert_array_equal(p.value, parameters(elmo)[name].value)
    for one, other in zip(again.embed(SENTENCES[:5]), elmo.embed(SENTENCES[:5]), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["E", "filters.1.W", "highways.0.Wr", "Wp"])
def test_a_model_file_that_claims_other_sizes_than_it_has_is_refused(elmo, tmp_path, name):
    wrong = {"E": {"char_dim": 5}, "filters.1.W": {"char_filters": ((1, 4), (5, 5))},
             "highways.0.Wr": {"char_filters": ((1, 4), (3, 5), (1, 1))}, "Wp": {"embedding_dim": 9}}[name]
    save_model(tmp_path / "model.safetensors", elmo, replaced(Settings(), **{**CHARACTER_SIZES, **wrong}))
    elmo.vocabulary.save(tmp_path / "vocabulary.txt")
    with pytest.raises(UserError, match=f"for model.forward_lm.embedding.{'filters.2.W' if 'hi' in name else name}"):
        ELMo.load(tmp_path)


def test_a_model_that_cannot_predict_cannot_be_evaluated_and_says_so(elmo):
    with pytest.raises(UserError, match="this model has no softmax: it embeds, but it cannot predict words"):
        evaluate(elmo.model, elmo.vocabulary, SENTENCES)


VOCABULARY = Vocabulary.build(SENTENCES, min_count=3)
RARE = ["zebras", *SENTENCES[0], "quux"]


@pytest.fixture(params=[True, False], ids=["shared", "apart"])
def predicting(request):
    sizes = {**CHARACTER_SIZES, "predict": True, "share_embedding": request.param}
    return new_elmo(replaced(Settings(), **sizes), VOCABULARY)


def test_a_model_of_characters_reads_every_word_and_predicts_unknown_ones_as_unk(predicting, each_backend):
    """One sentence by hand: spelled, both directions, log p of each target."""
    begin, end = marks(16)
    k = np.stack([begin, *to_char_ids(RARE, 16), end])[:, None]
    ids = np.array(VOCABULARY.encode(RARE))[:, None]
    assert (ids == VOCABULARY.unk).sum() >= 2
    forward, _ = predicting.model.forward_lm.nll(k[:-1], ids[1:])
    backward, _ = predicting.model.backward_lm.nll(k[:0:-1], ids[-2::-1])
    for state in "reset", "carry":
        found = evaluate(predicting.model, VOCABULARY, [RARE], state=state)
        nats = [found.forward_nats, found.backward_nats]
        np.testing.assert_allclose(nats, [forward.sum(), backward.sum()], rtol=1e-5)
        assert (found.targets, found.unknown) == (len(RARE) + 1, (ids == VOCABULARY.unk).sum())


def test_two_unknown_words_that_are_spelled_differently_lead_to_different_predictions(predicting):
    one, other = (evaluate(predicting.model, VOCABULARY, [[word, "the"]]) for word in ("zebras", "quux"))
    assert one.unknown == other.unknown == 1
    assert one.forward_nats != other.forward_nats


def test_evaluation_is_the_same_at_any_batch_size_and_with_little_memory(predicting, monkeypatch):
    def found(state, batch_size=32):
        e = evaluate(predicting.model, VOCABULARY, SENTENCES, state=state, batch_size=batch_size)
        return [e.forward_nats, e.backward_nats, e.targets, e.unknown]
    expected = {state: found(state) for state in ("reset", "carry")}
    monkeypatch.setattr(CharacterIndexer, "MOST", 60)
    for state in "reset", "carry":
        for batch_size in 1, 4:
            np.testing.assert_allclose(found(state, batch_size), expected[state], rtol=1e-6)


def test_inputs_and_targets_of_numbers_are_characters_and_ids(predicting):
    words = token_indexer(predicting.model, VOCABULARY)
    numbers = np.array([words.encode(RARE), words.encode(RARE[::-1])])
    inputs = words.inputs(numbers)
    np.testing.assert_array_equal(inputs[0, 1:-1], to_char_ids(RARE, 16))
    np.testing.assert_array_equal(inputs[1, [0, -1]], marks(16))
    np.testing.assert_array_equal(words.targets(numbers), [VOCABULARY.encode(RARE), VOCABULARY.encode(RARE[::-1])])
    np.testing.assert_array_equal(words.targets(np.array([-1, 0, -1])), [-1, VOCABULARY.bos, -1])


def test_the_kind_of_words_is_that_of_the_model(elmo):
    model = BiLM(BiLMConfig(embedding_dim=4, hidden_dim=4), 4, rng=np.random.default_rng(0))
    vocabulary = Vocabulary([*SPECIAL_TOKENS, "the"])
    known = token_indexer(model, vocabulary)
    assert isinstance(known, WordIndexer)
    assert "the" in known
    assert "cat" not in known
    assert known.encode(["the", "cat"]) == [0, 3, 2, 1]
    spelled_words = token_indexer(elmo.model, elmo.vocabulary)
    assert isinstance(spelled_words, CharacterIndexer)
    assert "cat" in spelled_words
    assert spelled_words.encode(["the", "cat", "the"]) == [0, 2, 3, 2, 1]
