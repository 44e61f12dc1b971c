"""What the tutorials share: source lines found by their tags, and a model that is the same wherever it is trained."""

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.config import BiLMConfig
from elmo_np.errors import UserError
from elmo_np.grammar import GrammarCorpus
from elmo_np.parameter import parameters
from elmo_np.tutorial import show, trained


def test_the_lines_of_a_tag_are_printed_without_their_indentation(capsys):
    show("lstm.step", "L3")
    assert capsys.readouterr().out == "c_t = f * c + i * g    # (L3)\n"


def test_a_tag_within_a_range_is_found(capsys):
    show("lstm.LSTM.backward", "L5")
    assert "(L6)-(L1)" in capsys.readouterr().out


def test_a_whole_function_is_printed_as_it_stands(capsys):
    show("batches.turned")
    assert capsys.readouterr().out.startswith("def turned(sentences")


@pytest.mark.parametrize(("name", "tags"), [("lstm.nothing", ()), ("nothing.lstm", ()), ("lstm", ()),
                                            ("lstm.lstm_forward", ("S1",))])
def test_what_is_not_there_is_said_in_one_line(name, tags):
    with pytest.raises(UserError, match=r"no source of|no line of") as caught:
        show(name, *tags)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [{}, {"char_filters": ((1, 4), (3, 8)), "char_dim": 4, "max_characters": 12}],
                         ids=["by id", "by characters"])
def test_a_model_is_the_same_on_both_backends(words):
    if backend.why_not():
        pytest.skip(backend.why_not())
    sentences, found = list(GrammarCorpus(seed=0, sentences=200)), []
    for name in "numpy", "cython":
        with backend.use(name):
            elmo = trained(sentences, BiLMConfig(embedding_dim=8, hidden_dim=8, **words), epochs=2)
        found.append(parameters(elmo.model))
    for name, p in found[0].items():
        # 26 updates of at most 0.01, each right to some 1e-13 of itself but for what the updates before have changed
        np.testing.assert_allclose(p.value, found[1][name].value, rtol=0, atol=1e-11, err_msg=name)
    assert elmo.vectors([sentences[0]])[0].dtype == np.float64
