"""`elmo-np evaluate`: perplexities as a table and as JSON, and the scores of sentences in a file."""

import json
import math
import re

import pytest

from elmo_np import ELMo
from elmo_np.inference.dynamic_evaluation import evaluate_dynamically, tune_dynamic
from elmo_np.inference.evaluate import evaluate, perplexity, unigram_perplexity
from elmo_np.inference.neural_cache import evaluate_with_cache, tune
from tests.commands import SMALL, UNSEEN, write
from tests.embedding_helpers import alone


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_evaluate_prints_the_perplexities(do, state):
    out, err = do("evaluate", "run", "unseen.txt", "--state", state)
    elmo = ELMo.load("run")
    expected = evaluate(elmo.model, elmo.vocabulary, UNSEEN, state=state)
    assert out.splitlines()[0] == (f"{len(UNSEEN)} sentences, {expected.targets} targets per direction (tokens and "
                                   f"sentence ends), {expected.unknown} of them unknown words "
                                   f"({expected.unknown / expected.targets:.1%}); state: {state}")
    shown = dict(re.findall(r"^  (\S.*?) +perplexity +([\d.]+)$", out, re.M))
    assert {name: float(value) for name, value in shown.items()} == pytest.approx({
        "forward": expected.forward, "backward": expected.backward, "arithmetic mean": expected.arithmetic_mean,
        "geometric mean": expected.geometric_mean, "unigram model": unigram_perplexity(elmo.vocabulary, UNSEEN),
    }, abs=0.0006)
    assert err == ""


def test_evaluate_prints_json_that_a_program_can_read(do):
    found = json.loads(do("evaluate", "run", "unseen.txt", "--json").out)
    elmo = ELMo.load("run")
    expected = evaluate(elmo.model, elmo.vocabulary, UNSEEN)
    assert found == {
        "forward": expected.forward, "backward": expected.backward, "arithmetic_mean": expected.arithmetic_mean,
        "geometric_mean": expected.geometric_mean, "unigram": unigram_perplexity(elmo.vocabulary, UNSEEN),
        "forward_nats": expected.forward_nats, "backward_nats": expected.backward_nats, "targets": expected.targets,
        "sentences": expected.sentences, "unknown": expected.unknown, "state": "carry"}


def test_evaluate_goes_by_the_state_that_the_model_was_trained_with(do, tmp_path):
    do("train", "train.txt", "--out", tmp_path / "run", "--quiet", *SMALL, "--set", "state=reset")
    for model, state in ("run", "carry"), (tmp_path / "run", "reset"), (tmp_path / "run/model.safetensors", "reset"):
        assert json.loads(do("evaluate", model, "unseen.txt", "--json").out)["state"] == state


@pytest.mark.parametrize("state", ["carry", "reset"])
def test_the_scores_of_sentences_are_a_table_whose_sums_are_the_total(do, tmp_path, state):
    path = tmp_path / "scores.tsv"
    out, err = do("evaluate", "run", "unseen.txt", "--json", "--state", state, "--batch-size", 4, "--per-sentence",
                  path)
    found = json.loads(out)
    assert ("note: --batch-size 4 changes nothing with state carry" in err) == (state == "carry")
    header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert header == ["forward_log_p", "backward_log_p", "targets", "sentence"]
    assert [row[3] for row in rows] == [" ".join(sentence) for sentence in UNSEEN]
    assert sum(int(row[2]) for row in rows) == found["targets"]
    for k, direction in enumerate(("forward", "backward")):     # six digits behind the point a row
        total = math.fsum(float(row[k]) for row in rows)
        assert total == pytest.approx(-found[f"{direction}_nats"], abs=len(rows) * 1e-6)


def test_raw_text_is_split_on_request(do, tmp_path):
    (tmp_path / "raw.txt").write_text("We walked along the bank.\n")
    (tmp_path / "split.txt").write_text("We walked along the bank .\n")
    raw = do("evaluate", "run", tmp_path / "raw.txt", "--tokenize", "--json").out
    assert raw == do("evaluate", "run", tmp_path / "split.txt", "--json").out
    assert raw != do("evaluate", "run", tmp_path / "raw.txt", "--json").out


def test_the_sentences_go_to_standard_output_and_the_figures_to_stderr(do, tmp_path):
    do("evaluate", "run", "unseen.txt", "--per-sentence", tmp_path / "x.tsv")
    out, err = do("evaluate", "run", "unseen.txt", "--per-sentence", "-", "--json")
    assert out == (tmp_path / "x.tsv").read_text(encoding="utf-8")
    assert json.loads(err)["sentences"] == out.count("\n") - 1


