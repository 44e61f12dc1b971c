"""`elmo-np score`: one row per sentence or per token, as a table or as JSON."""

import json
import math

import pytest

from elmo_np import ELMo
from elmo_np.inference.evaluate import score
from tests.commands import UNSEEN, write
from tests.embedding_helpers import alone


@pytest.mark.parametrize("state", ["reset", "carry"])
def test_score_prints_a_row_a_sentence(do, state):
    header, *rows = [line.split("\t") for line in do("score", "run", "unseen.txt", "--state", state).out.splitlines()]
    assert header == ["sentence", "forward_log_p", "backward_log_p", "targets", "forward_perplexity",
                      "backward_perplexity", "text"]
    elmo = ELMo.load("run")
    assert len(rows) == len(UNSEEN)
    for k, (row, expected) in enumerate(zip(rows, score(elmo, UNSEEN, state), strict=True)):
        assert (row[0], row[3], row[6]) == (str(k + 1), str(expected.targets), " ".join(UNSEEN[k]))
        assert [float(row[1]), float(row[2])] == pytest.approx([expected.forward, expected.backward], abs=6e-7)
        for log_p, perplexity in zip(row[1:3], row[4:6], strict=True):
            assert math.exp(-float(log_p) / expected.targets) == pytest.approx(float(perplexity), rel=1e-5)


def test_score_prints_a_row_a_token_with_the_marks_where_they_are_targets(do, tmp_path):
    text = write(tmp_path / "text.txt", [("the", "xyzzy", "closed"), ("the", "bank")])
    header, *rows = [line.split("\t") for line in do("score", "run", text, "--tokens").out.splitlines()]
    assert header == ["sentence", "position", "token", "predicted_as", "forward_log_p", "backward_log_p"]
    assert [row[:3] for row in rows] == [
        *(["1", str(k), token] for k, token in enumerate(["<S>", "the", "xyzzy", "closed", "</S>"])),
        *(["2", str(k), token] for k, token in enumerate(["<S>", "the", "bank", "</S>"]))]
    assert [row[3] for row in rows if row[2] == "xyzzy"] == ["<UNK>"]
    assert [row[2] for row in rows if row[4] == ""] == ["<S>", "<S>"]
    assert [row[2] for row in rows if row[5] == ""] == ["</S>", "</S>"]
    whole = [line.split("\t") for line in do("score", "run", text).out.splitlines()[1:]]
    for k, sentence in enumerate(whole):
        for column in 0, 1:
            parts = [float(row[4 + column]) for row in rows if row[0] == str(k + 1) and row[4 + column]]
            assert sum(parts) == pytest.approx(float(sentence[1 + column]), abs=1e-5)
    objects = [json.loads(line) for line in do("score", "run", text, "--tokens", "--json").out.splitlines()]
    assert [list(row) for row in objects] == [header] * len(rows)
    assert (objects[0]["forward_log_p"], objects[4]["backward_log_p"]) == (None, None)
    assert json.loads(do("score", "run", text, "--json").out.splitlines()[1])["text"] == "the bank"


def test_score_says_how_many_blank_lines_have_no_number(do, tmp_path):
    (tmp_path / "text.txt").write_text("the bank\n\nthe river\n")
    out, err = do("score", "run", tmp_path / "text.txt")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["sentence", "1", "2"]
    assert err.splitlines()[-1] == "1 blank line skipped: sentences are numbered without them"


def test_unknown_words_are_counted_aloud(do, tmp_path):
    text = write(tmp_path / "text.txt", [("the", "xyzzy", "closed"), ("the", "bank")])
    done = do("score", "run", text)
    assert done.err.startswith("warning: 2 of 5 words (40.0%) are unknown to the model, which reads <UNK> in their ")


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_commands_leave_blank_what_a_model_of_one_direction_does_not_know(do, tmp_path, direction):
    alone(ELMo.load("run"), direction).save(tmp_path / "one")
    other, = {"forward", "backward"} - {direction}
    text = write(tmp_path / "text.txt", [UNSEEN[0]])
    for options in [], ["--tokens"]:
        for line in do("score", str(tmp_path / "one"), text, "--json", *options).out.splitlines():
            row = json.loads(line)
            assert row[f"{other}_log_p"] is None
    header, row = do("score", str(tmp_path / "one"), text).out.splitlines()
    cells = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert (cells[f"{other}_log_p"], cells[f"{other}_perplexity"]) == ("", "")
    assert float(cells[f"{direction}_log_p"]) < 0
