"""The options file: the shape of a model from it and back, and what is wrong with a file in one line."""

import dataclasses
import json

import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.errors import UserError
from elmo_np.io.bilm_tf_options import LARGEST, Options, table_of

WEIGHTS = {"by_id": False, "predict": True, "tie": False, "lstm_projection": True, "forget_bias": 1.0}
SHARED = {"share_embedding": True, "share_softmax": True, "forget_bias": 1.0}
CONFIGS = {
    "characters": BiLMConfig(embedding_dim=5, hidden_dim=9, projection_dim=5, layers=2, residual=True, cell_clip=3.0,
                             proj_clip=3.0, char_filters=[[1, 4], [2, 8]], char_dim=4, char_highways=2,
                             char_activation="tanh", max_characters=20, **SHARED),
    "words": BiLMConfig(embedding_dim=5, hidden_dim=9, projection_dim=5, **SHARED),
    "tied": BiLMConfig(embedding_dim=5, hidden_dim=9, projection_dim=5, tie=True, **SHARED),
}


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "options.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path
    return write


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_model_that_the_format_can_hold_has_the_same_shape_after_writing_and_reading(written, kind):
    config = CONFIGS[kind]
    options = Options.load(written(table_of(config)))
    found = options.config(**{**WEIGHTS, "by_id": config.char_filters is None, "tie": config.tie})
    assert dataclasses.asdict(found) == dataclasses.asdict(config)
    assert options.flag("share_embedding_softmax") == config.tie


def test_questions_by_dotted_key():
    options = Options("o", {"lstm": {"dim": 7, "clip": None, "on": True}, "zero": 0})
    assert options.has("lstm.dim")
    assert not options.has("lstm.clip")         # null counts as missing
    assert not options.has("char_cnn.filters")
    assert options.number("lstm.dim") == 7
    assert options.number("lstm.none", 3) == 3
    assert options.number("zero", 0) == 0
    assert options.flag("lstm.on")
    assert not options.flag("lstm.off")


@pytest.mark.parametrize(("ask", "message"), [
    (lambda o: o.number("lstm.dim"), "^o: found 'x' for lstm.dim, expected a whole number of at least 1$"),
    (lambda o: o.number("lstm.none"), "^o: found no lstm.none, expected a whole number of at least 1$"),
    (lambda o: o.number("lstm.true"), "^o: found True for lstm.true, expected a whole number"),
    (lambda o: o.number("lstm.minus", 0), "^o: found -1 for lstm.minus, expected a whole number of at least 0$"),
    (lambda o: o.flag("lstm.dim"), "^o: found 'x' for lstm.dim, expected true or false$"),
    (lambda o: o.has("lstm.dim.more"), "^o: found 'x' for lstm.dim, expected a table in braces$"),
])
def test_an_answer_that_makes_no_model_is_named(ask, message):
    with pytest.raises(UserError, match=message):
        ask(Options("o", {"lstm": {"dim": "x", "true": True, "minus": -1}}))


def test_tied_outputs_of_another_width_that_are_not_projected_are_refused(written):
    options = Options.load(written({"lstm": {"dim": 5, "projection_dim": 9}}))
    assert options.config(**{**WEIGHTS, "by_id": True, "lstm_projection": False}).embedding_dim == 9
    with pytest.raises(UserError, match=r"found 9 for lstm\.projection_dim, expected 5, lstm\.dim, because share_embe"):
        options.config(**{**WEIGHTS, "by_id": True, "lstm_projection": False, "tie": True})


@pytest.mark.parametrize("change", [{"bidirectional": False}, {"char_cnn": {"n_characters": 300}}])
def test_a_model_of_one_direction_or_of_other_characters_is_refused(written, change):
    table = {**table_of(CONFIGS["characters"]), **change}
    with pytest.raises(UserError, match=r"expected (true: both directions are needed|261 or 262)$"):
        Options.load(written(table)).config(**WEIGHTS)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"lstm": 3}', b"[" * 10**5,
                                     b" " * (LARGEST + 1) + b'{"lstm": {}}'])
def test_a_file_of_another_kind_is_refused_in_one_line(written, content):
    with pytest.raises(UserError, match=r"options\.json is not an options file of bilm-tf or AllenNLP: expected JSON "
                                        r'with "lstm": \{\.\.\.\}$'):
        Options.load(written(content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"^cannot read .*none: No such file or directory; expected an options file"):
        Options.load(tmp_path / "none")
