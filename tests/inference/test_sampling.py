"""Predictions: scores of every token, substitutes from both sides, and samples that are what the model expects."""

import math

import numpy as np
import pytest

from elmo_np import Vocabulary, evaluate
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.errors import UserError
from elmo_np.inference.elmo import ELMo
from elmo_np.inference.evaluate import score
from elmo_np.inference.sampling import Reader, distribution, draw, sample
from elmo_np.inference.substitutes import substitutes
from elmo_np.nn.adaptive_softmax import AdaptiveSoftmax
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.language_model import LanguageModel
from elmo_np.training.trainer import new_elmo

CORPUS = [list(sentence.tokens) for sentence in GrammarCorpus(seed=0, sentences=60).labelled()]
VOCABULARY = Vocabulary.build([*CORPUS, ["xyzzy", "the"]])
MARKS = {"<S>", "</S>", "<UNK>"}
LONG = max(CORPUS, key=len)
CHARACTERS = {"char_filters": ((1, 4), (3, 5)), "char_dim": 4, "max_characters": 16, "share_embedding": True}
KINDS = {"words": {}, "tied": {"tie": True}, "sampled": {"softmax": "sampled", "samples": 20},
         "adaptive": {"softmax": "adaptive", "cutoffs": (40, 90)}, "characters": CHARACTERS,
         "characters, adaptive": {**CHARACTERS, "share_embedding": False, "softmax": "adaptive", "cutoffs": (40, 90)}}
# float32 against a longer or shorter way to the same: log p of about 10 after some hundred roundings of 6e-8
ROUNDING = 1e-4


def some(vocabulary=VOCABULARY, **changes):
    """Weights as large as these make predictions that depend on the whole context."""
    sizes = {"embedding_dim": 6, "hidden_dim": 8, "projection_dim": 6, "layers": 2, "init_scale": 0.7}
    return new_elmo(replaced(Settings(), **{**sizes, **changes}), vocabulary)


@pytest.fixture(scope="module", params=KINDS)
def elmo(request):
    return some(**KINDS[request.param])


@pytest.fixture(scope="module")
def words():
    """A model of words."""
    return some()


def predictions(elmo, sentence):
    """log p (T, V) of every word at each place of a sentence: forward and backward; by way of the embedder's states."""
    from elmo_np.inference.token_indexer import token_indexer
    reader = token_indexer(elmo.model, elmo.vocabulary)
    numbers = np.array(reader.encode(sentence))[:, None]
    forward, backward, _ = elmo.model.encode_vectors(*reader.lookup(numbers), np.array([len(numbers)]))
    f = elmo.model.forward_lm.softmax.log_probabilities(forward[-1][:-2, 0])         # before each word
    b = elmo.model.backward_lm.softmax.log_probabilities(backward[-1][2:, 0])        # behind each word
    return f.astype(np.float64), b.astype(np.float64)


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


# The next word


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_probabilities_of_all_words_sum_to_one(elmo, direction, each_backend):
    found = Reader(elmo, direction).begin(LONG)
    assert found.log_p.shape == (1, len(VOCABULARY))
    close(np.exp(found.log_p.astype(np.float64)).sum(axis=1), [1], 1e-5)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_reading_on_from_the_state_is_reading_the_whole(elmo, direction, each_backend):
    reader = Reader(elmo, direction)
    whole = reader.begin(LONG)
    numbers = [reader.words.encode([word])[1] for word in (LONG if direction == "forward" else LONG[::-1])]
    after = reader.begin([])
    for number in numbers:
        after = reader.read(np.array([[number]]), after.state)
    close(after.log_p, whole.log_p)
    for one, other in zip(after.state, whole.state, strict=True):
        for part, expected in zip(one, other, strict=True):
            close(part, expected)


# Scores


