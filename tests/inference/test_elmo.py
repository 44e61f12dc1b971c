"""The embedder: one vector a word, its own, the same in any company."""

import mmap
import re
import sys

import numpy as np
import pytest

from elmo_np import ELMo, Vocabulary, backend
from elmo_np.errors import UserError
from elmo_np.inference import encoder
from elmo_np.inference.elmo import layer_of, picked, save_model
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters
from elmo_np.training.initial_model import new_elmo
from tests.embedding_helpers import CORPUS, VOCABULARY, all_close, alone, close, of_characters, of_words, settings
from tests.memory_helpers import peak
from tests.training_helpers import contents, run

SENTENCES = CORPUS[:100]


@pytest.fixture(scope="module")
def elmo():
    return of_words()


# The same sentence, the same vectors


def test_a_sentence_has_the_same_vectors_alone_and_in_any_batch_and_order(each_backend):
    elmo = of_words()
    alone = [elmo.embed([sentence])[0] for sentence in SENTENCES]
    all_close(elmo.embed(SENTENCES), alone)
    all_close(elmo.embed(SENTENCES[::-1]), alone[::-1])
    order = np.random.default_rng(0).permutation(len(SENTENCES))
    all_close(elmo.embed([SENTENCES[k] for k in order]), [alone[k] for k in order])
    all_close(elmo.embed([SENTENCES[0], ["the"] * 500, *SENTENCES[1:5]])[2:], alone[1:5])


def test_more_sentences_than_a_window_holds_come_in_their_order(elmo, monkeypatch):
    expected = elmo.embed(SENTENCES)
    monkeypatch.setattr("elmo_np.inference.encoder.BATCH", 2)        # windows of 64 sentences
    all_close(elmo.embed(SENTENCES), expected)


def test_both_backends_give_the_same_vectors(elmo):
    from elmo_np import backend
    if backend.why_not():
        pytest.skip(backend.why_not())
    found = []
    for name in "numpy", "cython":
        with backend.use(name):
            found.append(elmo.embed(SENTENCES[:20]))
    all_close(*found)


def test_embedding_changes_neither_the_model_nor_the_sentences(elmo):
    before = {name: p.value.copy() for name, p in parameters(elmo).items()}
    sentences = [list(sentence) for sentence in SENTENCES[:10]]
    first = elmo.embed(sentences)
    first[0][...] = 7       # the caller's own array
    elmo.vectors(sentences, "mix")
    assert sentences == SENTENCES[:10]
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(p.value, before[name])
    assert not (elmo.embed(sentences)[0] == 7).any()


# Layers


@pytest.mark.parametrize(("changes", "layers"), [
    ({}, [0, 1, 2]), ({"embedding_dim": 5}, [1, 2]), ({"projection_dim": 4}, [1, 2]),
    ({"projection_dim": 4, "embedding_dim": 4}, [0, 1, 2]), ({"layers": 1, "embedding_dim": 9}, [1]),
])
def test_embed_stacks_the_layers_that_are_equally_wide(changes, layers):
    elmo = of_words(**changes)
    width = 2 * elmo.model.config.output_dim
    assert elmo.layers == layers
    for sentence, found in zip(SENTENCES[:3], elmo.embed(SENTENCES[:3]), strict=True):
        assert found.shape == (len(layers), len(sentence), width)
        assert found.dtype == np.float32
    assert len(elmo.mix.w.value) == len(layers)


def test_layer_0_is_the_word_vector_twice_and_the_same_anywhere():
    elmo = of_words()
    forward, backward = (lm.embedding.E.value for lm in (elmo.model.forward_lm, elmo.model.backward_lm))
    for sentence, layers in zip(SENTENCES[:5], elmo.embed(SENTENCES[:5]), strict=True):
        ids = VOCABULARY.ids(sentence)
        np.testing.assert_array_equal(layers[0], np.hstack([forward[ids], backward[ids]]))
    shared = of_words(share_embedding=True)
    (layers,) = shared.embed([["the", "bank", "."]])
    np.testing.assert_array_equal(layers[0, :, :6], layers[0, :, 6:])


def test_the_layers_are_the_hidden_states_of_both_directions_at_the_words_own_place(elmo):
    sentence = SENTENCES[0]
    ids = np.array(VOCABULARY.encode(sentence))[:, None]
    forward, _, _ = elmo.model.forward_lm.encode(ids)
    backward, _, _ = elmo.model.backward_lm.encode(ids[::-1])
    (layers,) = elmo.embed([sentence])
    for j in range(3):
        for t in range(len(sentence)):
            # word t is at t + 1, behind <S>; in the sentence that is turned round it is at n - 1 - t, behind </S>
            expected = np.hstack([forward[j][t + 1, 0], backward[j][len(sentence) - t, 0]])
            close(layers[j, t], expected)


