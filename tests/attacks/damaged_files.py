"""Any bytes as a file: the numbers that are in it, or one line; no crash, no hang, no bare error, little memory.

Valid small files are damaged: bits flipped; pieces cut, doubled, moved; lengths and values replaced, also below a
digest that is then made right. What a reader accepts is compared with the numbers that are in the file.
"""

import contextlib
import functools
import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.random import Generator

from elmo_np import ELMo
from elmo_np.config.schema import FIELDS, Settings
from elmo_np.config.toml_files import _loads, read_toml
from elmo_np.data.vocabulary import SPECIAL_TOKENS, Vocabulary
from elmo_np.inference import embed_file
from elmo_np.inference.word_cache import WordCache
from elmo_np.io.npz import ArrayFile
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.signals import Interrupted
from elmo_np.tasks.data.examples import Occurrence
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.senses import WordSenses
from elmo_np.tasks.models.tagger import Tagger
from elmo_np.tasks.models.task_model import TaskModel
from elmo_np.tasks.models.translator import Translator
from tests.attacks.attempts import Case, Limits, Try
from tests.attacks.damage import arrays, damaged, json_changed, resealed, same, toml_changed
from tests.embedding_helpers import SENTENCES, of_characters, of_words
from tests.task_helpers import tiny_elmo
from tests.training_helpers import run as train

SHORT, LONG = 840, 2_000_000
LIMITS = Limits(seconds=120, memory=2)      # the files are small
TEXT = SENTENCES[:9]
SMALL = ("hidden_dim=4", "embedding_dim=4", "batch_size=4", "shuffle=0", "held_out=4")
Damage = Callable[[Generator, bytes], bytes]


def prepare(home: Path) -> None:
    """A valid file of each kind."""
    embed_file.BLOCK = 20           # words: so that several blocks are done, and several are not
    of_words().save(home / "words")
    characters = of_characters()
    characters.save(home / "characters")
    cache = WordCache(characters.model)
    cache.add(word for sentence in TEXT[:5] for word in sentence)
    cache.save(home / "cache")
    for state in "reset", "carry":
        embed_file.embed_file(of_words(), TEXT, home / f"{state}.whole.npz", state=state, quiet=True)
        _stopped_embedding(home / f"{state}.npz", state)
    train(home / "run", *SMALL, corpus=TEXT)
    for name, model in task_models().items():
        model.save(home / name)
    if find_spec("h5py"):
        characters.to_bilm_tf(home / "options.json", home / "weights.hdf5")


def _stopped_embedding(out: Path, state: str) -> None:
    """The folder out.part, with half of the text done."""
    add = ArrayFile.add

    def stopping(self, name, tokens, parts):
        if name == "5":
            raise KeyboardInterrupt
        add(self, name, tokens, parts)
    ArrayFile.add = stopping
    with contextlib.suppress(Interrupted):
        embed_file.embed_file(of_words(), TEXT, out, state=state, quiet=True)
    ArrayFile.add = add


@functools.cache
def task_models() -> dict[str, TaskModel]:
    elmo, config = tiny_elmo(), TaskConfig(hidden_dim=4, word_dim=4, decoder_dim=4)
    return {"classifier": SentenceClassifier(elmo, ["good", "bad"], config),
            "tagger": Tagger(elmo, ["O", "B-x", "I-x"], config),
            "senses": WordSenses(elmo, {"film": ["x", "y"], "paris": ["y", "z"]}, config),
            "translator": Translator(elmo, [*SPECIAL_TOKENS, "A", "B"], [SPECIAL_TOKENS[2], "anna"], config)}


@functools.cache
def word_model() -> ELMo:
    return of_words()


@functools.cache
def character_model() -> ELMo:
    return of_characters()


def _hurt(attempt: Try, name: str, damage: Damage, folder: Path | None = None) -> Path:
    """A damaged copy of a file of `home`; the first of a case is whole."""
    path = (folder or attempt.folder) / Path(name).name
    data = (attempt.home / name).read_bytes()
    path.write_bytes(damage(attempt.rng, data) if attempt.number else data)
    return path


def model(kind: str, damage: Damage) -> Case:
    def case(attempt: Try) -> None:
        folder = shutil.copytree(attempt.home / kind, attempt.folder / kind)
        path = _hurt(attempt, f"{kind}/model.safetensors", damage, folder)
        elmo = ELMo.load(folder)
        elmo.embed(TEXT[:2])
        assert same({name: p.value for name, p in parameters(elmo).items()}, path.read_bytes())
    return case


def vocabulary(attempt: Try) -> None:
    folder = shutil.copytree(attempt.home / "words", attempt.folder / "words")
    path = _hurt(attempt, "words/vocabulary.txt", damaged, folder)
    words = Vocabulary.load(path).words
    text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode().replace("\r\n", "\n")
    assert words == text.removesuffix("\n").removesuffix("\r").split("\n")
    ELMo.load(folder)
    assert words == word_model().vocabulary.words