@pytest.mark.parametrize("state", ["reset", "carry"])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_that_evaluate_adds_up(kind, state, each_backend):
    elmo, scores = some(**KINDS[kind]), []
    total = evaluate(elmo.model, VOCABULARY, CORPUS, state=state, each=scores.append)
    found = score(elmo, CORPUS, state)
    for one, other in zip(found, scores, strict=True):
        assert (one.forward, one.backward, one.targets) == (other.forward, other.backward, other.targets)
    assert -math.fsum(one.forward for one in found) == total.forward_nats
    assert -math.fsum(one.backward for one in found) == total.backward_nats


@pytest.mark.parametrize("kind", KINDS)
def test_each_token_has_its_own_log_p_in_both_directions_at_its_place(kind, each_backend):
    elmo = some(**KINDS[kind])
    for sentence, found in zip(CORPUS[:10], score(elmo, CORPUS[:10]), strict=True):
        f, b = predictions(elmo, sentence)
        places, ids = np.arange(len(sentence)), VOCABULARY.ids(sentence)
        close(found.forward_tokens[:-1], f[places, ids])
        close(found.backward_tokens[1:], b[places, ids])
        close(found.forward_tokens[-1], Reader(elmo, "forward").begin(sentence).log_p[0, VOCABULARY.eos])
        close(found.backward_tokens[0], Reader(elmo, "backward").begin(sentence).log_p[0, VOCABULARY.bos])
        assert found.targets == len(found.forward_tokens) == len(found.backward_tokens) == len(sentence) + 1


@pytest.mark.parametrize("state", ["reset", "carry"])
def test_a_stream_has_the_tokens_of_its_sentences_in_their_order(words, state):
    found = score(words, CORPUS, state)
    first = score(words, CORPUS[:1], state)[0]
    close(found[0].forward_tokens, first.forward_tokens)
    close(found[0].backward_tokens, first.backward_tokens)
    second = score(words, CORPUS[1:2])[0]
    same = np.allclose(found[1].forward_tokens, second.forward_tokens, rtol=0, atol=ROUNDING)
    assert same == (state == "reset")


def test_texts_are_split_as_the_corpus_was(words):
    words.tokenize = True
    one, two = score(words, ["the bank closed.", ["the", "bank", "closed", "."]])
    np.testing.assert_array_equal(one.forward_tokens, two.forward_tokens)


# Substitutes


@pytest.mark.parametrize("prior", [True, False])
@pytest.mark.parametrize("kind", ["words", "adaptive", "characters"])
def test_substitutes_are_those_of_the_sentence_with_each_word_put_there(kind, prior, each_backend):
    """Brute force: the sentence is scored once a word of the vocabulary, and the target's own log p is looked up."""
    elmo, t = some(**KINDS[kind]), 3
    N = sum(VOCABULARY.counts) - VOCABULARY.counts[VOCABULARY.bos] + len(VOCABULARY)
    candidates = [word for word in VOCABULARY.words if word not in MARKS]
    sentences, s = [[*LONG[:t], word, *LONG[t+1:]] for word in candidates], {}
    for word, found in zip(candidates, score(elmo, sentences), strict=True):
        s[word] = found.forward_tokens[t] + found.backward_tokens[t+1]
        if prior:
            s[word] -= math.log((VOCABULARY.count(VOCABULARY.id(word)) + 1) / N)
    total = sum(map(math.exp, s.values()))
    found = substitutes(elmo, LONG[t], LONG, len(VOCABULARY), prior=prior, occurrence=LONG[:t+1].count(LONG[t]))
    assert [one.rank for one in found] == list(range(1, len(candidates) + 1))
    assert {one.word for one in found} == set(candidates)
    close([math.log(one.probability) for one in found], [s[one.word] - math.log(total) for one in found], 10 * ROUNDING)
    assert sorted((one.probability for one in found), reverse=True) == [one.probability for one in found]
    assert sum(one.probability for one in found) == pytest.approx(1, abs=1e-12)
    assert [one.word for one in found if one.itself] == [LONG[t]]