def test_a_contextual_vector_depends_on_the_context_and_a_static_one_does_not(elmo):
    one, two = elmo.embed([["the", "bank", "of", "the", "river"], ["the", "bank", "paid", "the", "debt"]])
    np.testing.assert_array_equal(one[0, :2], two[0, :2])
    assert np.abs(one[1:, 1] - two[1:, 1]).max() > 0.01


def test_the_forward_half_depends_on_the_words_up_to_its_own_and_the_backward_half_on_those_from_it(elmo):
    before = ["the", "old", "bank", "of", "the", "river", "."]
    for t, other in enumerate(["a", "new", "river", "paid", "a", "bank", "?"]):
        after = [*before[:t], other, *before[t + 1:]]
        one, two = elmo.embed([before, after])
        changed = np.abs(one - two).max(axis=2, where=np.arange(12) < 6, initial=0)[1:] > 1e-6
        assert not changed[:, :t].any()
        assert changed[:, t:].all()
        changed = np.abs(one - two).max(axis=2, where=np.arange(12) >= 6, initial=0)[1:] > 1e-6
        assert changed[:, :t + 1].all()
        assert not changed[:, t + 1:].any()


def test_vectors_are_the_top_the_average_the_mix_or_one_layer(elmo):
    stacks = elmo.embed(SENTENCES[:20])
    for layer in 0, 1, 2:
        all_close(elmo.vectors(SENTENCES[:20], layer), [stack[layer] for stack in stacks])
    all_close(elmo.vectors(SENTENCES[:20]), [stack[2] for stack in stacks])
    all_close(elmo.vectors(SENTENCES[:20], "top"), [stack[2] for stack in stacks])
    all_close(elmo.vectors(SENTENCES[:20], "average"), [stack.mean(axis=0) for stack in stacks])
    all_close(elmo.vectors(SENTENCES[:20], "sum"), [stack.sum(axis=0) for stack in stacks])
    weights = np.exp(elmo.mix.w.value) / np.exp(elmo.mix.w.value).sum() * elmo.mix.gamma.value
    all_close(elmo.vectors(SENTENCES[:20], "mix"), [np.tensordot(weights, stack, 1) for stack in stacks])
    all_close(elmo.stream(SENTENCES[:20], "all"), stacks)


def test_a_layer_of_another_width_comes_alone_and_is_no_part_of_the_average():
    elmo = of_words(embedding_dim=5)
    sentence = SENTENCES[0]
    (static,) = elmo.vectors([sentence], 0)
    assert static.shape == (len(sentence), 10)
    (average,), (stack,) = elmo.vectors([sentence], "average"), elmo.embed([sentence])
    close(average, stack.mean(axis=0))
    assert stack.shape[0] == 2


@pytest.mark.parametrize("layer", [0, 1, np.int64(2), "top", "average", "mix", "all"])
def test_a_sentence_is_the_mean_or_the_largest_of_its_words_and_as_wide(elmo, layer):
    for pooling, pool in ("mean", np.mean), ("max", np.max):
        found = elmo.sentence_vectors(SENTENCES[:9], layer, pooling=pooling)
        all_close(found, [pool(h, axis=-2) for h in elmo.vectors(SENTENCES[:9], layer)])
        assert {one.shape[-1] for one in found} == {elmo.width(layer)}
    with pytest.raises(UserError, match="pooling 'sum': expected one of mean, max"):
        elmo.sentence_vectors(SENTENCES[:1], layer, pooling="sum")


def test_a_layers_number_may_be_one_of_numpy(elmo):
    for layer in 0, 1, 2:
        np.testing.assert_array_equal(elmo.vectors(SENTENCES[:1], np.int64(layer)), elmo.vectors(SENTENCES[:1], layer))
    assert of_words(embedding_dim=5).width(np.int64(0)) == 10


@pytest.mark.parametrize("layer", ["bottom", "", 3, -1, "1", None, 1.5])
def test_another_layer_is_refused(elmo, layer):
    message = f"layer {layer!r}: expected 'all', 'top', 'average', 'sum', 'mix' or a number from 0 to 2"
    with pytest.raises(UserError, match=re.escape(message)):
        elmo.vectors(SENTENCES[:2], layer)


def test_no_sentence_has_no_vectors_and_an_unknown_word_has_that_of_the_unknown_word(elmo):
    for state in "reset", "warm", "carry":
        assert elmo.embed([], state) == []
    one, two = elmo.embed([["the", "xyzzy"], ["the", "<UNK>"]])
    np.testing.assert_array_equal(one, two)


