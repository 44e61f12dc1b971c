"""Code printed from its source: the lines of a tag, or a whole function."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tutorial import kernel_source, show, show_kernel


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
