"""The demo on little text: everything is done, printed and drawn, and a second run finds it done."""

import json
import re
import signal

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.cli import demo
from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.errors import UserError
from elmo_np.inference.neighbours import nearest_neighbour_accuracy
from elmo_np.inference.occurrences import occurrences_of
from elmo_np.runtime.signals import Interrupted
from elmo_np.training.metrics import read
from elmo_np.training.trainer import Trainer
from tests.commands import everything
from tests.training_helpers import contents

RUN = ["config.toml", "curves.png", "last.safetensors", "metrics.csv", "model.safetensors", "vocabulary.txt"]


def prose(count=300):
    """Sentences with the words that the demo looks for in Python's documentation, in several uses."""
    rng = np.random.default_rng(0)
    frames = ["Return a {} that holds the {} of the list .", "If the {} does not {} the {} , an error is raised .",
              "The {} side of the {} is in the same {} as before .", "Use this {} to sort by {} and nothing else ."]
    words = ["string", "class", "match", "right", "order", "key", "value", "name", "number"]
    for _ in range(count):
        frame = frames[rng.integers(len(frames))]
        yield tuple(frame.format(*rng.choice(words, frame.count("{}"), replace=False)).split())


@pytest.fixture(autouse=True)
def little(monkeypatch):
    """The same demo with a tiny model, three hundred sentences of prose and eight hundred of the grammar."""
    text = tuple(dict.fromkeys(prose()))
    monkeypatch.setattr("elmo_np.data.pydoc_corpus._pydoc_sentences", lambda: text)
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 800)
    tiny = override(Settings(), ["hidden_dim=8", "embedding_dim=8", "batch_size=8", "steps=10", "optimizer=adam",
                                 "learning_rate=0.02", "min_count=2", "shuffle=100", "threads=1"])
    monkeypatch.setattr(demo, "preset", lambda name: tiny if name == "demo" else None)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture
def done(kept, little, capsys):
    """A folder in which the demo is done, and what it printed then."""
    if not kept.exists():
        demo.demo(str(kept))
        kept.with_name("printed.txt").write_text(capsys.readouterr().out, encoding="utf-8")
    return kept, kept.with_name("printed.txt").read_text(encoding="utf-8")


def test_it_leaves_two_runs_and_their_pictures(done):
    folder, _ = done
    assert sorted(contents(folder / "pydoc")) == sorted([*RUN, "gates.png"])
    assert sorted(contents(folder / "grammar")) == sorted([*RUN, f"{demo.DRAWN}.png"])
    for path in folder.rglob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    for name in "pydoc", "grammar":
        assert np.isfinite(ELMo.load(folder / name).embed([["the", "."]])[0]).all()


def test_it_prints_the_perplexities_of_both_directions_beside_the_unigram_models(done):
    folder, printed = done
    parts = printed.split("Part 2 of 2")
    assert len(parts) == 2
    for part, name in zip(parts, ("pydoc", "grammar"), strict=True):
        unigram = float(re.search(r"^  unigram model, no context +([\d.]+)$", part, re.M)[1])
        best = min((row for row in read(folder / name / "metrics.csv") if row["split"] == "valid"),
                   key=lambda row: float(row["forward_loss"]) + float(row["backward_loss"]))
        for direction in "forward", "backward":
            found = re.search(rf"^  {direction} language model +([\d.]+)   ([\d.]+) times lower$", part, re.M)
            assert float(found[1]) == pytest.approx(float(best[f"{direction}_perplexity"]), abs=0.06)
            ratio = unigram / float(found[1])       # all three are shown with one digit behind the point
            assert float(found[2]) == pytest.approx(ratio, abs=0.06 + ratio / unigram)
        assert re.search(rf"^Perplexity on {int(best['tokens']):,} held-out tokens", part, re.M)


def test_it_shows_two_uses_of_each_of_three_words_and_what_is_near_to_them(done):
    part = done[1].split("Part 2 of 2")[0]
    heads = re.findall(r"^     > .*\[(\w+)\]", part, re.M)
    assert len(heads) == 6
    assert len(set(heads)) == 3
    assert heads[0::2] == heads[1::2]
    assert set(heads) <= set(demo.WORDS)
    blocks = re.split(r"^     > ", part, flags=re.M)[1:]
    for word, block in zip(heads, blocks, strict=True):
        near = re.findall(r"^  (-?\d\.\d\d) .*\[(\w+)\]", block, re.M)
        assert 1 <= len(near) <= 3
        assert {other for _, other in near} == {word}
        shown = [float(similarity) for similarity, _ in near]
        assert shown == sorted(shown, reverse=True)


def test_it_shows_how_often_the_nearest_occurrence_has_the_same_sense(done):
    folder, printed = done
    elmo, corpus = ELMo.load(folder / "grammar"), demo.fresh_sentences(0)
    rows = dict(re.findall(r"^  (\w+) +(\d+ +\d+ +\d+% +\d+%)$", printed, re.M))
    assert list(rows) == list(demo.STUDIED)
    assert "bank" in rows
    for word in "bank", "match":
        static, contextual, senses = occurrences_of(elmo, corpus, word)
        expected = (len(senses), len(set(senses)), f"{nearest_neighbour_accuracy(static, senses):.0%}",
                    f"{nearest_neighbour_accuracy(contextual, senses):.0%}")
        assert rows[word].split() == [str(value) for value in expected]