def test_sentences_may_be_tuples_or_come_from_a_generator(elmo):
    expected = elmo.embed(SENTENCES[:5])
    all_close(elmo.embed(tuple(sentence) for sentence in SENTENCES[:5]), expected)


@pytest.mark.parametrize("state", ["reset", "warm", "carry"])
@pytest.mark.parametrize(("sentences", "message"), [
    ([["the"], []], "^sentence 1 is empty: expected at least one token$"),
    ("the bank", "^the sentences are 'the bank', of type str, expected a list of sentences"),
    (["the bank"], "^sentence 0 is the string 'the bank', expected a list of words: split it first, with "
     "elmo_np.data.text.tokens or at its spaces$"),
])
def test_an_empty_sentence_or_a_string_is_refused(elmo, sentences, message, state):
    with pytest.raises(UserError, match=message):
        elmo.embed(sentences, state)


# v_t = W h_bi + b


def test_the_vector_of_a_word_is_W_h_bi_plus_b_at_its_own_position(elmo):
    for sentence in SENTENCES[:20]:
        h = elmo.embed([sentence])[0][2]
        for t, word in enumerate(sentence):
            occurrence = 1 + sentence[:t].count(word)
            close(elmo.vector(word, sentence, occurrence), elmo.word_vector.W.value @ h[t] + elmo.word_vector.b.value)


def test_text_and_its_tokens_have_the_same_vector(elmo):
    elmo.tokenize = True
    one = elmo.vector("bank", "the bank of the river.")
    np.testing.assert_array_equal(one, elmo.vector("bank", ["the", "bank", "of", "the", "river", "."]))
    assert one.shape == (12,)
    assert elmo.vector("bank", ("the", "bank")).shape == (12,)


def test_text_is_split_at_spaces_where_the_corpus_was(elmo):
    elmo.tokenize = False
    assert elmo.words("the <unk> bank 's") == ["the", "<unk>", "bank", "'s"]
    elmo.tokenize = True
    assert elmo.words("the bank's fees.") == ["the", "bank", "'s", "fees", "."]


@pytest.mark.parametrize("dim", [3, 20])
def test_a_vector_can_have_another_width_and_starts_orthonormal(dim):
    elmo = new_elmo(settings(vector_dim=dim), VOCABULARY)
    W = elmo.word_vector.W.value
    assert W.shape == (dim, 12)
    np.testing.assert_allclose(W @ W.T if dim < 12 else W.T @ W, np.eye(min(dim, 12)), atol=1e-6)
    assert elmo.vector("bank", "the bank .").shape == (dim,)
    same = new_elmo(settings(vector_dim=dim), VOCABULARY)
    np.testing.assert_array_equal(W, same.word_vector.W.value)


def test_a_new_models_vector_is_the_hidden_state_itself():
    elmo = new_elmo(settings(), VOCABULARY)
    np.testing.assert_array_equal(elmo.vector("bank", "the bank ."), elmo.vectors([["the", "bank", "."]])[0][1])


def test_a_word_that_occurs_twice_asks_which(elmo):
    sentence = ["the", "bank", "of", "the", "bank"]
    with pytest.raises(UserError, match=r"^'bank' occurs 2 times in the sentence: say which, occurrence=1 to 2$"):
        elmo.vector("bank", sentence)
    one, two = elmo.vector("bank", sentence, 1), elmo.vector("bank", sentence, occurrence=2)
    h = elmo.vectors([sentence])[0]
    close(one, elmo.word_vector.forward(h[1])[0])
    close(two, elmo.word_vector.forward(h[4])[0])
    assert np.abs(one - two).max() > 0.01


@pytest.mark.parametrize(("word", "sentence", "occurrence", "message"), [
    ("bank", ["the", "bank"], 2, "^occurrence = 2, but 'bank' occurs 1 times in the sentence$"),
    ("bank", ["the", "bank"], 0, "^occurrence = 0, but"), ("bank", ["the", "bank"], -1, "^occurrence = -1, but"),
    ("river", ["the", "bank"], None, "^the sentence has no word 'river'; its words: the bank$"),
    ("bank", [], None, "^the sentence has no word 'bank'"), ("bank", "", None, "^the sentence has no word 'bank'"),
    ("bank", "the banker", None, "^the sentence has no word 'bank'; its words: the banker$"),
    ("xyzzy", ["the", "xyzzy"], None, r"^'xyzzy' is not among the \d+ words of this model"),
    ("<UNK>", ["the", "<UNK>"], None, r"^'<UNK>' is not among the \d+ words of this model"),
])
def test_a_word_that_is_not_there_is_one_clear_line(elmo, word, sentence, occurrence, message):
    with pytest.raises(UserError, match=message) as caught:
        elmo.vector(word, sentence, occurrence)
    assert "\n" not in str(caught.value)


# States