def test_a_cache_and_dynamic_evaluation_are_shown_beside_the_plain_figures_and_set_on_another_text(do, tmp_path):
    write(tmp_path / "text.txt", [UNSEEN[0]] * 10)
    write(tmp_path / "valid.txt", UNSEEN[:8])
    plain = json.loads(do("evaluate", "run", tmp_path / "text.txt", "--state", "carry", "--json").out)
    command = ("evaluate", "run", tmp_path / "text.txt", "--state", "carry", "--cache", "50", "--dynamic")
    found = json.loads(do(*command, "--json", "--tune-on", tmp_path / "valid.txt").out)
    elmo, text = ELMo.load("run"), [UNSEEN[0]] * 10
    settings = tune(elmo.model, elmo.vocabulary, UNSEEN[:8], 50)
    _, expected = evaluate_with_cache(elmo.model, elmo.vocabulary, text, settings)
    assert found.pop("cache") == {**settings._asdict(), "forward": expected.forward, "backward": expected.backward}
    learning = tune_dynamic(elmo.model, elmo.vocabulary, UNSEEN[:8])
    nats = evaluate_dynamically(elmo.model, elmo.vocabulary, text, learning)
    assert found.pop("dynamic") == {**learning._asdict(), "forward": perplexity(nats["forward"], plain["targets"]),
                                    "backward": perplexity(nats["backward"], plain["targets"])}
    assert found == plain
    out = do(*command, "--cache-weight", "0.2", "--dynamic-rate", "0.1").out
    assert "with a cache of 50 words, theta 0.3, weight 0.2:\n  forward          perplexity" in out
    assert "with dynamic evaluation, rate 0.1, decay 0.001:\n  forward          perplexity" in out


def test_the_text_is_read_once_with_a_cache_and_its_sentences_are_scored_without(do, tmp_path):
    tables = []
    for k, more in enumerate(([], ["--cache", "20"], ["--dynamic"])):
        tables.append(tmp_path / f"{k}.tsv")
        do("evaluate", "run", "unseen.txt", "--state", "carry", "--per-sentence", tables[-1], *more)
    assert len({path.read_text() for path in tables}) == 1


def test_learning_that_diverges_is_an_infinite_perplexity_and_null_in_json(do):
    command = ("evaluate", "run", "unseen.txt", "--state", "carry", "--dynamic", "--dynamic-rate", "1e30")
    assert "perplexity   infinite" in do(*command).out
    assert json.loads(do(*command, "--json").out)["dynamic"]["forward"] is None


@pytest.mark.parametrize(("options", "message"), [
    (["--cache", "10", "--state", "reset"], "--cache 10 with state reset: expected one stream; add --state carry"),
    (["--dynamic", "--state", "reset"], "--dynamic with state reset: expected one stream; add --state carry"),
    (["--tune-on", "unseen.txt"], "sets a cache or dynamic evaluation: add --cache N or --dynamic"),
    (["--dynamic-rate", "1"], "--dynamic-rate and --dynamic-decay set dynamic evaluation: add --dynamic"),
    (["--cache", "5", "--state", "carry", "--dynamic-decay", "0"], "set dynamic evaluation: add --dynamic"),
    (["--dynamic", "--state", "carry", "--tune-on", "train.txt", "--dynamic-decay", "0.1"], "leave out --dynamic-rate"),
    (["--dynamic", "--state", "carry", "--tune-on", "./unseen.txt"], "is in the text to predict: expected"),
    (["--dynamic", "--state", "carry", "--dynamic-rate", "0"], "expected a rate above 0 and a decay from 0 to"),
    (["train.txt", "--dynamic", "--state", "carry", "--tune-on", "train.txt"], "train.txt is in the text to predict"),
    (["--cache-weight", "0.1"], "set a cache: add --cache N"),
    (["--cache", "5", "--state", "carry", "--tune-on", "./unseen.txt"], "is in the text to predict: expected"),
    (["--cache", "5", "--state", "carry", "--tune-on", "train.txt", "--cache-theta", "1"], "leave out --cache-theta"),
    (["--cache", "0", "--state", "carry"], "expected 1 to 100,000"),
    (["--cache", "5", "--state", "carry", "--cache-weight", "2"], "a weight from 0 to below 1"),
])
def test_a_cache_that_cannot_be_is_refused_in_one_line_before_anything_is_computed(do, options, message, tmp_path):
    out = tmp_path / "scores.tsv"
    assert message in do("evaluate", "run", "unseen.txt", *options, "--per-sentence", out, code=2).err
    assert not out.exists()


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_evaluate_prints_only_the_direction_that_the_model_has(do, tmp_path, direction):
    whole = ELMo.load("run")
    alone(whole, direction).save(tmp_path / "one")
    other, = {"forward", "backward"} - {direction}
    text = write(tmp_path / "text.txt", UNSEEN)
    printed = do("evaluate", str(tmp_path / "one"), text, "--state", "carry").out
    assert f"  {direction:16} perplexity" in printed
    assert not any(name in printed for name in (other, "mean"))
    found = json.loads(do("evaluate", str(tmp_path / "one"), text, "--state", "carry", "--json").out)
    expected = evaluate(whole.model, whole.vocabulary, UNSEEN).perplexities[direction]
    assert (found[other], found[f"{other}_nats"]) == (None, None)
    assert found[direction] == found["geometric_mean"] == pytest.approx(expected, rel=1e-5)
    do("evaluate", str(tmp_path / "one"), text, "--state", "carry", "--per-sentence", str(tmp_path / "rows.tsv"))
    cells = (tmp_path / "rows.tsv").read_text().splitlines()[1].split("\t")
    assert cells[("forward", "backward").index(other)] == ""
