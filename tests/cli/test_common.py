"""What commands share: how a text is split, and which corpus is read."""

import json

from tests.commands import SMALL, write


def test_a_text_is_split_as_the_corpus_was_unless_told_otherwise(do, tmp_path):
    raw = write(tmp_path / "raw.txt", [("The", "bank's", "fees", "rose", "(again)."), ("They", "didn't", "fall.")] * 10)
    do("train", raw, "--out", tmp_path / "run", "--quiet", *SMALL, "--set", "tokenize=true", "--set", "min_count=1")
    known = json.loads(do("evaluate", tmp_path / "run", raw, "--json")[0])
    assert known["unknown"] == 0
    split = json.loads(do("evaluate", tmp_path / "run", raw, "--json", "--no-tokenize")[0])
    assert split["unknown"] > 0
