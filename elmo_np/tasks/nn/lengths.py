"""The lengths of the sentences of a batch, as several layers are given them."""

from ...types import Array


def check_lengths(layer: str, lengths: Array, B: int, T: int) -> None:
    """Raise ValueError, which names the layer, unless lengths are B whole numbers from 1 to T, and B is at least 1."""
    if not B or not T:
        raise ValueError(f"{layer} was given {B} sentences of {T} steps, "
                         "expected at least one of each")
    if lengths.shape != (B,) or ((lengths < 1) | (lengths > T)).any():
        raise ValueError(f"{layer} lengths are {lengths}, "
                         f"expected {B} whole numbers from 1 to {T}")
