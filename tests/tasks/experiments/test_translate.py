"""translate: its splits, its measure with and without sacrebleu, its inputs."""

from elmo_np import ELMo
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.data.examples import Examples
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.models.translator import Translation, Translator
from tests.task_helpers import FAST_OPTIONS, TRANSLATE_OPTIONS


def test_all_translations_of_a_source_are_in_the_same_part():
    examples = Examples([[str(k % 20)] for k in range(50)], [[str(k)] for k in range(50)])
    rest, held_out = TASKS["translate"].hold_out(examples, 10, 0)
    assert not {k % 20 for k in rest} & {k % 20 for k in held_out}


def test_without_sacrebleu_token_accuracy_is_the_measure(task_home, run, monkeypatch):
    monkeypatch.setattr("elmo_np.tasks.experiments.translate.available", lambda: False)
    code, out, err = run("translate", "evaluate", "translate", "test.pairs")
    assert (code, err) == (0, "")
    assert out.startswith("token accuracy on 80 test sentences:")
    assert "for BLEU: pip install 'elmo_np[bleu]'" in out


def test_a_translator_can_read_the_mix_and_an_embedding(task_home, run, tmp_path):
    out = tmp_path / "out"
    assert run("translate", "train", "train.pairs", "--test", "test.pairs", "--bilm", "bilm", "--input", "learnt+mix",
               "--out", out, "--quiet", *FAST_OPTIONS, *TRANSLATE_OPTIONS)[0] == 0
    model = Translator.load(out / "model.safetensors", ELMo.load(task_home / "bilm"))
    assert {"embedding.E", "input.mix.w"} <= set(parameters(model.network))
    code, printed, _ = run("translate", "predict", out, "new.txt")
    assert code == 0
    assert "GOOD FILM ." in printed


def test_long_sources_are_left_out():
    task = TASKS["translate"]
    examples = Examples([["a"], ["a", "b", "c"], ["a", "b"]], [["x"], ["y"], ["z"]])
    assert task.fitting(examples, task.defaults.__class__(max_source=2)) == ([["a"], ["a", "b"]], [["x"], ["z"]])


def test_a_line_has_the_source_and_its_translation():
    examples = Examples([["good", "film"]], [["GOOD", "FILM"]])
    assert TASKS["translate"].lines(None, examples, [Translation(["GOOD"], None)]) == ["good film\tGOOD"]