def config(damage: Damage) -> Case:
    def case(attempt: Try) -> None:
        path = _hurt(attempt, "run/config.toml", damage)
        settings = read_toml(path, Settings())
        given = _loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
        for table, values in given.items():
            for key, value in values.items():
                found = getattr(getattr(settings, table), key)
                if type(value) is int and isinstance(found, float):
                    value = float(value)
                assert json.dumps("none" if found is None else found) == json.dumps(value), f"{key} = {found}, {value}"
        assert set(given) <= set(FIELDS)
    return case


def published(name: str, damage: Damage) -> Case:
    def case(attempt: Try) -> None:
        for file in ("options.json", "weights.hdf5"):
            shutil.copy(attempt.home / file, attempt.folder)
        _hurt(attempt, name, damage)
        elmo = ELMo.from_bilm_tf(attempt.folder / "options.json", attempt.folder / "weights.hdf5")
        elmo.embed(TEXT[:2])
        assert all(np.isfinite(p.value).all() for p in parameters(elmo.model).values())
        elmo.to_bilm_tf(attempt.folder / "o.json", attempt.folder / "w.hdf5")
        again = ELMo.from_bilm_tf(attempt.folder / "o.json", attempt.folder / "w.hdf5")
        for key, p in parameters(elmo.model).items():
            np.testing.assert_allclose(parameters(again.model)[key].value, p.value, rtol=1e-6)
    return case


def checkpoint(damage: Damage) -> Case:
    """last.safetensors: training goes on from it to the end."""
    def case(attempt: Try) -> None:
        folder = shutil.copytree(attempt.home / "run", attempt.folder / "run")
        _hurt(attempt, "run/last.safetensors", damage, folder)
        train(folder, *SMALL, "epochs=3", corpus=TEXT, resume=True)
        ELMo.load(folder)
    return case


def partial(name: str, damage: Damage, state: str = "reset") -> Case:
    """The folder of a stopped embedding: the file that it goes on to is the same to the byte.

    Not where a carried state was changed below a right digest: then the vectors are those of that state.
    """
    def case(attempt: Try) -> None:
        folder = shutil.copytree(attempt.home / f"{state}.npz.part", attempt.folder / "x.npz.part")
        path = _hurt(attempt, f"{state}.npz.part/{name}", damage, folder)
        data = path.read_bytes()
        out = attempt.folder / "x.npz"
        embed_file.embed_file(word_model(), TEXT, out, state=state, resume=True, quiet=True)
        other_state = state == "carry" and arrays(data)
        assert other_state or out.read_bytes() == (attempt.home / f"{state}.whole.npz").read_bytes()
        with np.load(out) as file:
            assert [len(file[name][0]) for name in file.files] == [len(sentence) for sentence in TEXT]
    return case


def cache(damage: Damage) -> Case:
    def case(attempt: Try) -> None:
        path = _hurt(attempt, "cache", damage)
        data = path.read_bytes()
        found = WordCache.load(path, character_model().model)
        backward = {} if found.backward is found.forward else {"backward": found.backward}
        assert same({"forward": found.forward, **backward}, data)
        assert list(found.numbers) == json.loads(arrays(data)["words"])
        embed_file.embed_file(character_model(), TEXT, attempt.folder / "x.npz", cache=path, quiet=True)
    return case


def task(name: str, damage: Damage) -> Case:
    def case(attempt: Try) -> None:
        path = _hurt(attempt, name, damage)
        known = task_models()[name]
        found = type(known).load(path, known.elmo)
        assert same({key: p.value for key, p in parameters(found.network).items()}, path.read_bytes())
        asked = [[Occurrence(1, "film", ""), Occurrence(0, "paris", "")]] if name == "senses" else []
        found.predict([["good", "film", "."], ["paris", "anna"]], *asked)
    return case


CASES: dict[str, Case] = {
    "model, any bytes": model("words", damaged),
    "model, digest right": model("words", resealed),
    "model of characters, digest right": model("characters", resealed),
    "vocabulary": vocabulary,
    "config, any bytes": config(damaged),
    "config, any values": config(toml_changed),
    "checkpoint, any bytes": checkpoint(damaged),
    "checkpoint, digest right": checkpoint(resealed),
    "partial result, arrays": partial("arrays.npz", damaged),
    "partial result, place, any bytes": partial("place.safetensors", damaged),
    "partial result, place, digest right": partial("place.safetensors", resealed),
    "partial result, carried state": partial("place.safetensors", resealed, "carry"),
    "word cache, any bytes": cache(damaged),
    "word cache, digest right": cache(resealed),
    **{f"{name}, digest right": task(name, resealed) for name in ("classifier", "tagger", "senses", "translator")},
}
if find_spec("h5py"):
    CASES |= {"options, any bytes": published("options.json", damaged),
              "options, any values": published("options.json", json_changed),
              "weights, any bytes": published("weights.hdf5", damaged)}
