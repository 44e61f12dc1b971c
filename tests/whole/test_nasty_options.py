"""Every option of every command, and every setting, with odd values: the exit code is 0 or 2, a message is one line.

The options are those of the parser, so a new one is tested without anybody having to think of it.
"""

import argparse
import dataclasses
import io
import re

import pytest

from elmo_np.cli.main import main, parser
from elmo_np.config.schema import FIELDS, Settings
from elmo_np.config.toml_files import override
from elmo_np.errors import UserError
from elmo_np.tasks.models.config import TaskConfig, overridden

HUGE = "9" * 20
VALUES = ["0", "-1", "nan", "-inf", "1e308", "9" * 5000, "", "--", "\x1b[2J\udcff", "a" * 5000,
          "0/" + HUGE, "/dev/zero"]
SMALL = ["--set", "epochs=1", "--set", "hidden_dim=4"]
TRAIN = ["--preset", "demo", *SMALL, "--set", "embedding_dim=4", "--set", "threads=1", "--quiet"]
DATA = {"classify": "tsv", "tag": "conll", "senses": "senses", "translate": "pairs", "wic": "data.txt"}
COLUMNS = {"classify": "sentence=1", "tag": "word=1", "senses": "sentence=1,position=2,word=3", "translate": "source=1",
           "wic": "word=1"}
COMMANDS = {
    "train": ["train", "text.txt", "--out", "{out}/run", *TRAIN],
    "tune": ["tune", "text.txt", "--out", "{out}/tune", "--trials", "2", "--over", "dropout=0.1", *TRAIN],
    "evaluate": ["evaluate", "bilm", "text.txt"],
    "embed": ["embed", "bilm", "text.txt", "--out", "{out}/x.npz"], "sample": ["sample", "bilm", "--count", "1"],
    "score": ["score", "bilm", "text.txt"],
    "similar": ["similar", "bilm", "tom", "--in", "tom", "--corpus", "text.txt"],
    "substitutes": ["substitutes", "bilm", "tom", "--in", "tom saw"],
    "vectors": ["vectors", "bilm", "--out", "{out}/x", "--corpus", "text.txt"],
    "explore": ["explore", "bilm", "--out", "{out}/x.html", "--corpus", "text.txt"],
    "change": ["change", "bilm", "text.txt", "text.txt", "tom"],
    "report": ["report", "bilm", "--out", "{out}/x.html"], "export": ["export", "bilm", "--out", "{out}/x"],
    "convert": ["convert", "text.txt", "text.txt", "--out", "{out}/x"],
    "corpus": ["corpus", "text.txt", "--out", "{out}/x.txt"], "demo": ["demo", "--out", "text.txt"],
    "probe": ["probe", "bilm", "pairs.tsv"], "surprisal": ["surprisal", "bilm", "text.txt"],
    "exercise start": ["exercise", "start", "04", "--out", "{out}/x.py"], "exercise bug": ["exercise", "bug"],
    "tutorial": ["tutorial", "03"], "gradcheck": ["gradcheck", "embedding"], "info": ["info"]}
for name, end in DATA.items():
    given = ["--bilm", "bilm"]
    files = [f"train.{end}", "--test", f"test.{end}", *given]
    COMMANDS |= {
        f"task {name} train": ["task", name, "train", *files, "--out", "{out}/x", *SMALL, "--quiet"],
        f"task {name} compare": ["task", name, "compare", *files, "--out", "{out}/x", *SMALL, "--quiet", "--seeds", "1",
                                 "--inputs", "static"],
        f"task {name} evaluate": ["task", name, "evaluate", name, f"test.{end}", *given],
        f"task {name} predict": ["task", name, "predict", name, f"test.{end}", *given, "--columns", COLUMNS[name]]}
# What would only take long, as it was asked to: each of these values is a right one.
LONG = {("demo", "--out"), ("demo", "--seed")}


def options(of, path=()):
    """(command, option) for all options with a value."""
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, own in action.choices.items():
                yield from options(own, (*path, name))
        elif action.option_strings and action.nargs != 0:
            yield " ".join(path), action.option_strings[-1]


OPTIONS = sorted({*options(parser())} - LONG)


def test_every_command_is_there():
    assert {command for command, _ in options(parser())} <= set(COMMANDS)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_no_value_of_an_option_ends_in_more_than_one_line(command, option, task_home, tmp_path, monkeypatch, capsys):
    text = tmp_path / "text.txt"
    text.write_text("anna saw tom .\ngood film .\n" * 20)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for number, value in enumerate(VALUES):
        out = tmp_path / str(number)
        out.mkdir()
        monkeypatch.chdir(out)      # where whatever has the odd name is written
        words = [word.format(out=out).replace("text.txt", str(text)) for word in COMMANDS[command]]
        words[1:] = [str(task_home / word) if (task_home / word).exists() else word for word in words[1:]]
        if words[0] == "task":
            words[1] = command.split()[1]       # also the name of a directory
        code = main([*words, f"{option}={value}"])
        printed, err = capsys.readouterr()
        assert code in (0, 2), (value, err)
        assert "Traceback" not in printed + err
        if code == 2:
            line, = re.findall("elmo-np: error: .*", err)
            assert len(line) < 1000 + len(value), value


MORE = ["[]", "[[1, 2]]", f"[{HUGE}, {HUGE}]", f"[[{HUGE}, 1]]", "{a = 1}", "1979-05-27", "'", "[" * 5000, HUGE,
        f"1{'0' * 23}", "1e-320", "true", "none"]
SETTINGS = [("train", name) for fields in FIELDS.values() for name in fields]
SETTINGS += [("task", field.name) for field in dataclasses.fields(TaskConfig)]


@pytest.mark.parametrize(("of", "name"), SETTINGS)
def test_a_setting_takes_a_value_or_refuses_it_in_one_line(of, name):
    change, settings = (override, Settings()) if of == "train" else (overridden, TaskConfig())
    messages = []
    for value in [*VALUES, *MORE]:
        try:
            change(settings, [f"{name}={value}"])
        except UserError as error:
            messages.append(str(error))
    assert messages
    assert all("\n" not in message and len(message) < 1000 for message in messages)
