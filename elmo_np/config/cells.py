"""The recurrent cells by the name that `model.cell` has for them: the only list of them in the package.

A new cell needs one line here; elmo_np/nn/cell.py has what its class owes the package, and tutorial 17 makes one.
"""

from typing import Any, NamedTuple


class Kind(NamedTuple):
    """One kind of cell.

    layer       its class, a `Cell`; or the path of that class, imported when a model is built: this package is below nn
    settings    those of OPTIONAL that it has; with another, it is refused
    """

    layer: str | type[Any]
    settings: tuple[str, ...] = ()


# Settings that not every cell has.
OPTIONAL = ("projection_dim", "cell_clip", "proj_clip", "forget_bias", "weight_drop")
CELLS = {
    "lstm": Kind("elmo_np.nn.lstm.LSTM", OPTIONAL),
    "gru": Kind("elmo_np.nn.gru.GRU", ("weight_drop",)),
}
