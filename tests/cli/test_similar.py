"""`elmo-np similar`: occurrences in similar contexts, nearest first."""

import json

from elmo_np import ELMo
from tests.commands import TEXT, UNSEEN


def test_similar_shows_occurrences_of_the_word_nearest_first(do, home):
    out, err = do("similar", "run", "bank", "--in", "the bank of the river", "--top", 3)
    head, *lines = out.splitlines()
    assert head == "nearest of 4 occurrences of 'bank' in train.txt:"
    assert len(lines) == 3
    assert all("[bank]" in line for line in lines)
    shown = [float(line.split()[0]) for line in lines]
    assert shown == sorted(shown, reverse=True)
    elmo = ELMo.load("run")
    elmo.index(TEXT, ["bank"])
    assert shown == [round(n.similarity, 3) for n in elmo.similar("bank", "the bank of the river", 3)]
    assert err == "note: 1 of 5 words (20.0%) are unknown to the model, which reads <UNK> in their place\n"


def test_similar_looks_among_all_words_and_in_another_corpus_on_request(do):
    out, _ = do("similar", "run", "bank", "--in", "the bank of a river", "--corpus", "unseen.txt", "--any-word",
                "--top", 10**6)
    count = sum(map(len, UNSEEN))
    assert out.splitlines()[0] == f"nearest of {count} tokens in unseen.txt:"
    assert len(out.splitlines()) == count + 1


def test_similar_asks_which_of_two_and_takes_the_answer(do):
    sentence = "the bank of the river and the bank of the city"
    _, err = do("similar", "run", "bank", "--in", sentence, code=2)
    assert "occurs 2 times in the sentence" in err
    shown = {do("similar", "run", "bank", "--in", sentence, "--occurrence", n).out for n in (1, 2)}
    assert len(shown) == 2


def test_similar_prints_one_json_object_per_neighbour(do):
    out, _ = do("similar", "run", "bank", "--in", "the bank of the river", "--top", 3, "--json")
    elmo = ELMo.load("run")
    elmo.index(TEXT, ["bank"])
    assert [json.loads(line) for line in out.splitlines()] == [
        near._asdict() for near in elmo.similar("bank", "the bank of the river", 3)]
