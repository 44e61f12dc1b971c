"""Fine-tuning: training begins where another ended, with its words, and what does not fit is refused."""

import shutil

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.cli.main import main
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import read_toml, replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.elmo import save_model
from elmo_np.inference.evaluate import evaluate
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters
from elmo_np.training.fine_tuning import settings_of
from elmo_np.training.metrics import read
from elmo_np.training.trainer import Trainer, train

TEXT = [list(sentence) for sentence in GrammarCorpus(seed=0, sentences=300)]
DOMAIN = [["the", "zymurgy", *sentence] for sentence in GrammarCorpus(seed=1, sentences=200)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A run that has read TEXT; no test changes it."""
    out = tmp_path_factory.mktemp("base") / "run"
    file = out.parent / "text.txt"
    file.write_text("".join(" ".join(words) + "\n" for words in TEXT))
    settings = ["hidden_dim=12", "embedding_dim=12", "batch_size=8", "dropout=0.25", "learning_rate=0.01", "threads=1"]
    assert main(["train", str(file), "--out", str(out), "--preset", "demo", "--epochs", "2", "--quiet",
                 *[word for setting in settings for word in ("--set", setting)]]) == 0
    return out


def test_training_begins_with_the_numbers_of_the_other_model(base, tmp_path, monkeypatch):
    seen = {}

    def step(self, batch):
        seen.update({name: p.value.copy() for name, p in parameters(self.elmo).items()})
        raise KeyboardInterrupt
    monkeypatch.setattr(Trainer, "_step", step)
    with pytest.raises(KeyboardInterrupt):
        train(DOMAIN, tmp_path / "run", settings=settings_of(base), quiet=True)
    expected = parameters(ELMo.load(base))
    assert seen.keys() == expected.keys()
    for name, p in expected.items():
        np.testing.assert_array_equal(seen[name], p.value)


def test_the_model_gets_better_on_the_domain_and_keeps_its_words(base, tmp_path):
    before, model_file = ELMo.load(base), (base / "model.safetensors").read_bytes()
    after = train(DOMAIN, tmp_path / "run", settings=settings_of(base), quiet=True)
    assert after.vocabulary == before.vocabulary
    assert "zymurgy" not in after.vocabulary
    held_out = [["the", "zymurgy", *sentence] for sentence in GrammarCorpus(seed=2, sentences=50)]
    first, then = (evaluate(own.model, own.vocabulary, held_out) for own in (before, after))
    assert then.forward < 0.9 * first.forward
    assert then.backward < 0.9 * first.backward
    assert (base / "model.safetensors").read_bytes() == model_file


def test_the_settings_are_those_of_the_run_for_one_epoch(base, tmp_path):
    settings = settings_of(base)
    assert settings.train == replaced(read_toml(base / "config.toml", settings), epochs=1).train
    assert (settings.data.corpus, settings.data.valid, settings.data.fine_tune) == (None, None, str(base))
    assert settings.model.dropout == 0.25
    (base.parent / "domain.txt").write_text("".join(" ".join(words) + "\n" for words in DOMAIN))
    assert main(["train", str(base.parent / "domain.txt"), "--fine-tune", str(base), "--out", str(tmp_path / "run"),
                 "--set", "dropout=0.5", "--set", "label_smoothing=0.1", "--epochs", "3", "--quiet"]) == 0
    written = read_toml(tmp_path / "run/config.toml", settings)
    assert (written.model.dropout, written.model.label_smoothing) == (0.5, 0.1)
    assert (written.train.epochs, written.data.fine_tune) == (3, str(base))


def test_fine_tuning_that_stopped_goes_on_to_the_same_bytes(base, tmp_path, monkeypatch):
    settings = replaced(settings_of(base), epochs=2)
    train(DOMAIN, tmp_path / "whole", settings=settings, quiet=True)
    original, steps = Trainer._step, []

    def step(self, batch):
        steps.append(batch)
        original(self, batch)
        if len(steps) == 10:
            self._save()
            raise KeyboardInterrupt
    monkeypatch.setattr(Trainer, "_step", step)
    with pytest.raises(KeyboardInterrupt):
        train(DOMAIN, tmp_path / "parts", settings=settings, quiet=True)
    monkeypatch.undo()
    train(DOMAIN, tmp_path / "parts", settings=settings, quiet=True, resume=True)
    for file in "model.safetensors", "last.safetensors":
        one, other = (checkpoint.load(tmp_path / name / file)[0] for name in ("whole", "parts"))
        assert {name: array.tobytes() for name, array in one.items()} == \
            {name: array.tobytes() for name, array in other.items()}


@pytest.mark.parametrize(("words", "message"), [
    (["--fine-tune", "nowhere"], "nowhere"),
    (["--fine-tune", "{base}", "--set", "hidden_dim=20"],
     "hidden_dim = 20, but the model of {base} has 12: expected the same, because training starts from its "
     "values; leave the setting out"),
    (["--fine-tune", "{base}", "--set", "layers=2"], "layers = 2, but the model of {base} has 1")])
def test_what_does_not_fit_is_one_line_and_nothing_is_written(words, message, base, tmp_path, capsys):
    corpus = tmp_path / "text.txt"
    corpus.write_text("the bank closed .\n" * 40)
    code = main(["train", str(corpus), "--out", str(tmp_path / "run"), "--quiet",
                 *[word.format(base=base) for word in words]])
    assert code == 2
    line, = capsys.readouterr().err.splitlines()
    assert message.format(base=base) in line
    assert not RunDirectory(tmp_path / "run").in_use()


def test_counts_of_another_corpus_stand_by_the_same_words():
    counted = Vocabulary.build([["a", "a", "b"]]).counted([["a", "c"], ["b", "a"]])
    assert dict(zip(counted.words, counted.counts, strict=True)) == \
        {"<S>": 2, "</S>": 2, "<UNK>": 1, "a": 2, "b": 1}


def test_a_model_that_splits_raw_text_goes_on_doing_so(base, tmp_path):
    file = tmp_path / "raw.txt"
    file.write_text("The bank closed, at last.\n" * 60)
    settings = replaced(settings_of(base), tokenize=True)
    train(str(file), tmp_path / "raw", settings=settings, quiet=True)
    assert settings_of(tmp_path / "raw").data.tokenize


def test_how_many_words_the_model_lacks_is_said(base, tmp_path, capsys):
    (tmp_path / "text.txt").write_text("the zymurgy the the\n" * 40)
    assert main(["train", str(tmp_path / "text.txt"), "--fine-tune", str(base), "--out", str(tmp_path / "run")]) == 0
    assert "38 of 152 words (25.0%) are not in the vocabulary and count as <UNK>" in capsys.readouterr().err


def test_a_stopped_fine_tuning_needs_the_model_that_it_began_with_no_more(base, tmp_path):
    began = shutil.copytree(base, tmp_path / "began")
    file = tmp_path / "domain.txt"
    file.write_text("".join(" ".join(words) + "\n" for words in DOMAIN))
    again = ["train", str(file), "--out", str(tmp_path / "run"), "--quiet"]
    assert main([*again, "--fine-tune", str(began)]) == 0
    shutil.rmtree(began)
    assert main([*again, "--resume", "--epochs", "2"]) == 0
    epochs = [row["epoch"] for row in read(tmp_path / "run/metrics.csv") if row["split"] == "valid"]
    assert epochs == ["1", "2"]
    code = main([*again, "--resume", "--fine-tune", str(began), "--epochs", "3"])
    assert code == 0


def test_settings_of_another_run_do_not_say_what_is_fine_tuned(base, tmp_path):
    (tmp_path / "text.txt").write_text("the zymurgy closed .\n" * 40)
    for name, more in ("config", ["--config", str(base / "config.toml")]), ("set", ["--set", "fine_tune=none"]):
        assert main(["train", str(tmp_path / "text.txt"), "--fine-tune", str(base), "--out", str(tmp_path / name),
                     "--epochs", "1", "--quiet", *more]) == 0
        assert read_toml(tmp_path / name / "config.toml", Settings()).data.fine_tune == str(base)
        assert ELMo.load(tmp_path / name).vocabulary == ELMo.load(base).vocabulary


@pytest.mark.parametrize("more", [["--fine-tune", "{run}"], ["--set", "fine_tune=other"], ["--preset", "demo",
                                                                                         "--fine-tune", "{base}"]])
def test_a_run_that_goes_on_cannot_begin_with_another_model(more, base, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(base, run)
    before = (run / "config.toml").read_text()
    corpus = base.parent / "text.txt"
    code = main(["train", str(corpus), "--out", str(run), "--resume", "--quiet",
                 *[word.format(run=run, base=base) for word in more]])
    assert code == 2
    assert "began with fine_tune = none, now it is" in capsys.readouterr().err
    assert (run / "config.toml").read_text() == before


def without_softmax(folder, sentences, **options):
    """A run as `convert` leaves it: a model that cannot predict."""
    vocabulary = Vocabulary.build(sentences)
    config = BiLMConfig(embedding_dim=4, hidden_dim=4, predict=False, **options)
    folder.mkdir()
    vocabulary.save(folder / "vocabulary.txt")
    elmo = ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)
    save_model(folder / "model.safetensors", elmo, Settings(model=config))
    return elmo


CHARACTERS = {"char_filters": ((1, 4), (3, 4)), "char_dim": 4, "max_characters": 12}


@pytest.mark.parametrize("softmax", ["full", "sampled", "adaptive"])
@pytest.mark.parametrize("options", [CHARACTERS, {}], ids=["characters", "words"])
def test_a_model_without_a_softmax_gets_a_new_one(tmp_path, monkeypatch, options, softmax):
    """Over the words of the text, if it reads characters; otherwise over its own, which it reads by id."""
    before, first = without_softmax(tmp_path / "base", TEXT, **options), {}

    def step(self, batch, whole=Trainer._step):
        first.update({name: p.value.copy() for name, p in parameters(self.elmo).items()} if not first else {})
        whole(self, batch)
    monkeypatch.setattr(Trainer, "_step", step)
    settings = replaced(settings_of(tmp_path / "base"), softmax=softmax, samples=20, batch_size=8, epochs=2)
    after = train(DOMAIN, tmp_path / "once", settings=settings, quiet=True)
    for name, p in parameters(before).items():
        np.testing.assert_array_equal(first[name], p.value)
    assert {name for name in first if ".softmax." in name} == set(first) - set(parameters(before))
    assert ("zymurgy" in after.vocabulary) == bool(options)
    assert after.model.config.predict
    held_out = [["the", "zymurgy", *sentence] for sentence in GrammarCorpus(seed=2, sentences=50)]
    assert evaluate(after.model, after.vocabulary, held_out).forward < len(after.vocabulary)
    train(DOMAIN, tmp_path / "twice", settings=replaced(settings, epochs=1), quiet=True)
    shutil.rmtree(tmp_path / "base")
    train(DOMAIN, tmp_path / "twice", settings=settings, resume=True, quiet=True)
    for name in "model.safetensors", "last.safetensors", "vocabulary.txt":
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()


def test_nobody_is_told_to_remove_a_folder_with_a_model(base, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    for name in "model.safetensors", "vocabulary.txt":
        shutil.copy(base / name, run)
    assert main(["train", "grammar", "--fine-tune", str(run), "--out", str(run)]) == 2
    assert capsys.readouterr().err == f"elmo-np: error: {run} already holds a run: give another directory\n"


def test_a_model_file_stands_for_its_folder(base):
    assert settings_of(base / "model.safetensors").train == settings_of(base).train
    assert settings_of(base).train != Settings().train


def test_the_mix_reads_normalised_layers_if_it_did_before(base, tmp_path):
    run = shutil.copytree(base, tmp_path / "base")
    elmo = ELMo.load(run)
    elmo.mix.layer_norm = True
    save_model(run / "model.safetensors", elmo, settings_of(run))
    assert train(DOMAIN, tmp_path / "run", settings=settings_of(run), quiet=True).mix.layer_norm
    longer = replaced(settings_of(run), epochs=2)
    assert train(DOMAIN, tmp_path / "run", settings=longer, quiet=True, resume=True).mix.layer_norm
