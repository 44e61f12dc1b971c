"""The encoder: batches and parts of sentences, states, and what may be read when."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.inference.encoder import (
    arrays_of,
    checked,
    encode,
    encode_batch,
    encode_rows,
    encode_window,
    rows_of,
    state_names,
    state_of,
    steps_of_a_window,
    warm_state,
)
from elmo_np.inference.token_indexer import token_indexer
from elmo_np.nn.parameter import parameters
from tests.embedding_helpers import SENTENCES, all_close, of_characters, of_gru, of_words

KINDS = {"words": of_words, "characters": of_characters, "gru": of_gru}


@pytest.fixture(params=KINDS)
def words(request):
    elmo = KINDS[request.param]()
    return token_indexer(elmo.model, elmo.vocabulary)


def alone(words, sentence, state=None):
    """The layers of one sentence and the state after it, straight from the model."""
    numbers = np.array(words.encode(sentence))[:, None]
    (forward, backward), after = words.model.encode_vectors(words.lookup(numbers), np.array([len(numbers)]), state)
    return [np.concatenate([f[:, 0], b[:, 0]], axis=1) for f, b in zip(forward, backward, strict=True)], after


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("most", [1, 6, 40, 10**6])
def test_every_sentence_comes_in_order_whole_or_in_parts_from_the_same_state(words, most, warm):
    state = warm_state(words) if warm else None
    found = encode(words, SENTENCES[:12], state, most)
    for sentence, (steps, parts) in zip(SENTENCES[:12], found, strict=True):
        assert steps == len(sentence) + 2
        layers = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
        all_close(layers, alone(words, sentence, state)[0])


def test_parts_may_be_read_when_other_sentences_have_been_read_and_their_words_dropped(words, monkeypatch):
    monkeypatch.setattr(type(words), "MOST", 60, raising=False)
    monkeypatch.setattr("elmo_np.inference.encoder.BATCH", 1)
    for sentence, (_, parts) in zip(SENTENCES[:12], list(encode(words, SENTENCES[:12], None, 5)), strict=True):
        layers = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
        all_close(layers, alone(words, sentence)[0])


def test_a_window_leaves_out_the_sentences_that_are_longer_than_a_batch(words):
    numbers = [words.encode(["the"] * n) for n in (3, 9, 4, 20)]
    assert sorted(encode_window(words, numbers, None, 12)) == [0, 1, 2]
    assert sorted(encode_window(words, numbers, None, 10)) == [0, 2]
    assert encode_window(words, [], None, 10) == {}


def test_a_batch_gives_the_layers_and_the_state_of_each_sentence(words, each_backend):
    numbers = [words.encode(sentence) for sentence in SENTENCES[:5]]
    layers, after = encode_batch(words, numbers, None)
    for k, sentence in enumerate(SENTENCES[:5]):
        expected, state = alone(words, sentence)
        all_close(layers[k], expected)
        all_close(arrays_of(rows_of(after, np.array([k]))), arrays_of(state))


@pytest.mark.parametrize("most", [1, 10, 1000])
def test_rows_go_on_from_their_own_state_which_is_updated_in_place(words, most):
    state = words.model.zero_state(3)
    expected = [None] * 3
    for start in 0, 3, 6:
        sentences = SENTENCES[start:start + 3]
        found = list(encode_rows(words, [words.encode(sentence) for sentence in sentences], state, most))
        for k, sentence in enumerate(sentences):
            layers, expected[k] = alone(words, sentence, expected[k])
            all_close(found[k], layers)
    for k in range(3):
        all_close(arrays_of(rows_of(state, np.array([k]))), arrays_of(expected[k]))


def test_a_warm_state_is_one_that_another_neutral_sentence_hardly_changes(words):
    state = warm_state(words)
    _, after = alone(words, ["."] if "." in words else [], state)
    assert max(np.abs(one - two).max() for one, two in zip(arrays_of(state), arrays_of(after), strict=True)) < 1e-6
    assert max(np.abs(array).max() for array in arrays_of(state)) > 0.01


def test_a_state_has_the_arrays_of_every_layer_and_direction_and_rows_are_copies(words):
    state = words.model.zero_state(2)
    arrays = arrays_of(state)
    assert len(arrays) == 2 * words.model.config.layers * (1 if words.model.config.cell == "gru" else 2)
    assert all(len(array) == 2 and not array.any() for array in arrays)
    for array in arrays_of(rows_of(state, np.array([1, 1, 0]))):
        assert len(array) == 3
        array += 1
    assert not any(array.any() for array in arrays)


def test_the_arrays_of_a_state_have_names_and_make_the_state_again(words):
    model = words.model
    names = {"lstm": ["h", "c"], "gru": ["h"]}[model.config.cell]
    assert state_names(model, letters=1) == [f"{d}.{k}.{name}" for d in "fb" for k in range(2) for name in names]
    assert state_names(model)[-1] == f"backward.1.{names[-1]}"
    state = warm_state(words)
    again = state_of(model, arrays_of(state))
    assert [len(layer) for direction in again for layer in direction] == [len(names)] * 4
    assert [id(array) for array in arrays_of(again)] == [id(array) for array in arrays_of(state)]


def test_a_window_has_at_least_one_step_and_as_many_as_fit(words, monkeypatch):
    assert steps_of_a_window(words.model, 1 << 40) == 1
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 100)
    assert steps_of_a_window(words.model, 36) == 2
    recurrent = sum(p.value.size for name, p in parameters(words.model).items() if ".layers." in name)
    monkeypatch.setattr("elmo_np.inference.encoder.LARGE", recurrent - 1)
    assert steps_of_a_window(words.model, 36) == recurrent // 36


def test_sentences_are_checked_as_they_are_read():
    assert list(checked([["a"], ("b", "c")])) == [["a"], ("b", "c")]
    for bad, message in (["a b"], "sentence 0 is the string 'a b'"), ([["a"], []], "sentence 1 is empty"):
        with pytest.raises(UserError, match=message):
            list(checked(bad))


def test_a_state_of_zeros_is_that_of_no_state(words):
    numbers = [words.encode(SENTENCES[0])]
    layers, _ = encode_batch(words, numbers, words.model.zero_state(1))
    all_close(layers[0], encode_batch(words, numbers, None)[0][0])
