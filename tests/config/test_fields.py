"""The rules of a setting: every field is checked, converted, and named in the error."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.config.schema import FIELDS, BiLMConfig, DataConfig, TrainConfig
from elmo_np.errors import UserError

quick = settings(derandomize=True, deadline=None, max_examples=200)
KINDS = {"data": DataConfig, "model": BiLMConfig, "train": TrainConfig}


def one_line(error: UserError) -> None:
    assert len(str(error).splitlines()) == 1


A_LIST = "a list of pairs of whole numbers of at least 1, or none"
RISING_EXPECTED = "expected a list like [10, 20] of rising whole numbers, each of at least 1, or none"


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        (BiLMConfig, "dropout", 1.2, "dropout = 1.2: expected a number of at least 0 and less than 1"),
        (BiLMConfig, "dropout", 1, "dropout = 1: expected a number of at least 0 and less than 1"),
        (BiLMConfig, "dropout", -0.1, "dropout = -0.1: expected a number of at least 0 and less than 1"),
        (BiLMConfig, "dropout", math.nan, "dropout = nan: expected a number of at least 0 and less than 1"),
        (BiLMConfig, "dropout", None, "dropout = None: expected a number of at least 0 and less than 1"),
        (BiLMConfig, "dropout", "0.1", "dropout = '0.1': expected a number of at least 0 and less than 1"),
        (BiLMConfig, "layers", True, "layers = True: expected a whole number of at least 1 and at most 1000"),
        (BiLMConfig, "layers", 2.0, "layers = 2.0: expected a whole number of at least 1 and at most 1000"),
        (BiLMConfig, "layers", 0, "layers = 0: expected a whole number of at least 1 and at most 1000"),
        (BiLMConfig, "projection_dim", 0, "projection_dim = 0: expected a whole number of at least 1, or none"),
        (BiLMConfig, "cell_clip", 0, "cell_clip = 0: expected a number above 0, or none"),
        (BiLMConfig, "init_scale", math.inf, "init_scale = inf: expected a number above 0 and at most 1000, or none"),
        (BiLMConfig, "tie", 1, "tie = 1: expected true or false"),
        (BiLMConfig, "char_filters", [], f"char_filters = []: expected {A_LIST}"),
        (BiLMConfig, "char_filters", [[1, 2, 3]], f"char_filters = [[1, 2, 3]]: expected {A_LIST}"),
        (BiLMConfig, "char_filters", [[1, 0]], f"char_filters = [[1, 0]]: expected {A_LIST}"),
        (BiLMConfig, "char_filters", [[1, True]], f"char_filters = [[1, True]]: expected {A_LIST}"),
        (BiLMConfig, "char_filters", [[1, 2], 3], f"char_filters = [[1, 2], 3]: expected {A_LIST}"),
        (BiLMConfig, "char_filters", "12", f"char_filters = '12': expected {A_LIST}"),
        (BiLMConfig, "char_activation", "elu", "char_activation = 'elu': expected one of relu, tanh"),
        (BiLMConfig, "max_characters", 2, "max_characters = 2: expected a whole number of at least 3 and at most 1000"),
        (BiLMConfig, "softmax", "hierarchical", "softmax = 'hierarchical': expected one of full, adaptive, sampled"),
        (BiLMConfig, "cutoffs", 2000, f"cutoffs = 2000: {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", "2000,6000", f"cutoffs = '2000,6000': {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", [], f"cutoffs = []: {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", [6, 2], f"cutoffs = [6, 2]: {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", (2, 2), f"cutoffs = (2, 2): {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", [0, 2], f"cutoffs = [0, 2]: {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", [2, 6.0], f"cutoffs = [2, 6.0]: {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", [True, 6], f"cutoffs = [True, 6]: {RISING_EXPECTED}"),
        (BiLMConfig, "cutoffs", [[2, 6]], f"cutoffs = [[2, 6]]: {RISING_EXPECTED}"),
        (BiLMConfig, "div_value", 0, "div_value = 0: expected a whole number of at least 1"),
        (TrainConfig, "learning_rate", True, "learning_rate = True: expected a number above 0"),
        (TrainConfig, "learning_rate", 10**400, f"learning_rate = 1{'0' * 59}: expected a number above 0"),
        (TrainConfig, "steps", 10**23, f"steps = {10**23}: expected at most {2**63 - 1}"),
        (TrainConfig, "learning_rate", 1e31, "learning_rate = 1e+31: expected at most 1e+30"),
        (BiLMConfig, "forget_bias", -1e308, "forget_bias = -1e+308: expected at least -1e+30"),
        (BiLMConfig, "cutoffs", [1, 10**30], f"cutoffs = [1, {10**30}]: expected at most {2**63 - 1}"),
        (BiLMConfig, "init_scale", 1e308, "init_scale = 1e+308: expected a number above 0 and at most 1000, or none"),
        (BiLMConfig, "layers", 10**8, "layers = 100000000: expected a whole number of at least 1 and at most 1000"),
        (TrainConfig, "decay", 1.5, "decay = 1.5: expected a number above 0 and at most 1"),
        (TrainConfig, "optimizer", "rmsprop", "optimizer = 'rmsprop': expected one of sgd, adagrad, adam"),
        (TrainConfig, "optimizer", ["sgd"], "optimizer = ['sgd']: expected one of sgd, adagrad, adam"),
        (TrainConfig, "threads", 3, "threads = 3: expected a whole number of at least 1 and at most 2"),
        (DataConfig, "held_out", 1, "held_out = 1: expected a whole number of at least 2"),
        (DataConfig, "tokenize", "yes", "tokenize = 'yes': expected true or false"),
        (DataConfig, "corpus", 3, "corpus = 3: expected a word, or none"),
        (DataConfig, "valid", True, "valid = True: expected a word, or none"),
        (DataConfig, "min_count", None, "min_count = None: expected a whole number of at least 1"),
        (DataConfig, "max_vocabulary", 3, "max_vocabulary = 3: expected a whole number of at least 4, or none"),
    ],
)
def test_a_wrong_value_is_named_with_its_field_and_range(
    kind: type[Any], field: str, value: object, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        kind(**{field: value})
    assert str(caught.value) == message


@quick
@given(st.sampled_from([(table, name) for table in FIELDS for name in FIELDS[table]]),
       st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary())
def test_any_value_is_either_taken_or_refused_in_one_line(place: tuple[str, str], value: Any) -> None:
    kind: Any = KINDS[place[0]]
    try:
        kept = getattr(kind(**{place[1]: value}), place[1])
    except UserError as error:
        one_line(error)
    else:
        assert kept == (tuple(value) if isinstance(value, list) else value)


def test_a_whole_number_becomes_a_float_where_a_float_is_meant() -> None:
    assert type(TrainConfig(learning_rate=1).learning_rate) is float
    assert type(BiLMConfig(cell_clip=3).cell_clip) is float


def test_a_number_that_python_does_not_write_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^steps = a number of thousands of digits: expected at most 92233720"):
        TrainConfig(steps=10**5000)


def test_numbers_of_numpy_become_plain_ones() -> None:
    model = BiLMConfig(layers=np.int64(2), dropout=np.float32(0.5),  # type: ignore[arg-type]
                       cutoffs=tuple(np.array([2, 6])))
    assert (type(model.layers), type(model.dropout)) == (int, float)
    assert [type(cutoff) for cutoff in model.cutoffs or ()] == [int, int]


def test_a_list_of_numbers_is_kept_as_a_tuple_so_that_settings_can_be_a_key() -> None:
    listed: Any = [2, 6]
    assert BiLMConfig(cutoffs=listed).cutoffs == (2, 6)
    assert {BiLMConfig(cutoffs=listed): 1}[BiLMConfig(cutoffs=(2, 6))] == 1
