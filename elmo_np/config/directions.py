"""The directions in which a language model reads a text, in one place.

A model has one of them or both (`BiLMConfig.directions`), and all else goes over those that it has. A result with a
value for each direction has an attribute for each, named after it; that of a direction which the model lacks is None.
"""

from typing import Any

DIRECTIONS = ("forward", "backward")


def by_direction(result: object, name: str = "{}") -> dict[str, Any]:
    """{direction: its value} of a result, without the directions that it lacks.

    name    of the attributes, {} for the direction, such as "{}_nats"
    """
    found = {direction: getattr(result, name.format(direction)) for direction in DIRECTIONS}
    return {direction: value for direction, value in found.items() if value is not None}


def from_directions(values: dict[str, Any], name: str = "{}") -> dict[str, Any]:
    """The inverse of `by_direction`: the value of each attribute, None for a direction that `values` lacks."""
    return {name.format(direction): values.get(direction) for direction in DIRECTIONS}
