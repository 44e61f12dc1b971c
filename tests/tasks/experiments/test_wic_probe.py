"""WiC's pairs by layer: what is right, what is unknown, and what counts as such a file."""

import gzip
import json

import numpy as np
import pytest

from elmo_np.tasks.data.wic import read_wic
from elmo_np.tasks.experiments.wic_probe import crosswise, is_wic, probe_layers
from elmo_np.tasks.models.wic import best_threshold, embed_pairs
from tests.embedding_helpers import of_characters, of_words

PAIRS = """\
bank\tN\t1-1\tthe bank of the river\tthe bank was steep
bank\tN\t1-3\tthe bank of the river\tdeposit at the bank
bank\tN\t1-1\tthe bank was steep\tthe bank was xyzzy
xyzzy\tN\t1-1\tthe xyzzy of the river\tone xyzzy of the bank
"""


@pytest.fixture
def pairs(tmp_path):
    (tmp_path / "dev.data.txt").write_text(PAIRS)
    (tmp_path / "dev.gold.txt").write_text("T\nF\nT\nF\n")
    return tmp_path / "dev.data.txt"


def test_no_pair_takes_part_in_its_own_threshold():
    cosines, same = np.array([0.9, 0.8, 0.7, 0.2, 0.4, 0.1]), np.array([1, 1, 1, 0, 0, 0], bool)
    # halves: (0.9, 0.7, 0.2, 0.1), whose lowest best threshold is 0.45, and (0.8, 0.4), whose is 0.6
    assert best_threshold(cosines[[0, 2, 3, 5]], same[[0, 2, 3, 5]]) == pytest.approx(0.45)
    assert crosswise(cosines, same).tolist() == [True] * 6
    cosines[4] = 0.5        # above the threshold of the half that it is not in
    assert crosswise(cosines, same).tolist() == [True] * 4 + [False, True]
    assert crosswise(np.array([0.3]), np.array([True])).tolist() == [True]


def test_a_result_per_layer_and_one_of_their_average(pairs):
    elmo, examples = of_words(), read_wic(str(pairs))
    found = probe_layers(elmo, examples)
    assert [row.name for row in found] == [*(f"layer {layer}" for layer in elmo.layers), "average"]
    both = embed_pairs(elmo, *examples, elmo.layers).batch(range(4))[0].mean(axis=0)
    cosines = [np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v) for u, v in zip(*both, strict=True)]
    assert found[-1].right == crosswise(np.array(cosines), np.array([True, False, True, False])).sum()
    assert {(row.items, row.unknown, row.chance) for row in found} == {(4, 1, 0.5)}
    assert all(row.right - row.unknown <= row.known_right <= row.right for row in found)


def test_a_model_of_characters_knows_every_word(pairs):
    assert {row.unknown for row in probe_layers(of_characters(), read_wic(str(pairs)))} == {0}


def test_which_files_are_taken_for_it(pairs, tmp_path):
    row = {"word": "bank", "sentence1": "a bank", "start1": 2, "end1": 6, "sentence2": "bank", "start2": 0, "end2": 4}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    assert is_wic(tmp_path / "rows.jsonl")
    for text in '{"sentence_good": "a"}', "[" * 100_000, "":
        (tmp_path / "rows.jsonl").write_text(text)
        assert not is_wic(tmp_path / "rows.jsonl")
    row["label"] = True
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    assert is_wic(tmp_path / "rows.jsonl.gz")
    assert probe_layers(of_words(), read_wic(str(tmp_path / "rows.jsonl.gz")))[0].items == 1
    assert is_wic(pairs)
    assert is_wic(pairs.with_name("dev.data.txt.xz"))
    assert not is_wic(pairs.with_name("dev.gold.txt"))