def by_hand(elmo, sentence, state):
    """The layers of one sentence from a state of one row, and the state after it, by model.encode alone."""
    ids = np.array(VOCABULARY.encode(sentence))[:, None]
    (forward, backward), after = elmo.model.encode(ids, np.array([len(ids)]), state)
    return np.stack([np.concatenate([f, b], axis=2)[1:-1, 0] for f, b in zip(forward, backward, strict=True)]), after


def test_a_row_goes_on_from_where_the_same_row_of_the_last_call_stopped():
    elmo, states = of_words(), [None, None, None]
    calls = [SENTENCES[0:3], SENTENCES[3:6], SENTENCES[6:9]]
    for sentences in calls:
        found = elmo.embed(sentences, "carry")
        for k, sentence in enumerate(sentences):
            expected, states[k] = by_hand(elmo, sentence, states[k])
            close(found[k], expected)


def test_the_first_call_with_carry_is_a_reset_and_the_second_is_not():
    elmo = of_words()
    reset = elmo.embed(SENTENCES[:4])
    all_close(elmo.embed(SENTENCES[:4], "carry"), reset)
    second = elmo.embed(SENTENCES[:4], "carry")
    assert all(np.abs(one - two)[1:].max() > 0.01 for one, two in zip(second, reset, strict=True))
    all_close(elmo.embed(SENTENCES[:4]), reset)         # what is carried is no part of the other states
    elmo.reset_state()
    all_close(elmo.embed(SENTENCES[:4], "carry"), reset)


def test_rows_that_a_smaller_batch_leaves_out_keep_their_state_and_new_rows_begin_at_zero():
    elmo, other = of_words(), of_words()
    elmo.embed(SENTENCES[:3], "carry")
    elmo.embed(SENTENCES[3:4], "carry")                 # row 0 alone
    grown = elmo.embed(SENTENCES[4:9], "carry")         # rows 3 and 4 are new
    other.embed(SENTENCES[:3], "carry")
    states = [by_hand(other, sentence, None)[1] for sentence in SENTENCES[:3]]
    states[0] = by_hand(other, SENTENCES[3], states[0])[1]
    for k, state in enumerate([*states, None, None]):
        close(grown[k], by_hand(other, SENTENCES[4 + k], state)[0])


def test_more_rows_than_a_batch_are_carried_too(monkeypatch):
    one, two = of_words(), of_words()
    expected = [one.embed(SENTENCES[start:start + 10], "carry") for start in (0, 10, 20)]
    monkeypatch.setattr("elmo_np.inference.encoder.BATCH", 3)
    for start, batch in zip((0, 10, 20), expected, strict=True):
        all_close(two.embed(SENTENCES[start:start + 10], "carry"), batch)


def test_an_error_leaves_the_carried_state_as_it_was():
    elmo, other = of_words(), of_words()
    for one in elmo, other:
        one.embed(SENTENCES[:2], "carry")
    with pytest.raises(UserError):
        elmo.embed([SENTENCES[2], []], "carry")
    all_close(elmo.embed(SENTENCES[2:4], "carry"), other.embed(SENTENCES[2:4], "carry"))


def test_warm_is_deterministic_and_independent_of_the_batch_and_differs_from_reset():
    elmo = of_words()
    warm = elmo.embed(SENTENCES, "warm")
    all_close(of_words().embed(SENTENCES, "warm"), warm)
    all_close(elmo.embed(SENTENCES[::-1], "warm")[::-1], warm)
    all_close([elmo.embed([sentence], "warm")[0] for sentence in SENTENCES[:10]], warm[:10])
    reset = elmo.embed(SENTENCES)
    assert all(np.abs(one - two)[1:].max() > 1e-4 for one, two in zip(warm, reset, strict=True))
    np.testing.assert_array_equal(warm[0][0], reset[0][0])


def test_warm_begins_where_neutral_sentences_lead():
    elmo, state = of_words(), None
    for _ in range(100):
        _, state = by_hand(elmo, ["."], state)
    # It is settled when its 48 numbers move by less than 1e-6 in the mean, so none by more than 5e-5.
    for direction, expected in zip(elmo.warm_state(), state, strict=True):
        np.testing.assert_allclose(direction, expected, rtol=0, atol=1e-4)
    for sentence, found in zip(SENTENCES[:5], elmo.embed(SENTENCES[:5], "warm"), strict=True):
        close(found, by_hand(elmo, sentence, elmo.warm_state())[0])


def test_a_state_of_another_model_is_refused():
    whole = of_words()
    others = alone(whole, "forward"), of_words(layers=1), of_words(hidden_dim=7), of_words(cell="gru")
    states = [*(other.warm_state() for other in others), whole.model.zero_state(2), ()]
    for state in states:
        with pytest.raises(UserError, match="the state is not one row of a state of this model: expected what its"):
            whole.vectors(CORPUS[:1], state=state)
    np.testing.assert_array_equal(whole.vectors(CORPUS[:1], state=whole.warm_state())[0],
                                  whole.vectors(CORPUS[:1], state="warm")[0])


