"""What the tutorials share: source lines found by their tags, and a model that is the same wherever it is trained."""

import numpy as np
import pytest

from elmo_np import backend, tutorial
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.errors import UserError
from elmo_np.nn.parameter import parameters
from elmo_np.tutorial import kernel_source, show, show_kernel, trained


def test_the_lines_of_a_tag_are_printed_without_their_indentation(capsys):
    show("nn.lstm.step", "L3")
    assert capsys.readouterr().out == "c_t = f * c + i * g    # (L3)\n"


def test_a_tag_within_a_range_is_found(capsys):
    show("nn.lstm.LSTM.backward", "L5")
    assert "(L6)-(L1)" in capsys.readouterr().out


def test_a_whole_function_is_printed_as_it_stands(capsys):
    show("data.batches.reversed_sentences")
    assert capsys.readouterr().out.startswith("def reversed_sentences(sentences")


@pytest.mark.parametrize(("name", "tags"), [("lstm.nothing", ()), ("nothing.lstm", ()), ("lstm", ()),
                                            ("nn.lstm.lstm_forward", ("S1",))])
def test_what_is_not_there_is_said_in_one_line(name, tags):
    with pytest.raises(UserError, match=r"no source of|no line of") as caught:
        show(name, *tags)
    assert "\n" not in str(caught.value)


def test_the_lines_of_a_tag_in_a_kernel_are_printed_without_their_indentation(capsys):
    show_kernel("lstm.h", "gates_block", "L2", "L4")
    assert capsys.readouterr().out.splitlines() == [
        "VEC i = NAME(vsigmoid)(acc[r][0]), f = NAME(vsigmoid)(acc[r][1]);    /* (L2) */",
        "VEC o = NAME(vsigmoid)(acc[r][2]), g = NAME(vtanh)(acc[r][3]);    /* (L2) */",
        "c_t = NAME(clip)(c_t, -clip, clip);    /* (L4) */"]
    show_kernel("lstm.pxi", "lstm_forward", "L6")
    assert capsys.readouterr().out.endswith("proj_clip)    # (L6)\n")


@pytest.mark.parametrize(("file", "function", "last"), [
    ("lstm.pxi", "lstm_forward", "    return ifog_, h_, c_, m_"),
    ("lstm.pxi", "lstm_backward", "    return dx_, dh_, dc_"),
    ("vector.h", "load", "}"), ("matmul.h", "product", "}")])
def test_a_whole_kernel_is_printed_from_its_first_line_to_its_last(capsys, file, function, last):
    show_kernel(file, function)
    lines = capsys.readouterr().out.splitlines()
    assert f"{function}(" in lines[0].replace(")", "")
    assert lines[-1] == last
    assert all(line.startswith((" ", "#", "{")) or not line for line in lines[1:-1])
    assert "\n".join(lines) in kernel_source(file)


@pytest.mark.parametrize(("wanted", "message"), [
    (("nothing.h", "gates"), "no kernels/nothing.h"), (("lstm.h", "nothing"), "no function 'nothing'"),
    (("lstm.h", "gates_block", "S1"), "no line of gates_block in kernels/lstm.h has the tag S1")])
def test_what_is_not_there_of_a_kernel_is_said_in_one_line(wanted, message):
    with pytest.raises(UserError, match=message) as caught:
        show_kernel(*wanted)
    assert "\n" not in str(caught.value)


def test_the_kernels_of_an_installed_package_are_found_in_the_folder_in_which_python_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(tutorial, "__file__", str(tmp_path / "site-packages/elmo_np/tutorial.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="project's folder"):
        kernel_source("lstm.h")
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels/lstm.h").write_text("/* here */\n", encoding="utf-8")
    assert kernel_source("lstm.h") == "/* here */\n"


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