def test_with_json_the_figures_are_one_object_and_the_rest_is_on_stderr(done, capsys):
    folder, printed = done
    assert main(["demo", "--out", str(folder), "--json"]) == 0
    out, err = capsys.readouterr()
    assert all(line in err.splitlines() for line in printed.splitlines())
    found = json.loads(out)
    for name, part in zip(("pydoc", "grammar"), printed.split("Part 2 of 2"), strict=True):
        perplexity = found[name]["perplexity"]
        assert f"Perplexity on {perplexity['targets']:,} held-out" in part
        assert f"  forward language model     {perplexity['forward']:7.1f} " in part
        assert f"  unigram model, no context  {perplexity['unigram']:7.1f}" in part
    for word, own in found["grammar"]["senses"].items():
        row = f"{own['occurrences']:11}  {own['senses']:6}  {own['static']:7.0%}  {own['contextual']:10.0%}"
        assert f"  {word:8} {row}" in printed
    assert list(found["grammar"]["senses"]) == list(demo.STUDIED)


def test_the_sentences_that_senses_are_looked_up_in_were_not_trained_on():
    trained = {tuple(sentence) for sentence in GrammarCorpus(seed=3)}
    written = {tuple(sentence) for sentence in GrammarCorpus(seed=4)}
    fresh = [sentence.tokens for sentence in demo.fresh_sentences(3)]
    assert trained & written        # a short sentence is written twice by chance
    assert set(fresh) == written - trained
    assert len(set(fresh)) == len(fresh)


def test_it_says_where_to_look_and_how_to_go_on(done, capsys):
    folder, printed = done
    look = re.search(r"^Look at   (.*)$", printed, re.M)[1]
    for path in look.split(", "):
        assert path.startswith(str(folder))
        assert (folder / path.removeprefix(f"{folder}/")).exists()
    assert f'elmo-np similar {folder}/grammar bank --in "the bank of the river was steep ."' in printed
    assert main(["similar", f"{folder}/grammar", "bank", "--in", "the bank of the river was steep ."]) == 0
    assert capsys.readouterr().out.count("[bank]") == 10


def test_a_second_run_trains_nothing_and_prints_and_leaves_the_same(done, capsys, monkeypatch):
    folder, printed = done
    before = everything(folder)

    def step(self, batch):
        raise AssertionError("the demo trains what is trained already")
    monkeypatch.setattr(Trainer, "_step", step)
    assert main(["demo", "--out", str(folder)]) == 0
    assert capsys.readouterr().out == printed
    assert everything(folder) == before


@pytest.mark.usefixtures("undrawn")
def test_a_demo_that_was_stopped_goes_on_to_the_same_end(done, tmp_path, monkeypatch, capsys):
    folder, printed = done
    with monkeypatch.context() as patch:
        def pressed(self, batch, step=Trainer._step):
            step(self, batch)
            if self.place.step == 5 and self.place.epoch == 2:
                signal.raise_signal(signal.SIGINT)
        patch.setattr(Trainer, "_step", pressed)
        with pytest.raises(Interrupted):
            demo.demo(str(tmp_path / "out"))
    capsys.readouterr()
    demo.demo(str(tmp_path / "out"))
    assert capsys.readouterr().out == printed.replace(str(folder), str(tmp_path / "out"))
    for name in "model.safetensors", "last.safetensors":
        assert (tmp_path / "out/pydoc" / name).read_bytes() == (folder / "pydoc" / name).read_bytes()


def test_the_message_of_a_stopped_demo_says_the_command_that_goes_on(tmp_path, monkeypatch, capsys):
    def pressed(self, batch, step=Trainer._step):
        step(self, batch)
        signal.raise_signal(signal.SIGINT)
    monkeypatch.setattr(Trainer, "_step", pressed)
    assert main(["demo", "--out", str(tmp_path / "out")]) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"^elmo-np: stopped at epoch 1, step 1; .* to go on: .*the same command", said)
    assert "--resume" not in said       # which the demo does not know


def test_another_seed_is_another_demo(done, capsys):
    folder, _ = done
    before = everything(folder)
    assert main(["demo", "--out", str(folder), "--seed", "1"]) == 2
    assert re.search(r"^elmo-np: error: [^\n]+\n\Z", capsys.readouterr().err, re.M)
    assert everything(folder) == before


@pytest.mark.parametrize(("out", "message"), [
    ("file", "file is a file: expected a folder, or a name for a new one"), ("file/demo", "file"),
])
def test_a_name_that_can_be_no_folder_is_refused(tmp_path, out, message):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=message):
        demo.demo(str(tmp_path / out))
    assert contents(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("name", ["pydoc/vocabulary.txt", "pydoc/gates.png", "grammar/play.png"])
def test_a_folder_of_another_run_is_refused_and_left_as_it_is(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir()
    file.write_text("mine\n")
    with pytest.raises(UserError, match=r" contains files of another run: give another --out, or remove it$"):
        demo.demo(str(tmp_path))
    assert everything(tmp_path) == {file.relative_to(tmp_path): b"mine\n"}


@pytest.mark.usefixtures("undrawn")
def test_prose_without_the_words_is_no_reason_to_stop(tmp_path, monkeypatch, capsys):
    text = tuple(sentence for sentence in dict.fromkeys(prose()) if not set(sentence) & set(demo.WORDS))
    text += tuple(("one", "value", str(n)) for n in range(60))
    monkeypatch.setattr("elmo_np.data.pydoc_corpus._pydoc_sentences", lambda: text)
    monkeypatch.setattr(demo, "STUDIED", ("bank",))
    demo.demo(str(tmp_path / "out"))
    assert capsys.readouterr().out.count("Perplexity on") == 2
