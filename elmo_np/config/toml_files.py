"""Settings in text: TOML files, presets, key=value overrides, and the JSON of a model file."""

import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..errors import UserError
from ..runtime import json_text
from ..runtime.files import read_regular_text
from .fields import optional
from .schema import FIELDS, TABLE_OF, BiLMConfig, Config, DataConfig, Settings, TrainConfig

# Settings that 0.1 did not have, for to_json.
LATER = {"cell", "direction", "input_dropout", "output_dropout", "locked_dropout", "embedding_dropout", "weight_drop",
         "ar", "tar", "label_smoothing", "weight_decay", "random_steps", "groups", "average", "average_decay",
         "average_wait", "shards"}
LARGEST = 1 << 24           # bytes; a config.toml has four thousand, and the names of all files of the corpus
MOST_DOTS = 1000            # between the parts of names and of numbers; a config.toml has twenty
_NO_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*')     # texts and comments
# What other programs call our settings, where the spelling alone would suggest a wrong one.
OTHER_NAMES = {"alpha": "ar", "batch": "batch_size", "beta": "tar", "bptt": "steps", "bs": "batch_size",
               "clip": "clip_norm", "dropoute": "embedding_dropout", "dropouti": "input_dropout",
               "emb": "embedding_dim", "grad_clip": "clip_norm", "lr": "learning_rate", "max_grad_norm": "clip_norm",
               "nonmono": "average_wait", "seq_len": "steps", "sequence_length": "steps", "units": "hidden_dim",
               "vocab_size": "max_vocabulary", "wdecay": "weight_decay", "wdrop": "weight_drop"}


def preset(name: str) -> Settings:
    """The settings of elmo_np/config/presets/NAME.toml. Raises UserError for any other name, listing all names."""
    import importlib.resources

    folder = importlib.resources.files("elmo_np.config") / "presets"
    texts = {file.name[: -len(".toml")]: file for file in folder.iterdir() if file.name.endswith(".toml")}
    if name not in texts:
        raise UserError(f"unknown preset {name!r}: expected one of {', '.join(sorted(texts))}; "
                        f"the nearest is {_nearest(name, texts)!r}")
    return _updated(Settings(), _loads(texts[name].read_text(encoding="utf-8")))


def read_toml(path: str | os.PathLike[str], base: Settings) -> Settings:
    """The settings of a TOML file on top of others.

    path   a file with the tables [data], [model] and [train], all optional; "none" means None
    base   the settings that the file does not name
    Raises UserError: no such file, not TOML (with the line), an unknown table or key, a value out of its range.
    """
    try:
        return _updated(base, _parsed(read_regular_text(path, LARGEST, "utf-8-sig")))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; expected a TOML file: check it") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {' '.join(str(error).split())}; expected lines like dropout = 0.1: "
                        "fix that line") from error


def _parsed(text: str) -> dict[str, Any]:
    """The tables of a TOML file. Raises ValueError; RecursionError for values in too many levels."""
    if _NO_KEY.sub("", text).count(".") > MOST_DOTS:    # a.a.a.a = 1 takes time that grows with its length squared
        raise ValueError(f"more than {MOST_DOTS} dots")
    return _loads(text)


