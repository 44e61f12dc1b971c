"""models: the gradient checks of whole models cover every parameter, in every way that parts are shared."""

import numpy as np
import pytest

from elmo_np.gradient_checks import CASES, models
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import Parameter


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("biLM")])
def test_every_parameter_of_a_bilm_is_among_the_arrays_of_its_case(name, monkeypatch):
    """Each of which test_gradients.py finds in the table."""
    made_models = []

    class Seen(BiLM):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made_models.append(self)
    monkeypatch.setattr(models, "BiLM", Seen)
    made = CASES[name](np.random.default_rng(0))
    model, = made_models
    held = {id(p.value) for p in reachable(model)}
    assert len(held) >= 8
    assert held == {id(array) for array in made.arrays.values()}


def reachable(thing, depth=8):
    """Every Parameter that can be reached from `thing`, however it is held: not by the package's own walk."""
    if isinstance(thing, Parameter):
        return [thing]
    children = thing if isinstance(thing, (list, tuple)) else vars(thing).values() if hasattr(thing, "__dict__") else ()
    return [p for child in children for p in reachable(child, depth - 1)] if depth else []


def test_every_way_to_share_and_every_output_layer_has_a_case():
    names = " ".join(name for name in CASES if name.startswith("biLM"))
    for part in ("nothing shared", "tied", "a pair per direction", "a CNN per direction", "CNN and softmax shared",
                 "adaptive softmax shared", "sampled softmax shared", "residual", "dropout", "clipped"):
        assert part in names, part
