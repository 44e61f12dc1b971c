"""The options file of published weights: JSON; the keys that shape the model are read and checked, or written."""

from __future__ import annotations

import os
from typing import Any

from ..config.schema import BiLMConfig
from ..errors import UserError
from ..runtime import json_text
from ..runtime.files import open_regular

LARGEST = 1 << 20           # bytes; a real one has about a thousand


class Options:
    """The options by dotted key, such as "lstm.dim". Methods raise UserError for a value that makes no model."""

    def __init__(self, path: str | os.PathLike[str], table: dict[str, Any]):
        self.path, self.table = path, table

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Options:
        try:
            with open_regular(path) as file:
                text = file.read(LARGEST + 1)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}; expected an options file of bilm-tf or "
                            "AllenNLP: check the path") from error
        try:
            table = json_text.loads(text.decode("utf-8-sig")) if len(text) <= LARGEST else None
        except ValueError:
            table = None
        if not isinstance(table, dict) or not isinstance(table.get("lstm"), dict):
            raise UserError(f"{path} is not an options file of bilm-tf or AllenNLP: expected JSON with "
                            "\"lstm\": {...}")
        return cls(path, table)

    def has(self, key: str) -> bool:
        """Whether there is such a key with a value."""
        return self._get(key) is not None

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number of at least 1, or of at least 0 if the default is 0."""
        found, least = self._get(key, default), 0 if default == 0 else 1
        if type(found) is not int or found < least:
            raise self._wrong(key, found, f"a whole number of at least {least}")
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        found = self._get(key, default)
        if not isinstance(found, bool):
            raise self._wrong(key, found, "true or false")
        return found

    def config(self, *, by_id: bool, predict: bool, tie: bool, lstm_projection: bool, forget_bias: float) -> BiLMConfig:
        """The shape of the model; the arguments are what only the weights show. Characters are projected."""
        if self._get("bidirectional", True) is not True:
            raise self._wrong("bidirectional", self._get("bidirectional"), "true: both directions are needed")
        H, P = self.number("lstm.dim"), self.number("lstm.projection_dim")
        if tie and P > H and not lstm_projection:
            raise self._wrong("lstm.projection_dim", P, f"{H}, lstm.dim, because share_embedding_softmax is true and "
                              "the outputs are not projected")
        characters = {} if by_id else self._characters()
        try:
            return BiLMConfig(
                embedding_dim=P, hidden_dim=H, projection_dim=P if P < H or lstm_projection else None,
                layers=self.number("lstm.n_layers", 1), residual=self.flag("lstm.use_skip_connections"),
                cell_clip=self._get("lstm.cell_clip"), proj_clip=self._get("lstm.proj_clip"),
                forget_bias=forget_bias, share_embedding=True, share_softmax=True, predict=predict, tie=tie,
                **characters)
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from None

    def samples(self, V: int) -> int | None:
        """How many words a sampled softmax over V words draws; None: it was trained over all of them."""
        samples = self.number("n_negative_samples_batch", 0)
        return samples if 0 < samples < V and self.flag("sample_softmax", default=True) else None

    def _characters(self) -> dict[str, Any]:
        count = self._get("char_cnn.n_characters", 262)
        if count not in (261, 262) or isinstance(count, bool):
            raise self._wrong("char_cnn.n_characters", count, "261 or 262")
        return {"char_filters": self._get("char_cnn.filters") or [], "char_dim": self.number("char_cnn.embedding.dim"),
                "char_activation": self._get("char_cnn.activation"),
                "char_highways": self.number("char_cnn.n_highway", 0),
                "max_characters": self.number("char_cnn.max_characters_per_token", 50)}

    def _get(self, key: str, default: Any = None) -> Any:
        """The value of a dotted key; null counts as missing."""
        found: Any = self.table
        for part in key.split("."):
            if not isinstance(found, dict):
                raise self._wrong(key.rpartition(".")[0], found, "a table in braces")
            found = found.get(part)
            if found is None:
                return default
        return found

    def _wrong(self, key: str, found: object, expected: str) -> UserError:
        what = "no" if found is None else f"{found!r:.60} for"
        return UserError(f"{self.path}: found {what} {key}, expected {expected}")


def table_of(config: BiLMConfig) -> dict[str, Any]:
    """The options of a model that fits the format. Both bilm-tf and AllenNLP read null as no clip."""
    table: dict[str, Any] = {"lstm": {
        "dim": config.hidden_dim, "projection_dim": config.embedding_dim, "n_layers": config.layers,
        "cell_clip": config.cell_clip, "proj_clip": config.proj_clip, "use_skip_connections": config.residual}}
    if config.char_filters is not None:
        table["char_cnn"] = {
            "embedding": {"dim": config.char_dim}, "filters": config.char_filters, "n_highway": config.char_highways,
            "activation": config.char_activation, "max_characters_per_token": config.max_characters,
            "n_characters": 262}
    if config.tie:
        table["share_embedding_softmax"] = True
    return table
