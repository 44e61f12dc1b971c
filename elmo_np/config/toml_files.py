"""Settings in text: TOML files, presets, key=value overrides, and the JSON of a model file."""

import dataclasses
import difflib
import importlib.resources
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import UserError
from .fields import optional
from .schema import FIELDS, TABLE_OF, BiLMConfig, Config, DataConfig, Settings, TrainConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


def preset(name: str) -> Settings:
    """The settings of elmo_np/config/presets/NAME.toml. Raises UserError for another name, with the names there are."""
    folder = importlib.resources.files("elmo_np.config") / "presets"
    texts = {file.name[: -len(".toml")]: file for file in folder.iterdir() if file.name.endswith(".toml")}
    if name not in texts:
        raise UserError(f"unknown preset {name!r}: expected one of {', '.join(sorted(texts))}; "
                        f"the nearest is {_nearest(name, texts)!r}")
    return _updated(Settings(), tomllib.loads(texts[name].read_text(encoding="utf-8")))


def read_toml(path: str | os.PathLike[str], base: Settings) -> Settings:
    """The settings of a TOML file on top of others.

    path   a file with the tables [data], [model] and [train], all optional; "none" stands for None
    base   what holds where the file says nothing
    Raises UserError: no such file, no TOML (with the line), an unknown table or key, a value out of its range.
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        return _updated(base, tables)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; expected a TOML file: check it") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {' '.join(str(error).split())}; expected lines like dropout = 0.1: "
                        "mend that line") from error


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
        if not table and name not in TABLE_OF:
            raise _unknown(name)
        tables.setdefault(table or TABLE_OF[name], {})[name] = parsed_value(text.strip())
    return _updated(settings, tables)


def replaced(settings: Settings, **values: object) -> Settings:
    """Settings with the fields of those names replaced, whichever table they are in. Raises UserError as `override`."""
    tables: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        tables.setdefault(TABLE_OF[name], {})[name] = value
    return _updated(settings, tables)


def write_toml(settings: Settings) -> str:
    """A TOML text with every field and its meaning; reading it gives equal settings on whatever base."""
    lines: list[str] = []
    for table, fields in FIELDS.items():
        lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
        for name, field in fields.items():
            value = getattr(getattr(settings, table), name)
            text = json.dumps("none" if value is None else value, ensure_ascii=False)  # TOML has no null
            text = text.replace("\x7f", "\\u007f")           # nor a bare DEL, which JSON allows
            lines.append(f"{name} = {text}".ljust(28) + f"# {field.metadata['doc']}")
    return "\n".join(lines) + "\n"


def to_json(config: BiLMConfig | DataConfig | TrainConfig | Settings) -> str:
    """One line of canonical JSON, keys sorted, for the metadata of a model file."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True, separators=(",", ":"))


def from_json(kind: type[Config], text: str) -> Config:
    """What `to_json` wrote, as the class given; a field that an older version did not know gets its default.

    Raises UserError for text that is not such JSON, an unknown key, or a value out of its range.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
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
    """The values of one table, with "none" as None where a field allows it, once every key is known."""
    for key in values:
        if key not in FIELDS[table]:
            raise _unknown(f"{table}.{key}")
    return {key: None if value == "none" and optional(FIELDS[table][key]) else value for key, value in values.items()}


def parsed_value(text: str) -> object:
    """The value of a key=value: TOML where it is TOML, else a number like .5, else the bare word."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        parsed = {}
    if list(parsed) == ["value"]:  # a line end in the text would start a second key
        return parsed["value"]
    try:
        return float(text)
    except ValueError:
        return text


def _unknown(name: str) -> UserError:
    near = _nearest(name.rpartition(".")[2], TABLE_OF)
    return UserError(f"unknown setting {name!r:.60}: the nearest is '{TABLE_OF[near]}.{near}'")


def _nearest(name: str, names: Iterable[str]) -> str:
    return difflib.get_close_matches(name, sorted(names), n=1, cutoff=0)[0]
