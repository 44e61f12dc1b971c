"""`elmo-np substitutes`: the words that fit, as a table or as JSON."""

import json

from elmo_np import ELMo
from elmo_np.inference.substitutes import substitutes


def test_substitutes_shows_the_place_and_the_words_that_fit(do):
    sentence = "the bank of the river and the bank of the city"
    out, err = do("substitutes", "run", "bank", "--in", sentence, "--occurrence", 2, "--top", 5)
    place, head, *lines = out.splitlines()
    assert "the [bank] of the city" in place
    assert head.split() == ["rank", "probability", "forward", "backward", "word"]
    elmo = ELMo.load("run")
    expected = substitutes(elmo, "bank", sentence, 5, occurrence=2)
    assert [line.split()[4] for line in lines] == [one.word for one in expected]
    assert [line.split()[0] for line in lines] == [str(one.rank) for one in expected]
    assert ["(itself)" in line for line in lines] == [one.itself for one in expected]
    assert err == "note: 2 of 10 words (20.0%) are unknown to the model, which reads <UNK> in their place\n"
    rows = do("substitutes", "run", "___", "--in", "the ___ of", "--json", "--no-prior", "--others").out.splitlines()
    assert [json.loads(row) for row in rows] == [
        one._asdict() for one in substitutes(elmo, "___", "the ___ of", prior=False)]


def test_unknown_words_are_counted_aloud_but_not_the_one_to_replace(do):
    assert "unknown" not in do("substitutes", "run", "___", "--in", "the ___ of the").err
    assert "note: 1 of 4 words (25.0%) are unknown" in do(
        "substitutes", "run", "___", "--in", "the ___ of the xyzzy").err