def test_a_vocabulary_without_a_full_stop_has_a_warm_state_too():
    vocabulary = Vocabulary.build([["a", "b"]])
    elmo = new_elmo(settings(), vocabulary)
    found = elmo.embed([["a", "b"]], "warm")[0]
    assert np.isfinite(found).all()
    assert np.abs(found - elmo.embed([["a", "b"]])[0]).max() > 1e-4


@pytest.mark.parametrize("state", ["cold", "", None, "Reset"])
def test_another_state_is_refused(elmo, state):
    with pytest.raises(UserError, match=re.escape(f"state {state!r}: expected one of reset, carry, warm")):
        elmo.embed(SENTENCES[:1], state)


# Similar occurrences


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_similar_occurrences_are_those_of_a_brute_force_search():
    elmo = of_words()
    query = ["the", "bank", "of", "the", "river", "."]
    v = elmo.vector("bank", query)
    everything = [(cosine(v, elmo.vector(word, sentence, 1 + sentence[:t].count(word))), sentence, t)
                  for sentence in SENTENCES[:30] for t, word in enumerate(sentence)]
    everything.sort(key=lambda found: -found[0])
    assert elmo.index(SENTENCES[:30]) == len(everything)
    found = elmo.similar("bank", query, top=12)
    assert [(n.sentence, n.position) for n in found] == [(sentence, t) for _, sentence, t in everything[:12]]
    np.testing.assert_allclose([n.similarity for n in found], [s for s, _, _ in everything[:12]], atol=1e-6)
    assert all(n.word == n.sentence[n.position] for n in found)
    assert all(-1 - 1e-6 <= n.similarity <= 1 + 1e-6 for n in found)


def test_similarities_fall_and_top_limits_them():
    elmo = of_words()
    count = elmo.index(SENTENCES)
    for top in 1, 5, 100:
        found = elmo.similar("bank", "the bank .", top)
        assert len(found) == top
        assert [n.similarity for n in found] == sorted((n.similarity for n in found), reverse=True)
    assert len(elmo.similar("bank", "the bank .", count + 10)) == count


def test_the_sentence_itself_is_left_out_and_nothing_else():
    elmo, query = of_words(), ["the", "bank", "."]
    count = elmo.index([*SENTENCES[:10], query, query])
    found = elmo.similar("bank", "the bank .", top=count)
    assert len(found) == count - 6
    assert all(n.sentence != query for n in found)
    nearly = ["the", "bank", "?"]
    elmo.index([nearly])
    assert [n.position for n in elmo.similar("bank", query)] != []


def test_an_index_of_some_words_holds_their_occurrences_alone():
    elmo = of_words()
    words = {"the", "."}
    expected = sum(word in words for sentence in SENTENCES for word in sentence)
    assert elmo.index(SENTENCES, words) == expected
    assert {n.word for n in elmo.similar("bank", "the bank .", 10**6)} == words
    everything = {(tuple(n.sentence), n.position): n.similarity for n in elmo.similar("bank", "the bank .", 10**6)}
    elmo.index(SENTENCES)
    whole = {(tuple(n.sentence), n.position): n.similarity for n in elmo.similar("bank", "the bank .", 10**6)}
    for place, similarity in everything.items():
        assert whole[place] == pytest.approx(similarity, abs=1e-6)


def test_an_index_replaces_the_one_before_and_may_be_empty():
    elmo = of_words()
    elmo.index(SENTENCES)
    assert elmo.index([["the", "river"]]) == 2
    assert {tuple(n.sentence) for n in elmo.similar("bank", "the bank .")} == {("the", "river")}
    assert elmo.index(SENTENCES, ["xyzzy"]) == elmo.index([]) == 0
    assert elmo.similar("bank", "the bank .") == []


def test_a_corpus_that_can_be_read_only_once_is_indexed_right_or_refused():
    elmo, other = of_words(), of_words()
    other.index(SENTENCES)
    try:
        elmo.index(iter(SENTENCES))
    except (UserError, TypeError) as error:
        assert "once" in str(error) or "again" in str(error)    # noqa: PT017
        return
    one, two = (e.similar("bank", "the bank .", 50) for e in (elmo, other))
    assert [(n.sentence, n.position) for n in one] == [(n.sentence, n.position) for n in two]