def test_both_directions_are_those_of_the_embedders_states(elmo, each_backend):
    t = len(LONG) // 2
    f, b = predictions(elmo, LONG)
    for one in substitutes(elmo, LONG[t], LONG, 20, occurrence=LONG[:t+1].count(LONG[t])):
        w = VOCABULARY.id(one.word)
        close([one.forward, one.backward], [f[t, w], b[t, w]])


@pytest.mark.parametrize("far", [0, 1, -2, -1])
def test_a_substitute_depends_on_every_word_of_the_sentence_however_far(elmo, far):
    """A state that is not handed on from word to word makes each prediction from one word, that beside the place: so
    does the only other program that offers substitutes from ELMo (simple_elmo), whatever the sentence."""
    sentence = ["the", "old", "man", "saw", "?", "the", "bank", "of", "the", "river", "."]
    other = list(sentence)
    other[far] = "xyzzy" if sentence[far] != "xyzzy" else "the"
    one, two = ({s.word: s for s in substitutes(elmo, "?", text, len(VOCABULARY), occurrence=1)}
                for text in (sentence, other))

    def change(side):
        return max(abs(getattr(one[word], side) - getattr(two[word], side)) for word in one)
    near, away = ("forward", "backward") if far >= 0 else ("backward", "forward")
    assert change(near) > ROUNDING
    assert change(away) < ROUNDING / 10         # that side reads the same words as before


def test_the_word_itself_is_not_read_so_any_word_may_stand_in_the_place(elmo):
    expected = substitutes(elmo, "bank", "the bank of the river")
    for blank in "___", "never-seen", "<UNK>":
        found = substitutes(elmo, blank, f"the {blank} of the river")
        assert not any(one.itself for one in found)
        assert [one[:5] for one in found] == [one[:5] for one in expected[:10]]


def test_the_word_itself_comes_last_with_its_rank_where_it_is_not_among_the_best(words):
    ranked = substitutes(words, "bank", "the bank of the river", len(VOCABULARY))
    own, = (one for one in ranked if one.itself)
    assert own.rank > 2, "the point is of no use"
    assert substitutes(words, "bank", "the bank of the river", 2) == [*ranked[:2], own]
    assert substitutes(words, "bank", "the bank of the river", own.rank) == ranked[:own.rank]


def test_without_the_word_itself_the_others_share_all(words):
    ranked = substitutes(words, "bank", "the bank of the river", len(VOCABULARY))
    others = substitutes(words, "bank", "the bank of the river", len(VOCABULARY), itself=False)
    rest = [one for one in ranked if not one.itself]
    assert [one.word for one in others] == [one.word for one in rest]
    own = next(one.probability for one in ranked if one.itself)
    np.testing.assert_allclose([one.probability for one in others],
                               [one.probability / (1 - own) for one in rest], rtol=1e-12)


def test_the_place_may_be_the_first_the_last_or_the_only_one(elmo):
    for sentence, word in ("the bank closed", "the"), ("the bank closed", "closed"), ("bank", "bank"):
        assert len(substitutes(elmo, word, sentence, 3)) in (3, 4)
    alone = substitutes(elmo, "bank", ["bank"], len(VOCABULARY))
    f, b = Reader(elmo, "forward").begin([]).log_p[0], Reader(elmo, "backward").begin([]).log_p[0]
    ids = VOCABULARY.ids([one.word for one in alone])
    close([one.forward for one in alone], f[ids])
    close([one.backward for one in alone], b[ids])


# Distribution and draw


LOG_P = np.log(np.array([0.05, 0.3, 0.2, 0.3, 0.1, 0.05]))


@pytest.mark.parametrize("options", [{}, {"temperature": 0.3}, {"temperature": 7}, {"top_k": 3}, {"top_p": 0.7},
                                     {"temperature": 0.5, "top_k": 4, "top_p": 0.5}, {"temperature": 0}])
def test_what_is_drawn_from_sums_to_one(options):
    q = distribution(LOG_P.astype(np.float32), **options)
    assert q.dtype == np.float64
    assert q.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
