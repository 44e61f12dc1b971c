"""long_sentences: parts of a sentence are those of the whole, and no batch is larger than a window may be."""

import numpy as np
import pytest

from elmo_np.inference.long_sentences import in_parts
from elmo_np.inference.token_indexer import token_indexer
from elmo_np.nn.bilm import BiLM
from tests.embedding_helpers import SENTENCES, all_close, alone, close, of_characters, of_gru, of_words

LONG = (SENTENCES[0] * 30)[:100]
KINDS = {"words": of_words, "characters": of_characters, "gru": of_gru}


@pytest.fixture(params=KINDS)
def elmo(request):
    return KINDS[request.param]()


@pytest.mark.parametrize("steps", [1, 7, 51, 101, 102, 500])
@pytest.mark.parametrize("warm", [False, True])
def test_the_parts_of_a_sentence_are_those_of_the_whole(elmo, steps, warm, each_backend):
    words, state = token_indexer(elmo.model, elmo.vocabulary), elmo.warm_state() if warm else None
    numbers = words.encode(LONG)
    parts = list(in_parts(words, numbers, steps, state))
    assert [len(part[0]) for part in parts] == [min(steps, 102 - start) for start in range(0, 102, steps)]
    (forward, backward), _ = elmo.model.encode_vectors(words.lookup(np.array(numbers)[:, None]), np.array([102]),
                                                       state)
    for j, layer in enumerate(zip(*parts, strict=True)):
        close(np.concatenate(layer), np.concatenate([forward[j], backward[j]], axis=2)[:, 0])


@pytest.mark.parametrize("layer", ["all", "top", "average", "mix", 0])
@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_a_long_sentence_among_others_comes_in_parts_and_is_what_it_is_in_one(elmo, layer, marks, norm, monkeypatch):
    elmo.mix.layer_norm = norm
    text = [SENTENCES[1], LONG, *SENTENCES[2:5]]
    expected = elmo.vectors(text, layer, marks=marks)
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 36 * 9)
    all_close(elmo.vectors(text, layer, marks=marks), expected)
    for (tokens, parts), whole, sentence in zip(elmo.parts(text, layer, marks=marks), expected, text, strict=True):
        found = list(parts)
        assert tokens == whole.shape[-2] == len(sentence) + 2 * marks
        assert len(found) == (1 if (norm and layer == "mix") or len(sentence) < 8 else -(-(len(sentence) + 2) // 9))
        assert sum(part.shape[-2] for part in found) == tokens
        assert max(part.shape[-2] for part in found) <= 9 or len(found) == 1


def test_no_batch_has_more_steps_with_its_padding_than_a_window_may(elmo, monkeypatch):
    seen, encode, read = [], BiLM.encode_vectors, elmo.model.forward_lm.encode_inference
    monkeypatch.setattr(BiLM, "encode_vectors", lambda self, x, *rest: seen.append(x[0][..., 0].size) or encode(
        self, x, *rest))
    monkeypatch.setattr(elmo.model.forward_lm, "encode_inference",
                        lambda x, *rest: seen.append(x[..., 0].size) or read(x, *rest))
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 36 * 60)
    elmo.embed([["a"]] * 50 + [LONG] + [["a"]] * 50 + [LONG[:50]] + [["a"]] * 20)
    assert 30 < max(seen) <= 60


def test_another_state_may_be_given_for_every_sentence(elmo):
    sentences = SENTENCES[:5]
    all_close(elmo.stream(sentences, "all", elmo.warm_state()), elmo.embed(sentences, "warm"))


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("steps", [1, 51, 500])
def test_a_long_sentence_in_one_direction(elmo, direction, steps):
    def parts(of, steps):
        words = token_indexer(of.model, of.vocabulary)
        return list(in_parts(words, words.encode(LONG), steps))
    whole, = parts(elmo, 500)
    for layer, expected in zip(zip(*parts(alone(elmo, direction), steps), strict=True), whole, strict=True):
        half = expected.shape[1] // 2
        close(np.concatenate(layer), expected[:, :half] if direction == "forward" else expected[:, half:])
