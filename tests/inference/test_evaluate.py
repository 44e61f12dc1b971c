"""Perplexities: every token is counted once, whatever the batches are."""

import math
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from elmo_np import BiLM, BiLMConfig, Vocabulary, evaluate
from elmo_np.config.directions import DIRECTIONS
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import Evaluation, perplexity, score, unigram_perplexity
from elmo_np.inference.sampling import Reader
from tests import prediction_helpers as predicted
from tests.embedding_helpers import alone
from tests.memory_helpers import peak

module = sys.modules["elmo_np.inference.evaluate"]        # as an attribute of the package, the name is the function's
CORPUS = [list(sentence.tokens) for sentence in GrammarCorpus(seed=0, sentences=90).labelled()]
KNOWN, UNSEEN = CORPUS[:60], CORPUS[60:]
VOCABULARY = Vocabulary.build(KNOWN)


def bilm(dtype=np.float32, **changes):
    """Weights as large as these make predictions that depend on the whole context."""
    config = BiLMConfig(**{"embedding_dim": 6, "hidden_dim": 8, "init_scale": 0.7, **changes})
    return BiLM(config, len(VOCABULARY), rng=np.random.default_rng(5), dtype=dtype)


def log_p(lm, ids, state=None):
    """log p of every word of `ids` after the first, from the equations, a word at a time; and the state after."""
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))
    state = state or [(np.zeros(layer.Wh.value.shape[0]), np.zeros(layer.b.value.size // 4)) for layer in lm.layers]
    found = []
    for word, target in pairwise(ids):
        x, after = lm.embedding.E.value[word].astype(np.float64), []
        for layer, (h, c) in zip(lm.layers, state, strict=True):
            i, f, o, g = np.split(x @ layer.Wx.value + h @ layer.Wh.value + layer.b.value, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(c)
            if layer.Wp is not None:
                x = x @ layer.Wp.value
            after.append((x, c))
        state = after
        z = lm.softmax.W.value @ x + lm.softmax.b.value
        found.append(z[target] - np.log(np.exp(z).sum()))
    return found, state


def naive(model, corpus, state):
    """(forward, backward) log p of every sentence, one after another."""
    scores, before, after = [], None, None
    for sentence in corpus:
        ids = VOCABULARY.encode(sentence)
        if state == "reset":
            before = after = None
        forward, before = log_p(model.forward_lm, ids, before)
        backward, after = log_p(model.backward_lm, ids[::-1], after)
        scores.append((sum(forward), sum(backward)))
    return scores


# float32 against float64: losses of thousands of steps of rounding error 6e-8, which cancel in the sum
ROUNDING = 1e-5


@pytest.mark.parametrize("state", ["carry", "reset"])
@pytest.mark.parametrize("changes", [{}, {"layers": 2, "projection_dim": 5}, {"share_softmax": True, "dropout": 0.5}])
def test_it_is_the_naive_sum_over_one_sentence_at_a_time(state, changes, each_backend):
    model, scores = bilm(**changes), []
    found = evaluate(model, VOCABULARY, UNSEEN, state=state, each=scores.append)
    expected = naive(model, UNSEEN, state)
    assert found.forward_nats == pytest.approx(-sum(f for f, _ in expected), rel=ROUNDING)
    assert found.backward_nats == pytest.approx(-sum(b for _, b in expected), rel=ROUNDING)
    np.testing.assert_allclose([(s.forward, s.backward) for s in scores], expected, rtol=ROUNDING)


def test_the_state_that_is_carried_matters():
    model = bilm()
    carry, reset = (evaluate(model, VOCABULARY, UNSEEN, state=state) for state in ("carry", "reset"))
    assert abs(carry.forward / reset.forward - 1) > 1e-3
    assert abs(carry.backward / reset.backward - 1) > 1e-3


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_the_figures_are_the_same_at_every_batch_size(state, each_backend):
    model = bilm(layers=2)
    one, *others = (evaluate(model, VOCABULARY, CORPUS, state=state, batch_size=B) for B in (1, 2, 4, 8, 32, 1000))
    for other in others:
        assert other.forward == pytest.approx(one.forward, rel=1e-6)
        assert other.backward == pytest.approx(one.backward, rel=1e-6)
        assert other[2:] == one[2:]


@pytest.mark.parametrize("chunk", [1, 2, 7, 127, 5000])
def test_the_length_of_a_chunk_of_the_one_stream_shows_nowhere(chunk, monkeypatch):
    model, scores, expected = bilm(layers=2), [], []
    before = evaluate(model, VOCABULARY, UNSEEN, each=expected.append)
    monkeypatch.setattr(module, "CHUNK", chunk)
    after = evaluate(model, VOCABULARY, UNSEEN, each=scores.append)
    assert after.forward == pytest.approx(before.forward, rel=1e-6)
    assert after.backward == pytest.approx(before.backward, rel=1e-6)
    assert after[2:] == before[2:]
    # a sentence's own sum has fewer terms for the rounding to cancel in
    np.testing.assert_allclose([(s.forward, s.backward) for s in scores],
                               [(s.forward, s.backward) for s in expected], rtol=ROUNDING)


@pytest.mark.parametrize("most", [1, 7, 100])
def test_sentences_that_are_read_in_parts_have_the_figures_of_whole_ones(most, monkeypatch, each_backend):
    model, scores, expected = bilm(layers=2), [], []
    before = evaluate(model, VOCABULARY, UNSEEN, state="reset", each=expected.append)
    monkeypatch.setattr(module, "most_steps", lambda batch_size: most)
    after = evaluate(model, VOCABULARY, UNSEEN, state="reset", each=scores.append)
    assert after == pytest.approx(before, rel=1e-6)
    for one, other in zip(scores, expected, strict=True):
        np.testing.assert_allclose(one.forward_tokens, other.forward_tokens, rtol=ROUNDING)
        np.testing.assert_allclose(one.backward_tokens, other.backward_tokens, rtol=ROUNDING)


def test_a_very_long_sentence_is_not_paid_for_by_every_column():
    corpus = [*KNOWN[:31], [word for sentence in KNOWN for word in sentence][:500] * 40]
    assert peak(lambda: evaluate(bilm(), VOCABULARY, corpus, state="reset")) < 16e6     # 32 columns: 190 MB


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_every_token_and_an_end_mark_a_sentence_are_counted(state):
    found = evaluate(bilm(), VOCABULARY, UNSEEN, state=state)
    assert found.sentences == len(UNSEEN)
    assert found.targets == sum(map(len, UNSEEN)) + len(UNSEEN)


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_unknown_words_are_counted_and_predicted_as_the_unknown_word(state):
    model = bilm()
    found = evaluate(model, VOCABULARY, [["the", "xyzzy", "plugh"], ["the", "the"], ["xyzzy"]], state=state)
    assert (found.unknown, found.targets) == (3, 9)
    same = evaluate(model, VOCABULARY, [["the", "<UNK>", "never-seen"], ["the", "the"], ["?!?"]], state=state)
    assert same == found
    assert evaluate(model, VOCABULARY, KNOWN, state=state).unknown == 0


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_the_scores_of_sentences_add_up_and_come_in_the_corpus_order(state):
    model, scores = bilm(), []
    found = evaluate(model, VOCABULARY, CORPUS, state=state, batch_size=4, each=scores.append)
    assert -math.fsum(s.forward for s in scores) == found.forward_nats
    assert -math.fsum(s.backward for s in scores) == found.backward_nats
    assert [s.targets for s in scores] == [len(sentence) + 1 for sentence in CORPUS]
    if state == "reset":
        for sentence, score in list(zip(CORPUS, scores, strict=True))[::7]:
            alone = evaluate(model, VOCABULARY, [sentence], state=state)
            assert alone.forward_nats == pytest.approx(-score.forward, rel=1e-5)
            assert alone.backward_nats == pytest.approx(-score.backward, rel=1e-5)


def test_sentences_of_one_word_and_very_long_ones_are_scored_too():
    corpus = [["the"], ["the", "bank"] * 400, ["bank"]]
    expected = naive(bilm(), corpus, "carry")
    found = evaluate(bilm(), VOCABULARY, corpus)
    assert found.targets == 2 + 801 + 2
    assert found.forward_nats == pytest.approx(-sum(f for f, _ in expected), rel=ROUNDING)


def test_with_state_reset_the_order_of_the_sentences_does_not_matter():
    model = bilm()
    one, two = (evaluate(model, VOCABULARY, corpus, state="reset") for corpus in (CORPUS, CORPUS[::-1]))
    assert one.forward == pytest.approx(two.forward, rel=1e-6)
    assert one.backward == pytest.approx(two.backward, rel=1e-6)


def test_dropout_acts_in_training_alone():
    for config in {"dropout": 0.0}, {"dropout": 0.9}:
        found = evaluate(bilm(**config), VOCABULARY, UNSEEN)
        assert found == evaluate(bilm(), VOCABULARY, UNSEEN)


def test_a_model_that_knows_nothing_has_the_size_of_the_vocabulary_as_its_perplexity():
    model = bilm()
    for lm in model.forward_lm, model.backward_lm:
        lm.softmax.W.value[...] = lm.softmax.b.value[...] = 0
    found = evaluate(model, VOCABULARY, UNSEEN)
    for value in (found.forward, found.backward, found.arithmetic_mean, found.geometric_mean):
        assert value == pytest.approx(len(VOCABULARY), rel=1e-6)


def test_the_four_perplexities_follow_from_the_sums():
    found = Evaluation(forward_nats=8.0, backward_nats=12.0, targets=4, sentences=2, unknown=0)
    assert found.forward == pytest.approx(math.e ** 2)
    assert found.backward == pytest.approx(math.e ** 3)
    assert found.arithmetic_mean == pytest.approx((math.e ** 2 + math.e ** 3) / 2)
    assert found.geometric_mean == pytest.approx(math.e ** 2.5)
    assert found.geometric_mean == pytest.approx(math.sqrt(found.forward * found.backward))


def test_a_perplexity_beyond_every_float_is_infinite():
    assert perplexity(1e6, 10) == math.inf
    assert perplexity(6990, 10) == pytest.approx(math.exp(699))


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_evaluating_changes_neither_the_model_nor_the_corpus(state):
    from elmo_np.nn.parameter import parameters
    model, corpus = bilm(), [list(sentence) for sentence in UNSEEN]
    before = {name: p.value.copy() for name, p in parameters(model).items()}
    assert evaluate(model, VOCABULARY, corpus, state=state) == evaluate(model, VOCABULARY, corpus, state=state)
    assert corpus == UNSEEN
    for name, p in parameters(model).items():
        np.testing.assert_array_equal(p.value, before[name])
        assert not p.grad.any()


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_a_corpus_that_can_be_read_only_once_is_evaluated_right_or_refused(state):
    expected = evaluate(bilm(), VOCABULARY, CORPUS, state=state)
    try:
        found = evaluate(bilm(), VOCABULARY, iter(CORPUS), state=state)
    except (UserError, TypeError) as error:
        found = expected if "once" in str(error) or "again" in str(error) else error
    assert found == expected


@pytest.mark.parametrize(("options", "message"), [
    ({"state": "warm"}, r"^state 'warm': expected 'carry' or 'reset'$"), ({"state": ""}, "^state '': expected"),
    ({"batch_size": 0}, "^batch_size = 0: expected a whole number of at least 1$"),
    ({"batch_size": -3, "state": "reset"}, "^batch_size = -3: expected"),
])
def test_other_options_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        evaluate(bilm(), VOCABULARY, UNSEEN, **options)


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_a_corpus_without_a_sentence_or_of_strings_is_refused(state):
    with pytest.raises(UserError, match="has no sentence: expected at least one"):
        evaluate(bilm(), VOCABULARY, [], state=state)
    with pytest.raises(UserError, match="string"):
        evaluate(bilm(), VOCABULARY, ["the bank"], state=state)


# The unigram model


def test_the_unigram_perplexity_is_that_of_a_hand_computation():
    # 3 sentences: </S> 3 times, a 3 times, b once; <UNK> and <S> never: N = 7, V = 5
    vocabulary = Vocabulary.build([["a", "b"], ["a"], ["a"]])
    p = {"a": 4 / 12, "b": 2 / 12, "</S>": 4 / 12, "<UNK>": 1 / 12}
    corpus = [["a", "b", "b"], ["c"]]
    log = sum(math.log(p[word]) for word in ("a", "b", "b", "</S>", "<UNK>", "</S>"))
    assert unigram_perplexity(vocabulary, corpus) == pytest.approx(math.exp(-log / 6), rel=1e-12)


def test_the_unigram_probabilities_of_all_possible_targets_sum_to_about_one():
    counts = Counter(word for sentence in KNOWN for word in sentence)
    V = len(VOCABULARY)
    # A sentence of one word has two targets, that word and </S>: p(word) = 1 / (perplexity^2 p(</S>)).
    N = sum(counts.values()) + len(KNOWN)
    p_end = (len(KNOWN) + 1) / (N + V)
    total = p_end + sum(1 / (unigram_perplexity(VOCABULARY, [[word]]) ** 2 * p_end)
                        for word in [*VOCABULARY.words[3:], "an unknown one"])
    assert total == pytest.approx(1 - 1 / (N + V), rel=1e-9)        # <S>, which is no target, has the rest


def test_the_unigram_model_needs_counts_and_a_sentence():
    with pytest.raises(UserError, match="the vocabulary has no counts"):
        unigram_perplexity(Vocabulary(VOCABULARY.words), UNSEEN)
    with pytest.raises(UserError, match="has no sentence"):
        unigram_perplexity(VOCABULARY, [])


# Scores of sentences


@pytest.mark.parametrize("state", ["reset", "carry"])
@pytest.mark.parametrize("kind", predicted.KINDS)
def test_scores_are_those_that_evaluate_adds_up(kind, state, each_backend):
    elmo, scores = predicted.some(**predicted.KINDS[kind]), []
    total = evaluate(elmo.model, predicted.VOCABULARY, predicted.CORPUS, state=state, each=scores.append)
    found = score(elmo, predicted.CORPUS, state)
    for one, other in zip(found, scores, strict=True):
        assert (one.forward, one.backward, one.targets) == (other.forward, other.backward, other.targets)
    assert -math.fsum(one.forward for one in found) == total.forward_nats
    assert -math.fsum(one.backward for one in found) == total.backward_nats


@pytest.mark.parametrize("kind", predicted.KINDS)
def test_each_token_has_its_own_log_p_in_both_directions_at_its_place(kind, each_backend):
    elmo = predicted.some(**predicted.KINDS[kind])
    begin, end = predicted.VOCABULARY.bos, predicted.VOCABULARY.eos
    for sentence, found in zip(predicted.CORPUS[:10], score(elmo, predicted.CORPUS[:10]), strict=True):
        f, b = predicted.predictions(elmo, sentence)
        places, ids = np.arange(len(sentence)), predicted.VOCABULARY.ids(sentence)
        predicted.close(found.forward_tokens[:-1], f[places, ids])
        predicted.close(found.backward_tokens[1:], b[places, ids])
        predicted.close(found.forward_tokens[-1], Reader(elmo, "forward").begin(sentence).log_p[0, end])
        predicted.close(found.backward_tokens[0], Reader(elmo, "backward").begin(sentence).log_p[0, begin])
        assert found.targets == len(found.forward_tokens) == len(found.backward_tokens) == len(sentence) + 1


@pytest.mark.parametrize("state", ["reset", "carry"])
def test_a_stream_has_the_tokens_of_its_sentences_in_their_order(state):
    words = predicted.some()
    found = score(words, predicted.CORPUS, state)
    first = score(words, predicted.CORPUS[:1], state)[0]
    predicted.close(found[0].forward_tokens, first.forward_tokens)
    predicted.close(found[0].backward_tokens, first.backward_tokens)
    second = score(words, predicted.CORPUS[1:2])[0]
    same = np.allclose(found[1].forward_tokens, second.forward_tokens, rtol=0, atol=predicted.ROUNDING)
    assert same == (state == "reset")


def test_texts_are_split_as_the_corpus_was():
    words = predicted.some()
    words.tokenize = True
    one, two = score(words, ["the bank closed.", ["the", "bank", "closed", "."]])
    np.testing.assert_array_equal(one.forward_tokens, two.forward_tokens)


def test_a_string_is_no_list_of_sentences():
    words = predicted.some()
    with pytest.raises(UserError, match="the sentences are 'the bank', of type str, expected a list"):
        score(words, "the bank")


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("state", ["carry", "reset"])
@pytest.mark.parametrize("kind", ["words", "characters, adaptive"])
def test_one_direction_is_scored_as_beside_the_other(direction, state, kind):
    whole = predicted.some(**predicted.KINDS[kind])
    one = alone(whole, direction)
    texts = [sentence[:k % 9 + 1] for k, sentence in enumerate(CORPUS[:21])]
    other, = {*DIRECTIONS} - {direction}
    for found, expected in zip(score(one, texts, state, entropy=True), score(whole, texts, state, entropy=True),
                               strict=True):
        predicted.close(getattr(found, f"{direction}_tokens"), getattr(expected, f"{direction}_tokens"))
        assert (getattr(found, f"{other}_tokens"), getattr(found, other)) == (None, None)
        assert found.targets == expected.targets
        assert (found.entropies is None) == (direction == "backward")
    found, expected = (evaluate(e.model, e.vocabulary, texts, state=state) for e in (one, whole))
    assert getattr(found, direction) == pytest.approx(getattr(expected, direction), rel=1e-5)
    assert (getattr(found, f"{other}_nats"), getattr(found, other)) == (None, None)
    assert found.arithmetic_mean == pytest.approx(getattr(found, direction))
    assert found.geometric_mean == pytest.approx(getattr(found, direction))
    assert found.loss.total == pytest.approx(math.log(getattr(found, direction)))
