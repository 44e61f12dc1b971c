"""The reports of training and of gradient checks: their sections, and the figures in them."""

import re

import numpy as np
import pytest

from elmo_np import ELMo, backend, gradient_checks
from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.corpus import held_out, open_corpus
from elmo_np.inference.gradient_reach import longest, reach
from elmo_np.inference.sampling import sample
from elmo_np.inference.token_indexer import token_indexer
from elmo_np.nn.gradcheck import Row
from elmo_np.viz import reports
from elmo_np.viz.reports import SECTIONS, Checked, Finished, gradcheck_page
from tests.page_helpers import QUIET, Elements, model
from tests.training_helpers import CORPUS


def test_training_leaves_a_report_with_every_section(run):
    text = (run / "run/report.html").read_text(encoding="utf-8")
    found = Elements(text)
    assert found.texts["h2"] == list(SECTIONS)
    assert "best: the model kept" in found.texts["td"]
    assert found.texts["h3"][:2] == ["forward", "backward"]
    elmo = ELMo.load(run / "run")
    for direction in "forward", "backward":
        for drawn in sample(elmo, direction=direction, count=5, length=30):
            assert any(text.startswith(" ".join(drawn.words)) for text in found.texts["li"])
    assert {"hidden_dim", "NumPy", np.__version__} <= set(found.texts["td"])
    assert [tag for tag, _ in found.tags].count("svg") == 2
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert len([1 for tag, attributes in found.tags if attributes.get("class") == "near"]) == 6


def test_the_report_shows_how_far_gradients_reach_on_what_was_validated_on(run):
    text = (run / "run/report.html").read_text(encoding="utf-8")
    elmo, valid = ELMo.load(run / "run"), list(held_out(open_corpus(str(run / "corpus.txt")), 20)[1])
    assert preset("demo").train.state == "carry"
    found = reach(elmo.model, token_indexer(elmo.model, elmo.vocabulary), valid, 21, joined=True)
    assert found.targets == (sum(map(len, valid)) + len(valid)) // 21 > 2
    assert f"averaged over {found.targets} held-out words" in text
    for k in 1, 20:
        cells = [f"<td class=number>{100 * lengths[k] / lengths[0]:.3g}%</td>" for lengths in found[:2]]
        assert f"<tr><td class=number>{k}</td>{''.join(cells)}</tr>" in text


@pytest.mark.parametrize("options", [{}, {"char_filters": ((1, 4), (3, 4)), "char_dim": 4}],
                         ids=["words", "characters"])
def test_the_reach_of_whole_sentences_ends_where_they_do(options):
    sentences = [sentence[:10] for sentence in CORPUS[:200] if len(sentence) >= 10]
    settings = replaced(Settings(), state="reset")

    def section(valid):
        return SECTIONS["How far back gradients reach"](
            Finished(model(sentences, **options), settings, [], None, valid, None, (), QUIET))
    assert longest(sentences, joined=False) == 11
    rows = re.findall(r"<tr><td class=number>(\d+)</td>", section(sentences))
    assert [int(k) for k in rows] == [1, 2, 3, 5]           # 10 places back is the boundary
    assert section([("a", "b")] * 30) == "<p>The sentences of the validation text are too short for this.</p>"


def test_a_training_with_sampled_losses_has_a_report_of_its_perplexities(tmp_path):
    (tmp_path / "text.txt").write_text("the bank closed at noon .\n" * 60)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "2",
                 "--set", "softmax=sampled", "--set", "samples=4", "--set", "hidden_dim=8"]) == 0
    text = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "Sampled training losses are not perplexities and are not shown." in text
    curves = text[text.index("<svg"):text.index("</svg>")]
    assert 'class="forward valid' in curves
    assert "forward train" not in curves


def test_the_table_of_perplexities_names_the_best_validation_also_within_an_epoch():
    def row(epoch, step, loss):
        return {"split": "valid", "epoch": str(epoch), "step": str(step), "tokens": "10", "learning_rate": "0.1",
                **{f"{direction}_loss": str(loss) for direction in ("forward", "backward")},
                **{f"{direction}_perplexity": f"{np.exp(loss):.6g}" for direction in ("forward", "backward")}}

    def section(rows):
        return SECTIONS["Perplexities"](Finished(None, Settings(), rows, None, None, None, (), QUIET))
    found = section([row(1, 5, 6), row(1, 9, 5), row(2, 5, 3), row(2, 9, 4), row(3, 5, 4.5), row(3, 9, 4.6)])
    cells = re.findall(r"<tr><td class=number>([^<]+)</td>.*?<td>([^<]*)</td></tr>", found)
    assert cells == [("1", ""), ("2, step 5", "best: the model kept"), ("2", ""), ("3", "")]
    assert "Best at epoch 2 of 3, worse since." in found
    assert "worse since" not in section([row(1, 9, 5), row(2, 9, 4)])


def test_gradcheck_writes_its_table_as_a_page(tmp_path, monkeypatch, capsys):
    assert main(["gradcheck", "embedding", "lstm", "--backend", "numpy", "--report", str(tmp_path / "page.html")]) == 0
    found = Elements((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert found.texts["h2"] == ["embedding", "lstm", "Versions"]
    with backend.use("numpy"):
        for name in "embedding", "lstm":
            for row in gradient_checks.run(name):
                assert {row.array, f"{row.error:.1e}"} <= set(found.texts["td"])
    assert "WRONG" not in " ".join(found.texts["td"])
    assert main(["gradcheck", "--backend", "numpy", "--report", str(tmp_path / "none/page.html")]) == 2
    assert "none/page.html" in capsys.readouterr().err


def test_a_wrong_gradient_stands_first_on_its_page():
    row = Row("W<b>", (0,), 1.0, 2.0, 0.3, 4)
    text = gradcheck_page(["numpy"], [Checked("a case", [[row, row._replace(array="b", error=1e-9)]])], [])
    found = Elements(text)
    assert found.texts["h2"] == ["Wrong", "a case", "Versions"]
    assert f"numpy, a case: {row}" in found.texts["td"]
    assert {"3.0e-01 WRONG", "1.0e-09"} <= set(found.texts["td"])


def test_gradients_are_followed_back_in_the_beginning_of_a_text():
    assert len(list(reports._beginning([["a"] * 9] * 9000))) == reports.SENTENCES
    assert len(list(reports._beginning([["a"] * 30_000] * 9))) == 4


def test_a_model_of_one_direction_has_a_report_of_it_and_can_be_trained_further(tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("the bank closed at noon .\nthe river bank was steep .\n" * 60)
    small = [word for key in ("hidden_dim=8", "embedding_dim=8", "epochs=1") for word in ("--set", key)]
    assert main(["train", str(text), "--out", str(tmp_path / "run"), *small, "--set", "direction=backward"]) == 0
    told = capsys.readouterr().err
    assert "validation perplexity: backward " in told
    assert "forward" not in told
    assert main(["train", str(text), "--out", str(tmp_path / "more"), "--fine-tune", str(tmp_path / "run")]) == 0
    for name in "run", "more":
        found = Elements((tmp_path / name / "report.html").read_text(encoding="utf-8"))
        assert found.texts["h3"][0] == "backward"
        assert "forward" not in [*found.texts["h3"], *found.texts["th"]]
        assert [tag for tag, _ in found.tags].count("svg") == 2
    assert main(["train", str(text), "--out", str(tmp_path / "other"), "--fine-tune", str(tmp_path / "run"),
                 "--set", "direction=both"]) == 2
    assert "direction = 'both', but the model of " in capsys.readouterr().err
