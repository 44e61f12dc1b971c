"""benchmarks/reading_times.py: the regression, which words take part, and what a gain is."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import reading_times
from reading_times import Table, Word, compared, interval, least_squares, stories, table

from elmo_np import ELMo
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.surprisal import surprisal
from tests.inference.test_evaluate import VOCABULARY, bilm

TOLD = [["The", "bank", "closed", "the", "river."], ["A", "bank", "of", "the", "river", "closed."]]


def test_the_fit_is_that_of_the_normal_equations(rng):
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    A = np.column_stack([np.ones(30), X])
    b = np.linalg.solve(A.T @ A, A.T @ y)
    found = least_squares(X, y)
    np.testing.assert_allclose(found.b, b, rtol=1e-10)
    variance = np.mean((y - A @ b) ** 2)
    np.testing.assert_allclose(found.error, np.sqrt(np.diag(np.linalg.inv(A.T @ A)) * variance * 30 / 27), rtol=1e-10)
    density = np.exp(-(y - A @ b) ** 2 / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    np.testing.assert_allclose(found.log_likelihood(X, y), np.log(density), rtol=1e-10)
    with pytest.raises(UserError, match="30 words do not determine 4 coefficients"):
        least_squares(np.column_stack([X, X[:, 0]]), y)


def test_the_fit_is_that_of_statsmodels(rng):
    pytest.importorskip("statsmodels", reason="needs statsmodels")
    from statsmodels.regression.linear_model import OLS
    X = rng.normal(size=(200, 5)) * [1, 10, 100, 0.1, 3]
    y = 300 + X @ [1, 2, 3, 4, 5] + 40 * rng.normal(size=200)
    found, theirs = least_squares(X, y), OLS(y, np.column_stack([np.ones(200), X])).fit()
    np.testing.assert_allclose(found.b, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(found.error, theirs.bse, rtol=1e-9)
    assert found.log_likelihood(X, y).sum() == pytest.approx(theirs.llf, rel=1e-12)


def made(rng, ms_per_bit):
    """Four stories of 100 sentences of three words, with reading times that rise by so much per bit."""
    N = 1200
    control, bits = rng.normal(size=(N, 6)), rng.normal(size=(N, 3))
    y = 300 + control @ np.arange(6) + ms_per_bit * bits[:, 1] + rng.normal(size=N)
    return Table(y, control, bits, np.repeat(np.arange(4), 300), np.tile(np.repeat(np.arange(100), 3), 4), 7)


def test_the_gain_is_that_of_the_predicted_densities_and_none_where_surprisal_says_nothing(rng):
    found = compared(made(rng, 2.0))
    assert (found["words"], found["unknown"]) == (1200, 7)
    np.testing.assert_allclose(found["ms_per_bit"], [0, 2, 0], atol=0.1)
    assert found["gain"] == pytest.approx(0.5 * np.log(1 + 2 ** 2), abs=0.05)       # the variance falls from 5 to 1
    assert found["low"] < found["gain"] < found["high"]
    assert found["without"] == pytest.approx(-0.5 * np.log(2 * np.pi * np.e * 5), abs=0.05)
    nothing = compared(made(rng, 0.0))
    assert nothing["gain"] < nothing["gain_seen"] < 0.005
    assert nothing["low"] < 0


def test_an_interval_is_wider_where_neighbours_are_alike(rng):
    values, group = np.repeat(rng.normal(size=100), 5), np.repeat(np.arange(100), 5)[:, None]
    low, high = interval(values, group)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(100), rel=0.1)
    alone = np.subtract(*interval(values, np.arange(500)[:, None]))
    assert abs(alone) == pytest.approx((high - low) / np.sqrt(5), rel=0.1)


@pytest.fixture
def elmo():
    words = {word for sentence in TOLD for word in sentence} | {"river", "closed", "."}
    vocabulary = Vocabulary.build([[*sorted(words - {"river.", "closed."})]])
    model = bilm()
    return ELMo(type(model)(model.config, len(vocabulary), rng=np.random.default_rng(5)), vocabulary)


def test_a_word_has_its_own_values_and_those_of_the_words_before_it(elmo):
    story = [Word(word, 100.0 + k) for k, word in enumerate([*TOLD[0], *TOLD[1]])]
    found = table(elmo, [story], "carry")
    assert found.milliseconds.tolist() == [102, 103, 106, 107, 108, 109]    # neither a first word nor a last
    assert found.sentence.tolist() == [0, 0, 1, 1, 1, 1]
    first, second = surprisal(elmo, [["The", "bank", "closed", "the", "river", "."],
                                     ["A", "bank", "of", "the", "river", "closed", "."]], "carry")
    np.testing.assert_array_equal(found.bits[0], first.forward[2::-1])
    np.testing.assert_array_equal(found.control[0], [6, 4, 3, *first.log_frequency[2::-1]])
    before = first.forward[4:].sum()                                        # river and its full stop
    np.testing.assert_allclose(found.bits[2], [second.forward[1], second.forward[0], before], rtol=1e-12)
    alone = table(elmo, [story], "reset")
    assert not np.allclose(alone.bits[2], found.bits[2])
    assert found.unknown == 0


def test_words_after_an_unknown_word_are_left_out_and_counted(elmo):
    story = [Word(word, 100.0 + k) for k, word in enumerate(["The", "xyzzy", "closed", "the", "bank", "of", "river."])]
    found = table(elmo, [story], "carry")
    assert found.milliseconds.tolist() == [104, 105]
    assert found.unknown == 2


def test_a_model_without_a_forward_direction_or_counts_is_refused(elmo):
    with pytest.raises(UserError, match="this needs the forward one"):
        table(ELMo(bilm(direction="backward"), VOCABULARY), [[Word("The", 1.0)]], "carry")
    bare = ELMo(elmo.model, Vocabulary([elmo.vocabulary.word(k) for k in range(len(elmo.vocabulary))]))
    with pytest.raises(UserError, match="has no counts"):
        table(bare, [[Word("The", 1.0)]], "carry")


def written(folder, words, times):
    (folder / "all_stories.tok").write_text("word\tzone\titem\n" + words)
    (folder / "processed_wordinfo.tsv").write_text("word\tzone\titem\tmeanItemRT\n" + times)
    return folder


def test_files_are_joined_by_story_and_zone(tmp_path):
    found = stories(written(tmp_path, "If\t1\t1\nyou\t2\t1\nSo\t1\t2\n", "So\t1\t2\t9.5\nyou\t2\t1\t8\nIf\t1\t1\t7\n"))
    assert found == [[Word("If", 7.0), Word("you", 8.0)], [Word("So", 9.5)]]


@pytest.mark.parametrize(("times", "message"), [
    ("If\t1\t1\t7\n", "zone 2 is 'missing', expected 'you'"),
    ("If\t1\t1\t7\nyour\t2\t1\t8\n", "zone 2 is 'your', expected 'you' as in all_stories.tok: take both files"),
    ("If\t1\t1\t7\nyou\t2\t1\tNA\n", "'you' is read in 'NA' ms, expected a word and a number above 0"),
    ("If\t1\t1\t7\nyou\t2\t1\tnan\n", "'you' is read in 'nan' ms, expected a word and a number above 0"),
    ("If\t1\t1\tinf\nyou\t2\t1\t8\n", "'If' is read in 'inf' ms")])
def test_files_that_do_not_fit_each_other_are_refused(tmp_path, times, message, capsys):
    folder = written(tmp_path, "If\t1\t1\nyou\t2\t1\n", times)
    with pytest.raises(UserError, match=message):
        stories(folder)
    with pytest.raises(UserError, match="has 1 stories, expected at least two"):
        stories(written(folder, "If\t1\t1\n", "If\t1\t1\t7\n"))
    (folder / "all_stories.tok").write_text("word\tzone\nIf\t1\n")
    assert reading_times.main(["nothing", str(folder)]) == 2
    assert "expected word, zone, item" in capsys.readouterr().err


def test_the_corpus_itself(data, elmo, tmp_path, capsys):
    told = stories(data("naturalstories"))
    assert [len(words) for words in told] == [1073, 990, 1040, 1085, 1013, 1099, 999, 980, 1038, 939]
    elmo.save(tmp_path / "run")
    assert reading_times.main([str(tmp_path / "run"), str(data("naturalstories")), "--json"]) == 2
    assert "do not determine" in capsys.readouterr().err
    known = Vocabulary.build([[*"".join(word.text + " " for words in told for word in words).split()]])
    model = type(elmo.model)(elmo.model.config, len(known), rng=np.random.default_rng(5))
    ELMo(model, known).save(tmp_path / "known")
    assert reading_times.main([str(tmp_path / "known"), str(data("naturalstories")), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["low"] < found["gain"] < found["high"]
    assert found["words"] > 5000
