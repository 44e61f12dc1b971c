"""errors: a user error is a ValueError with a message of one line, which the command line prints."""

import pytest

from elmo_np import UserError as public
from elmo_np.cli.main import main
from elmo_np.errors import UserError


def test_a_program_sees_a_value_error():
    with pytest.raises(ValueError, match="no such thing"):
        raise UserError("no such thing")
    assert public is UserError


def test_a_line_break_in_what_was_given_does_not_make_a_second_line():
    assert str(UserError("label a\nb: expected\r\nanother")) == "label a b: expected another"


def test_the_command_line_prints_the_message_as_one_line_and_ends_with_2(tmp_path, capsys):
    assert main(["sample", str(tmp_path / "absent")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(tmp_path / "absent") in err
