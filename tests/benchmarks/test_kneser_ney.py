"""benchmarks/kneser_ney.py: probabilities sum to 1, and are those of the definition, computed the slow way."""

import math
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import kneser_ney

from elmo_np import train
from elmo_np.config.toml_files import preset, replaced
from elmo_np.errors import UserError

BOS, EOS, SIZE = 0, 1, 60


@pytest.fixture(scope="module")
def sentences():
    rng = np.random.default_rng(0)
    return [[BOS, *np.minimum(rng.geometric(0.1, rng.integers(2, 7)) + 1, SIZE - 1).tolist(), EOS]
            for _ in range(400)]


def bigram(sentences, history, word):
    """p(word | history) from the formulae of Chen and Goodman (1999), for an order of 2."""
    pairs = [pair for sentence in sentences for pair in pairwise(sentence)]
    types = set(pairs)

    def discount(counts, count):
        t = [counts.count(k) for k in range(5)]
        y = t[1] / (t[1] + 2 * t[2])
        return [0, 1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3]][min(count, 3)]
    after = {w: len({u for u, v in types if v == w}) for w in range(SIZE)}
    one = [count for count in after.values() if count]
    p = (after[word] - discount(one, after[word])) / len(types)
    p += sum(discount(one, count) for count in one) / len(types) / (SIZE - 1)
    two = [pairs.count(pair) for pair in types]
    following = [pairs.count(pair) for pair in types if pair[0] == history]
    if not following:
        return p
    count = pairs.count((history, word))
    share = sum(discount(two, other) for other in following)
    return (count - discount(two, count) + share * p) / sum(following)


def test_the_bigram_model_is_that_of_the_definition(sentences):
    model = kneser_ney.KneserNey(sentences, 2, SIZE, BOS)
    for history in (BOS, 2, 3, 20, SIZE - 1):
        for word in (EOS, 2, 3, 4, 30):
            assert model.probability(word, [5, history]) == pytest.approx(bigram(sentences, history, word), rel=1e-12)
    nats = -sum(math.log(bigram(sentences, *pair)) for pair in ((BOS, 3), (3, 2), (2, EOS)))
    assert model.nats([BOS, 3, 2, EOS]) == pytest.approx(nats, rel=1e-12)
    assert kneser_ney.perplexity([[BOS, 3, 2, EOS]], model) == pytest.approx(math.exp(nats / 3), rel=1e-12)


@pytest.mark.parametrize("history", [[], [BOS], [BOS, 2], [3, 2], [8, 8, 8], [BOS, 2, 2, 3, 2]])
def test_probabilities_sum_to_one_after_any_history(sentences, history):
    model = kneser_ney.KneserNey(sentences, 3, SIZE, BOS)
    p = [model.probability(word, history) for word in range(1, SIZE)]
    assert sum(p) == pytest.approx(1, rel=1e-12)
    assert min(p) > 0


def test_an_ngram_that_begins_a_sentence_keeps_its_count(sentences):
    counts = kneser_ney.adjusted_counts(sentences, 3, BOS)[1]
    first = sentences[0][1]
    assert counts[BOS, first] == sum(sentence[1] == first for sentence in sentences)
    before = {sentence[t - 1] for sentence in sentences for t in range(1, len(sentence) - 1)
              if sentence[t:t + 2] == [2, 2]}
    assert counts[2, 2] == len(before)


def test_the_command_compares_both_on_the_words_of_the_model(tmp_path, capsys):
    rng = np.random.default_rng(1)
    lines = [" ".join(f"w{k}" for k in rng.geometric(0.2, 6)) for _ in range(200)]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "test.txt").write_text("\n".join(lines[:20]) + "\nunseen\n")
    train(str(tmp_path / "train.txt"), tmp_path / "run", quiet=True,
          settings=replaced(preset("demo"), epochs=1))
    command = [str(tmp_path / "train.txt"), str(tmp_path / "test.txt"), "--order", "2"]
    assert kneser_ney.main([*command, "--model", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert "1,400 targets to count, 142 to predict" in printed
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines()[4:]]
    assert [row[0].split(", ")[-1] for row in rows] == ["modified Kneser-Ney", "forward", "backward"]
    assert float(rows[1][2]) == pytest.approx(float(rows[1][1]) / float(rows[0][1]), abs=0.01)
    assert kneser_ney.main(command) == 0
    assert "forward" not in capsys.readouterr().out


def test_a_text_that_is_too_short_is_refused(sentences):
    with pytest.raises(UserError, match="too short for modified Kneser-Ney"):
        kneser_ney.KneserNey(sentences[:2], 3, SIZE, BOS)
    regular = [1, 1, 2, *[3] * 9, 4]        # D(2) = 2 - 3 * 0.5 * 9 / 1
    with pytest.raises(UserError, match="too short or too regular for modified Kneser-Ney"):
        kneser_ney.discounts_of(Counter({(word,): count for word, count in enumerate(regular)}))
