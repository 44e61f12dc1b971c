"""`elmo-np sample`: texts, one per line, and unknown words of the prompt."""

import json

import pytest

from elmo_np import ELMo
from elmo_np.inference.sampling import sample


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_sample_prints_a_text_a_line(do, direction):
    options = {"direction": direction, "count": 12, "length": 6, "temperature": 0.8, "top_k": 40, "top_p": 0.9,
               "seed": 4}
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    out, err = do("sample", "run", "--prompt", "the bank", *words)
    expected = list(sample(ELMo.load("run"), "the bank", **options))
    texts = [" ".join(one.words) for one in expected]
    cut = "{} …" if direction == "forward" else "… {}"
    assert out.splitlines() == [text if one.ended else cut.format(text)
                                for text, one in zip(texts, expected, strict=True)]
    assert err == ""
    out, _ = do("sample", "run", "--prompt", "the bank", *words, "--json")
    assert [json.loads(line) for line in out.splitlines()] == [one._asdict() for one in expected]


def test_options_that_change_nothing_are_said(do):
    words = ["sample", "run", "--temperature", 0, "--count", 1, "--length", 2]
    plain, err = do(*words)
    assert err == ""
    out, err = do(*words, "--top-k", 3, "--top-p", 0.5)
    assert out == plain
    assert err == ("note: --top-k 3 changes nothing with --temperature 0, which takes the most probable word\n"
                   "note: --top-p 0.5 changes nothing with --temperature 0, which takes the most probable word\n")


def test_sample_says_which_words_of_the_prompt_the_model_does_not_know(do):
    out, err = do("sample", "run", "--prompt", "the xyzzy", "--count", 1, "--length", 2)
    assert out.startswith("the xyzzy")
    assert err == "not among the words of this model, so read as unknown: xyzzy\n"