def test_without_an_index_or_with_a_top_below_one_similar_is_refused():
    elmo = of_words()
    with pytest.raises(UserError, match=r"^no corpus is indexed: call index\(sentences\) first$"):
        elmo.similar("bank", "the bank .")
    elmo.index(SENTENCES[:5])
    for top in 0, -1:
        with pytest.raises(UserError, match=f"^top = {top}: expected a whole number of at least 1$"):
            elmo.similar("bank", "the bank .", top)
    with pytest.raises(UserError, match="say which"):
        elmo.similar("bank", "the bank and the bank .")
    assert len(elmo.similar("bank", "the bank and the bank .", 3, occurrence=2)) == 3
    with pytest.raises(UserError, match="has no word"):
        elmo.similar("river", "the bank .")


# Files


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run(folder, "epochs=1", corpus=SENTENCES[:40])
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A copy that a test may damage."""
    for name, data in contents(trained).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_folder_and_its_model_file_load_the_same_model(folder):
    one, two = ELMo.load(folder), ELMo.load(str(folder / "model.safetensors"))
    all_close(one.embed(SENTENCES[:5]), two.embed(SENTENCES[:5]))
    assert one.vocabulary == two.vocabulary
    assert one.vocabulary.counts == two.vocabulary.counts
    last = ELMo.load(folder / "last.safetensors")
    assert last.vocabulary == one.vocabulary


@pytest.mark.parametrize("norm", [False, True])
def test_a_model_comes_back_with_its_word_vector_and_mix(tmp_path, norm):
    elmo = of_words(vector_dim=5, projection_dim=4)
    elmo.mix.layer_norm = norm
    save_model(tmp_path / "model.safetensors", elmo, settings(vector_dim=5, projection_dim=4))
    VOCABULARY.save(tmp_path / "vocabulary.txt")
    again = ELMo.load(tmp_path)
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(parameters(again)[name].value, p.value)
    np.testing.assert_array_equal(again.vector("bank", "the bank ."), elmo.vector("bank", "the bank ."))
    assert again.mix.layer_norm == norm
    for layer in "all", "mix":
        for one, other in zip(again.stream(SENTENCES[:5], layer), elmo.stream(SENTENCES[:5], layer), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_vocabulary_of_another_size_than_the_model_is_refused(elmo):
    with pytest.raises(UserError, match=r"^the vocabulary has 5 words, the model \d+: expected equal numbers$"):
        ELMo(elmo.model, Vocabulary.build([["a", "b"]]))


def fails(path, message):
    with pytest.raises(UserError, match=message) as caught:
        ELMo.load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_or_empty_folder_is_refused(tmp_path):
    fails(tmp_path / "none", r"^cannot read .*none: No such file or directory; expected an elmo_np model file")
    fails(tmp_path, r"has no model\.safetensors: expected a folder that `elmo-np train` wrote$")


def test_a_folder_whose_first_epoch_is_not_finished_says_how_to_go_on(folder):
    (folder / "model.safetensors").unlink()
    fails(folder, r"has no model\.safetensors: its first epoch is not finished: continue its training \(--resume")


def test_a_foreign_file_is_refused(folder):
    import safetensors.numpy
    model = folder / "model.safetensors"
    model.write_text("a text\n")
    fails(folder, r"model\.safetensors is a text file: expected a folder")
    safetensors.numpy.save_file({"x": np.zeros(3, np.float32)}, model)
    fails(folder, "is not an elmo_np model file")
    checkpoint.save(model, {"x": np.zeros(3, np.float32)}, {})
    fails(folder, "does not hold an elmo_np model: expected a file that `elmo-np train` wrote")


@pytest.mark.parametrize("where", [0, 9, 0.25, 0.5, 0.75, -1])
def test_a_flipped_bit_anywhere_is_noticed(folder, where):
    model = folder / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[int(where * len(data)) if 0 < where < 1 else int(where)] ^= 1
    model.write_bytes(data)
    fails(folder, r"model\.safetensors is (damaged|not an elmo_np model file)")


def test_a_shortened_or_lengthened_file_is_noticed(folder):
    model = folder / "model.safetensors"
    data = model.read_bytes()
    for other in data[:-1], data + b"\0", data[:100], b"":
        model.write_bytes(other)
        fails(folder, "is damaged")


def test_another_vocabulary_is_noticed_and_a_missing_one(folder):
    words = folder / "vocabulary.txt"
    text = words.read_text(encoding="utf-8")
    lines = text.splitlines()
    words.write_text("\n".join([*lines[:-2], lines[-1], lines[-2]]) + "\n", encoding="utf-8")
    fails(folder, r"vocabulary\.txt is not the vocabulary that model\.safetensors was trained with")
    words.write_text(text + "more\n", encoding="utf-8")
    fails(folder, "is not the vocabulary that")
    words.unlink()
    fails(folder, r"cannot read the vocabulary .*vocabulary\.txt")


@pytest.mark.parametrize(("change", "message"), [
    ("missing", "found nothing for model.forward_lm.layers.0.Wh, expected float32"),
    ("shape", "found float32(3, 32) for model.forward_lm.layers.0.Wh, expected float32(8, 32)"),
    ("dtype", "found float64(8, 32) for model.forward_lm.layers.0.Wh, expected float32(8, 32)"),
])
def test_an_array_that_is_missing_or_of_another_shape_or_dtype_is_named(folder, change, message):
    name, model = "model.forward_lm.layers.0.Wh", folder / "model.safetensors"
    tensors, metadata = checkpoint.load(model)
    if change == "missing":
        del tensors[name]
    else:
        tensors[name] = tensors[name][:3] if change == "shape" else tensors[name].astype(np.float64)
    checkpoint.save(model, tensors, metadata)
    fails(folder, re.escape(message))


@pytest.mark.parametrize(("text", "message"), [
    ("{", "not JSON"), ("[]", "expected"),
    ('{"hidden_dim": -1}', "hidden_dim = -1: expected a whole number of at least 1"),
    ('{"hiden_dim": 8}', "unknown setting 'model.hiden_dim': the nearest is 'model.hidden_dim'"),
])
def test_settings_in_a_file_that_make_no_sense_are_one_clear_line(folder, text, message):
    model = folder / "model.safetensors"
    tensors, metadata = checkpoint.load(model)
    checkpoint.save(model, tensors, {**metadata, "model": text})
    fails(folder, re.escape(message))


def test_counts_in_a_file_that_are_not_one_a_word_are_one_clear_line(folder):
    model = folder / "model.safetensors"
    tensors, metadata = checkpoint.load(model)
    tensors["vocabulary.counts"] = tensors["vocabulary.counts"][:-1]
    checkpoint.save(model, tensors, metadata)
    fails(folder, "counts")


@pytest.mark.skipif(bool(backend.why_not()), reason="NumPy's BLAS rounds by the shape of a product")
@pytest.mark.parametrize("sizes", [{"hidden_dim": 64, "layers": 2},
                                   {"hidden_dim": 48, "layers": 3, "projection_dim": 20},
                                   {"hidden_dim": 48, "char_filters": [[1, 9], [3, 70]], "char_highways": 1}])
def test_with_the_kernels_a_sentence_has_the_same_vectors_in_any_batch_bit_for_bit(sizes):
    elmo = new_elmo(settings(init_scale=0.5, **sizes), VOCABULARY)
    sentences = [list(sentence) for sentence in SENTENCES] * 30
    together = elmo.vectors(sentences)
    for k in (0, 7, len(sentences) - 1):
        np.testing.assert_array_equal(elmo.vectors([sentences[k]])[0], together[k])


def test_a_file_that_claims_a_large_model_is_refused_before_memory_is_taken(tmp_path):
    run(tmp_path)
    tensors, metadata = checkpoint.load(tmp_path / "model.safetensors")
    metadata["model"] = metadata["model"].replace('"hidden_dim":8', '"hidden_dim":200000')
    assert "200000" in metadata["model"]
    checkpoint.save(tmp_path / "model.safetensors", tensors, metadata)
    with pytest.raises(UserError, match=r"found float32\(.*expected float32\(.*00000"):
        ELMo.load(tmp_path)


def test_what_is_learnt_after_loading_stays_out_of_the_file(folder):
    before = (folder / "model.safetensors").read_bytes()
    elmo = ELMo.load(folder)
    for p in parameters(elmo).values():
        p.value += 1
    assert (folder / "model.safetensors").read_bytes() == before
    again = parameters(ELMo.load(folder))
    assert all((p.value != again[name].value).all() for name, p in parameters(elmo).items())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not replace a file that is mapped")
def test_a_loaded_model_computes_with_a_map_of_its_file(folder):
    def source(array):
        while isinstance(array, np.ndarray):
            array = array.base
        return getattr(array, "obj", array)     # of a memoryview
    assert all(isinstance(source(p.value), mmap.mmap) for p in parameters(ELMo.load(folder)).values())


# save and repr


@pytest.mark.parametrize("make", [of_words, of_characters])
def test_a_model_that_was_saved_from_python_is_a_run(make, tmp_path):
    elmo = make()
    elmo.tokenize, elmo.mix.layer_norm = False, True
    elmo.word_vector.b.value[...] = np.arange(elmo.word_vector.b.value.size)
    elmo.save(tmp_path / "a/run")
    assert sorted(contents(tmp_path / "a/run")) == ["config.toml", "model.safetensors", "vocabulary.txt"]
    loaded = ELMo.load(tmp_path / "a/run")
    assert loaded.vocabulary == elmo.vocabulary
    assert (loaded.tokenize, loaded.mix.layer_norm) == (False, True)
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(parameters(loaded)[name].value, p.value)
    before = contents(tmp_path / "a/run")
    with pytest.raises(UserError, match=r"run already holds a run: give another directory, or remove it$"):
        elmo.save(tmp_path / "a/run")
    assert contents(tmp_path / "a/run") == before


def test_a_model_in_double_precision_is_saved_as_it_is_read(tmp_path):
    config = of_words().model.config
    elmo = ELMo(BiLM(config, len(VOCABULARY), rng=np.random.default_rng(0), dtype=np.float64), VOCABULARY)
    elmo.save(tmp_path / "run")
    loaded = parameters(ELMo.load(tmp_path / "run"))
    for name, p in parameters(elmo).items():
        assert p.value.dtype == np.float64
        np.testing.assert_array_equal(loaded[name].value, p.value.astype(np.float32))


def test_a_model_shows_its_sizes():
    sizes = "per direction 2 LSTM layers with 6 cells; vectors of 12 values"
    assert repr(of_words()) == f"<ELMo of {len(VOCABULARY):,} words: {sizes}>"
    assert repr(of_words(layers=1)).endswith("per direction 1 LSTM layer with 6 cells; vectors of 12 values>")
    assert repr(of_words(cell="gru")).endswith("per direction 2 GRU layers with 6 cells; vectors of 12 values>")
    assert repr(of_characters()).startswith("<ELMo of any word, by its characters: per direction 2 LSTM layers with 8 ")


def test_a_layer_of_thousands_of_digits_is_an_unknown_layer():
    assert (layer_of("2"), layer_of("top"), layer_of("1" * 5000)) == (2, "top", "1" * 5000)
    with pytest.raises(UserError, match=r"^layer '1{59}: expected 'all', 'top', 'average', 'sum', 'mix' or a number"):
        of_words().check("1" * 5000)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_full_of_nan_is_refused(tmp_path, value):
    elmo = of_words()
    for p in parameters(elmo).values():
        p.value[...] = value
    elmo.save(tmp_path / "run")
    with pytest.raises(UserError, match="holds NaN or infinity, expected finite values: its training diverged"):
        ELMo.load(tmp_path / "run")


def test_vectors_are_picked_from_the_parts_of_a_sentence_in_any_order(rng):
    whole = rng.normal(size=(3, 20, 4))
    parts = [whole[:, :7], whole[:, 7:8], whole[:, 8:]]
    for positions in [19, 0, 7, 6, 8, 0], [3], []:
        np.testing.assert_array_equal(picked(iter(parts), positions), whole[:, positions])


def test_a_long_document_is_indexed_in_parts(monkeypatch):
    elmo = of_words()
    word, other = elmo.vocabulary.words[3:5]
    document = [word, *[other] * 30_000, word]
    elmo.index([document], [word])
    whole = elmo.similar(word, [word, other], 2)
    monkeypatch.setattr(encoder, "WINDOW", 1 << 15)
    taken = peak(lambda: elmo.index([document], [word]))
    assert taken < 2.5 * 30_000 * 8 + 2e6       # ids and pointers of the words, and one part; all vectors are more
    assert taken < 30_000 * 2 * 4 * elmo.width()
    assert [near.position for near in elmo.similar(word, [word, other], 2)] == [near.position for near in whole]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("make", [of_words, of_characters])
@pytest.mark.parametrize("state", ["reset", "carry", "warm"])
def test_the_vectors_of_one_direction_are_half_of_those_of_both(direction, make, state):
    whole = make()
    one = alone(whole, direction)
    P = whole.model.config.output_dim
    mine = slice(P) if direction == "forward" else slice(P, None)
    for _ in range(2):                                  # the second call goes on from the first with "carry"
        all_close(one.embed(SENTENCES[:9], state), [v[..., mine] for v in whole.embed(SENTENCES[:9], state)])
    assert (one.width(), one.width(0), whole.width()) == (P, whole.model.config.embedding_dim, 2 * P)
    assert one.word_vector.W.value.shape == (P, P)
    assert f"{direction} only, 2 LSTM layers with 8 cells; vectors of" in repr(alone(of_characters(), direction))
    assert one.vector("bank", "the bank closed").shape == (P,)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_model_of_one_direction_comes_back_from_its_file(direction, tmp_path):
    one = alone(of_words(), direction)
    one.save(tmp_path / "run")
    again = ELMo.load(tmp_path / "run")
    assert again.model.config == one.model.config
    assert set(parameters(again)) == set(parameters(one))
    for found, expected in zip(again.embed(SENTENCES[:5]), one.embed(SENTENCES[:5]), strict=True):
        np.testing.assert_array_equal(found, expected)