def _loads(text: str) -> dict[str, Any]:
    """The tables of a text in TOML. Raises ValueError."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]
    return tomllib.loads(text)


def override(settings: Settings, assignments: Iterable[str]) -> Settings:
    """Settings with some values replaced, all at once.

    assignments   "key=value" or "table.key=value"; a value in TOML, a bare word, or none
    Raises UserError for an unknown key or a value out of its range.
    """
    tables: dict[str, dict[str, object]] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"{assignment!r} sets nothing: expected key=value, for example epochs=3")
        table, _, name = key.strip().rpartition(".")
        tables.setdefault(table or _table_of(name), {})[name] = parsed_value(text.strip())
    return _updated(settings, tables)


def replaced(settings: Settings, **values: object) -> Settings:
    """Settings with the named fields replaced, whichever table they are in. Raises UserError like `override`."""
    tables: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        tables.setdefault(_table_of(name), {})[name] = value
    return _updated(settings, tables)


def write_toml(settings: Settings) -> str:
    """A TOML text with every field and its meaning; reading it gives equal settings, whatever the base."""
    lines: list[str] = []
    for table, fields in FIELDS.items():
        lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
        for name, field in fields.items():
            value = getattr(getattr(settings, table), name)
            text = json.dumps("none" if value is None else value, ensure_ascii=False)  # TOML lacks null
            text = text.replace("\x7f", "\\u007f")           # and a bare DEL, which JSON allows
            lines.append(f"{name} = {text}".ljust(28) + f"# {field.metadata['doc']}")
    return "\n".join(lines) + "\n"


def to_json(config: BiLMConfig | DataConfig | TrainConfig | Settings) -> str:
    """One line of JSON with sorted keys, for the metadata of a model file.

    A setting that 0.1 did not have is left out where it has its default: the text, and the hash of the model, are those
    of 0.1, which can read it.
    """
    values = {name: value for name, value in dataclasses.asdict(config).items()
              if name not in LATER or value != FIELDS[TABLE_OF[name]][name].default}
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def from_json(kind: type[Config], text: str) -> Config:
    """What `to_json` wrote, as an instance of `kind`; a field that an older version did not have gets its default.

    Raises UserError for text that is not such JSON, an unknown key, or a value out of its range.
    """
    try:
        values = json_text.loads(text)
    except ValueError as error:
        raise UserError(f"settings {text!r:.60} are not JSON; expected what to_json writes: save it again") from error
    part = {BiLMConfig: "model", DataConfig: "data", TrainConfig: "train"}.get(kind)  # None: Settings, which holds all
    settings = _updated(Settings(), {part: values} if part else values)
    return cast("Config", getattr(settings, part) if part else settings)


def _updated(base: Settings, tables: object) -> Settings:
    """Settings with the values of {table: {key: value}} in place of base's."""
    if not isinstance(tables, dict):
        raise UserError(f"settings {tables!r:.60}: expected the tables [data], [model] and [train]")
    parts: dict[str, Any] = {}
    for table, values in tables.items():
        if table not in FIELDS:
            hint = f"the nearest is [{_nearest(table, FIELDS)}]"
            if table in TABLE_OF:
                hint = f"put it below [{TABLE_OF[table]}]"
            raise UserError(f"unknown table {table!r:.60}: expected [data], [model] or [train]; {hint}")
        if not isinstance(values, dict):
            raise UserError(f"{table} = {values!r:.60}: expected a table [{table}] of key = value lines")
        parts[table] = dataclasses.replace(getattr(base, table), **_known(table, values))
    return dataclasses.replace(base, **parts)


def _known(table: str, values: Mapping[str, object]) -> dict[str, object]:
    """The values of one table, with "none" as None where a field allows it. Raises UserError for an unknown key."""
    for key in values:
        if key not in FIELDS[table]:
            raise _unknown(f"{table}.{key}")
    return {key: None if value == "none" and optional(FIELDS[table][key]) else value for key, value in values.items()}


def parsed_value(text: str) -> object:
    """The value in key=value: TOML if it is TOML, else a number like .5, else the bare word."""
    try:
        parsed = _loads(f"value = {text}")
    except (ValueError, RecursionError):
        parsed = {}
    if list(parsed) == ["value"]:  # a line break in the text would start a second key
        return parsed["value"]
    try:
        return float(text)
    except ValueError:
        return text


def _table_of(name: str) -> str:
    if name not in TABLE_OF:
        raise _unknown(name)
    return TABLE_OF[name]


def _unknown(name: str) -> UserError:
    bare = name.rpartition(".")[2]
    near = OTHER_NAMES.get(bare.lower()) or _nearest(bare, TABLE_OF)
    return UserError(f"unknown setting {name!r:.60}: the nearest is '{TABLE_OF[near]}.{near}'")


def _nearest(name: str, names: Iterable[str]) -> str:
    """The name with the most similar spelling; upper and lower case are the same."""
    import difflib

    return difflib.get_close_matches(name.lower(), sorted(names), n=1, cutoff=0)[0]
