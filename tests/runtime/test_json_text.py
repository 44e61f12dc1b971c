"""json_text: JSON as json reads it, unless it would take memory or levels out of proportion."""

import pytest

from elmo_np.runtime import json_text
from tests.memory_helpers import peak


@pytest.mark.parametrize(("text", "value"), [
    ("7", 7), ('{"a": [1, null], "b": {}}', {"a": [1, None], "b": {}}), (r'"[,{\"[[,,"', '[,{"[[,,'), ("[]", []),
])
def test_text_is_read_as_json_reads_it(text, value):
    assert json_text.loads(text) == value
    assert json_text.loads(text, 5) == value          # what is inside a string does not count


def test_objects_are_made_by_a_function_of_their_pairs():
    assert json_text.loads('{"a": 1, "a": 2}', pairs=list) == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("text", ["", "{", "[1,]", "x", '{"a"}', "[" * 100_000, '{"a":' * 100_000, "9" * 5000])
def test_other_text_is_a_value_error(text):
    with pytest.raises(ValueError, match=r".+"):
        json_text.loads(text)


@pytest.mark.parametrize("text", ["[" + "[]," * 600_000 + "0]", "[" + "{}," * 600_000 + "0]",
                                  "[" + '"",' * 600_000 + "0]", "[" + "1.5," * 600_000 + "0]"])
def test_many_values_are_refused_before_they_take_memory(text):
    def refused():
        with pytest.raises(ValueError, match="more than 524,288 values"):
            json_text.loads(text)
    assert peak(refused) < 2 * len(text)