def test_a_temperature_raises_the_probabilities_to_its_inverse(temperature):
    powers = [math.exp(x) ** (1 / temperature) for x in LOG_P]
    np.testing.assert_allclose(distribution(LOG_P, temperature), [x / sum(powers) for x in powers], rtol=1e-14)


@pytest.mark.parametrize("temperature", [0, 1e-300, 5e-324, 1e-3])
def test_a_temperature_near_zero_leaves_the_most_probable_word(temperature):
    log_p = np.log(np.array([0.1, 0.2, 0.6, 0.1]))
    np.testing.assert_array_equal(distribution(log_p, temperature), [0, 0, 1, 0])


def test_of_equals_the_first_is_taken_at_temperature_zero_and_at_the_edge_of_top_k():
    np.testing.assert_array_equal(distribution(LOG_P, 0), [0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(distribution(LOG_P, top_k=1), [0, 1, 0, 0, 0, 0])
    assert np.flatnonzero(distribution(LOG_P, top_k=5)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("top_p", "left"), [(0.01, [1]), (0.29, [1]), (0.31, [1, 3]), (0.59, [1, 3]),
                                             (0.61, [1, 2, 3]), (0.85, [1, 2, 3, 4]), (1, range(6))])
def test_top_p_leaves_the_fewest_words_that_reach_it(top_p, left):
    q = distribution(LOG_P, top_p=top_p)
    assert np.flatnonzero(q).tolist() == list(left)
    np.testing.assert_allclose(q[list(left)], np.exp(LOG_P[list(left)]) / np.exp(LOG_P[list(left)]).sum(), rtol=1e-14)


@pytest.mark.parametrize("options", [{}, {"temperature": 1e-320}, {"temperature": 50}, {"top_k": 6}, {"top_p": 1}])
def test_what_may_not_be_drawn_has_no_share(options):
    log_p = LOG_P.copy()
    log_p[[0, 4]] = -np.inf
    assert (distribution(log_p, **options)[[0, 4]] == 0).all()


def test_inputs_are_left_alone():
    before = LOG_P.copy()
    distribution(LOG_P, 0.5, 2, 0.5)
    np.testing.assert_array_equal(LOG_P, before)


def test_numbers_spread_evenly_draw_every_word_as_often_as_it_is_probable():
    """A width of q holds 1000 q numbers that are 1/1000 apart, give or take one."""
    q = distribution(LOG_P)
    drawn = [draw(q, (n + 0.5) / 1000) for n in range(1000)]
    assert (np.abs(np.bincount(drawn, minlength=6) - 1000 * q) <= 1).all()


def test_neither_end_of_the_numbers_draws_a_word_without_a_share():
    q = np.array([0, 0.25, 0, 0.75, 0])
    assert [draw(q, u) for u in (0, np.nextafter(0.25, 0), 0.25, np.nextafter(1, 0))] == [1, 1, 3, 3]
    for seed in range(50):              # sums that round to more or less than 1
        q = np.append(np.random.default_rng(seed).dirichlet(np.ones(30)), 0)
        assert draw(q, np.nextafter(1, 0)) == 29


# Samples


def chi_square(counts, q):
    """How far counts are from what probabilities make expect, in standard deviations of Pearson's statistic."""
    N, k = counts.sum(), len(q)
    statistic = ((counts - N * q) ** 2 / (N * q)).sum()
    variance = 2 * (k - 1) + ((1 / q).sum() - k**2 - 2 * k + 2) / N
    return (statistic - (k - 1)) / math.sqrt(variance)


def lumped(x, q, N):
    """Words that are expected 5 times and more, and all others as one."""
    often = N * q >= 5
    return np.append(x[often], x[~often].sum())


@pytest.mark.parametrize(("direction", "prompt"), [("forward", ""), ("forward", "the bank"), ("backward", "river .")])
def test_words_are_drawn_as_often_as_the_model_expects(direction, prompt):
    """Within 5 standard deviations, and the same counts are far off for a temperature of 1.5."""
    elmo, N = some(), 3000
    reader = Reader(elmo, direction)
    reader.lm.softmax.W.value[...] *= 8         # some words far more probable than others
    log_p = reader.begin(elmo.words(prompt)).log_p[0]
    log_p[reader.never] = -np.inf
    own = len(elmo.words(prompt))
    drawn = [reader.end if found.ended else VOCABULARY.id(found.words[own if direction == "forward" else 0])
             for found in sample(elmo, prompt, direction=direction, count=N, length=1, seed=3)]
    counts = np.bincount(drawn, minlength=len(VOCABULARY))
    for temperature, near in (1.0, True), (1.5, False):
        q = distribution(log_p, temperature)
        assert (abs(chi_square(lumped(counts, q, N), lumped(q, q, N))) < 5) == near


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_sample_is_the_same_whatever_the_number_of_samples(elmo, direction, each_backend):
    options = {"direction": direction, "length": 12, "seed": 5}
    many = list(sample(elmo, "the bank", count=19, **options))
    for count in 1, 3, 8, 9:
        assert list(sample(elmo, "the bank", count=count, **options)) == many[:count]
    assert len({tuple(found.words) for found in many}) > 10


def test_another_seed_draws_other_text_and_the_same_seed_the_same(elmo):
    one, again, other = (list(sample(elmo, count=4, length=8, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_a_shorter_length_cuts_the_same_text_off(words):
    for short, full in zip(sample(words, count=9, length=4), sample(words, count=9, length=12), strict=True):
        assert short.words == full.words[:4]
        assert short.ended == (full.ended and full.drawn < 4)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_log_p_of_a_sample_is_its_score(kind, direction):
    elmo = some(**KINDS[kind])
    bias_towards(elmo, direction, "mark", 3)        # else these models hardly ever end
    samples = [found for found in sample(elmo, direction=direction, count=20, temperature=1.2) if found.ended]
    assert len(samples) > 5
    for found, expected in zip(samples, score(elmo, [found.words for found in samples]), strict=True):
        assert found.drawn == len(found.words)
        assert found.log_p == pytest.approx(getattr(expected, direction), abs=ROUNDING)


def bias_towards(elmo, direction, what, much):
    """Make a mark, <UNK> or the mark that a direction begins with more probable."""
    reader = Reader(elmo, direction)
    ids = {"mark": [reader.end], "never": reader.never}[what]
    softmax = reader.lm.softmax
    (softmax.head if isinstance(softmax, AdaptiveSoftmax) else softmax).b.value[ids] += much


def test_a_prompt_begins_the_text_or_ends_it(elmo):
    for found in sample(elmo, "the bank", count=3, length=5):
        assert found.words[:2] == ["the", "bank"]
        assert len(found.words) == 2 + found.drawn
    for found in sample(elmo, "the bank", count=3, length=5, direction="backward"):
        assert found.words[-2:] == ["the", "bank"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_at_temperature_zero_each_word_is_the_most_probable_after_all_before_it(elmo, direction):
    found, = sample(elmo, "the bank", direction=direction, length=6, temperature=0)
    reader = Reader(elmo, direction)
    text = ["the", "bank"]
    for _ in range(found.drawn):
        log_p = reader.begin(text).log_p[0]         # read anew from the mark
        log_p[reader.never] = -np.inf
        word = VOCABULARY.word(int(log_p.argmax()))
        text = [*text, word] if direction == "forward" else [word, *text]
    assert found.words == text
    tiny, = sample(elmo, "the bank", direction=direction, length=6, temperature=1e-6)
    assert tiny == found


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_unknown_words_and_the_mark_of_the_beginning_are_never_written(direction):
    elmo = some()
    bias_towards(elmo, direction, "never", 30)
    for found in sample(elmo, direction=direction, count=8, length=10):
        assert MARKS.isdisjoint(found.words)


def test_the_prompt_is_read_once_and_then_a_word_a_step(words, monkeypatch):
    steps, read = [], LanguageModel.encode_inference
    monkeypatch.setattr(LanguageModel, "encode_inference",
                        lambda self, x, state: steps.append(len(x)) or read(self, x, state))
    longest = max(found.drawn + found.ended for found in sample(words, "the old bank", count=8, length=7))
    assert steps == [4] + [1] * (longest - 1)


def test_text_ends_with_its_mark(words):
    elmo = some()
    bias_towards(elmo, "forward", "mark", 30)
    for found in sample(elmo, "the", count=2):
        assert (found.words, found.drawn, found.ended) == (["the"], 0, True)


# Mistakes


@pytest.mark.parametrize(("options", "message"), [
    ({"direction": "both"}, "^direction 'both': expected 'forward' or 'backward'$"),
    ({"count": 0}, "^count = 0: expected a whole number of at least 1$"),
    ({"length": 0}, "^length = 0: expected"), ({"top_k": 0}, "^top_k = 0: expected"),
    ({"seed": -1}, "^seed = -1: expected a whole number of at least 0$"),
    ({"temperature": -0.1}, "^temperature = -0.1: expected a number of at least 0$"),
    ({"temperature": math.nan}, "^temperature = nan: expected"), ({"temperature": math.inf}, "^temperature = inf: exp"),
    ({"top_p": 0}, "^top_p = 0: expected a number above 0 and at most 1$"), ({"top_p": 1.1}, "^top_p = 1.1: expected"),
    ({"top_p": math.nan}, "^top_p = nan: expected"),
])
def test_a_sample_that_cannot_be_is_refused_at_once(words, options, message):
    with pytest.raises(UserError, match=message):
        sample(words, **options)


def test_a_model_without_softmax_says_so_in_one_line():
    elmo = some(Vocabulary(VOCABULARY.words), predict=False)       # as published weights are: without counts too
    for attempt, *args in (score, [["the"]]), (substitutes, "bank", "the bank"), (sample,):
        with pytest.raises(UserError, match=r"^this model has no softmax: it embeds, but it cannot predict words"):
            attempt(elmo, *args)


def test_substitutes_that_cannot_be_are_refused(words):
    for args, message in [(("bank", "the river"), "the sentence has no word 'bank'"),
                          (("the", "the bank of the river"), "'the' occurs 2 times in the sentence: say which"),
                          (("bank", "the bank", 0), "top = 0: expected a whole number of at least 1")]:
        with pytest.raises(UserError, match=message):
            substitutes(words, *args)
    with pytest.raises(UserError, match="occurrence = 2, but 'bank' occurs 1 times"):
        substitutes(words, "bank", "the bank", occurrence=2)


def test_a_vocabulary_without_counts_has_no_prior_and_says_so(words):
    elmo = ELMo(words.model, Vocabulary(VOCABULARY.words))
    with pytest.raises(UserError, match=r"the vocabulary has no counts, .*prior=False"):
        substitutes(elmo, "bank", "the bank")
    assert substitutes(elmo, "bank", "the bank", prior=False) == substitutes(words, "bank", "the bank", prior=False)


def test_a_vocabulary_of_one_word_has_no_other():
    elmo = some(Vocabulary.build([["bank"]]))
    only, = substitutes(elmo, "bank", "bank")
    assert (only.word, only.probability) == ("bank", 1)
    with pytest.raises(UserError, match="the vocabulary has no word to replace 'bank'"):
        substitutes(elmo, "bank", "bank", itself=False)


def test_a_string_is_no_list_of_sentences(words):
    with pytest.raises(UserError, match="the sentences are the string 'the bank': expected a list"):
        score(words, "the bank")


def test_predicting_leaves_the_model_alone(elmo):
    from elmo_np.nn.parameter import parameters
    before = {name: p.value.copy() for name, p in parameters(elmo).items()}
    substitutes(elmo, "bank", "the bank of the river")
    list(sample(elmo, length=5))
    assert isinstance(elmo.model, BiLM)
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(p.value, before[name])
