"""Figures: labelled, the same bytes from the same input, and any word drawn as it is written."""

import re
import subprocess
import sys
import warnings
from functools import partial
from html import escape
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from elmo_np.errors import UserError
from elmo_np.training.metrics import COLUMNS
from elmo_np.viz import plots
from tests.full_disk import room_for

RNG = np.random.default_rng(0)
STATIC, CONTEXTUAL = np.tile(RNG.normal(size=6), (12, 1)), RNG.normal(size=(12, 6))
SENSES = ["bank/river", "bank/money", "bank/money"] * 4
WORDS = ["<S>", "the", "bank", "of", "the", "river"]
IFOG = 1 / (1 + np.exp(-RNG.normal(size=(6, 4 * 9)).astype(np.float32)))


def curve(epochs=2, steps=5):
    """Rows of metrics.csv."""
    rows = []
    for epoch in range(1, epochs + 1):
        for step in range(1, steps + 2):
            loss = 5 - 0.1 * (epoch * steps + step)
            values = ("valid" if step > steps else "train", epoch, min(step, steps), 160, loss, loss + 0.1,
                      np.exp(loss), np.exp(loss + 0.1), 0.01, 1.0)
            rows.append(dict(zip(COLUMNS, map(str, values), strict=True)))
    return rows


FIGURES = {
    "curves": lambda: plots.training_curves(curve(), 300.0),
    "curves alone": lambda: plots.training_curves(curve()),
    "occurrences": lambda: plots.occurrences("bank", STATIC, CONTEXTUAL, SENSES),
    "senses by layer": lambda: plots.senses_by_layer("bank", [STATIC, CONTEXTUAL, CONTEXTUAL ** 2], SENSES),
    "gates": lambda: plots.gates(WORDS, IFOG, cells=5),
    "lines": lambda: plots.lines([1, 10, 100], {"one": [3, 2, 1], "other": [1.0, np.nan, 2]}, title="It falls",
                                 xlabel="steps", ylabel="loss (nats)", log="x", level=(2.5, "chance")),
    "bars": lambda: plots.bars(WORDS, {"one": range(6), "other": [1] * 6}, title="It grows", xlabel="word",
                               ylabel="loss (nats)", level=(2.5, "chance")),
    "region_means": lambda: plots.region_means(["one", "other"], {"a": [[1, 2, 3], [4]], "b": [[2, 3], []]},
                                               title="It rises", ylabel="surprisal (bits)"),
    "shares": lambda: plots.shares(["one", "other"], [0.4, 0.9], [(0.3, 0.5), (0.8, 1)], {"chance": [None, 0.5]},
                                   title="The other is better", xlabel="right", ylabel="suite"),
}


@pytest.fixture(params=FIGURES)
def draw(request):
    return FIGURES[request.param]


def drawn(figure):
    """The figure, after everything in it has really been laid out and drawn."""
    FigureCanvasAgg(figure).draw()
    return figure


def texts(figure):
    from matplotlib.text import Text
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def legend(figure):
    found = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    assert len(found) == 1
    return [text.get_text() for text in found[0].get_texts()]


def test_every_figure_has_a_title_and_labelled_axes(draw):
    figure = drawn(draw())
    bar = [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]
    axes = [ax for ax in figure.axes if ax not in bar]
    assert all(ax.get_title() for ax in axes)
    assert any(ax.get_ylabel() for ax in axes)
    assert all(ax.get_ylabel() for ax in bar)
    assert all(ax.get_xlabel() or ax.get_xticklabels() for ax in axes)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_input_gives_the_same_bytes(tmp_path, draw, suffix):
    for name in "one", "two":
        plots.save(draw(), (tmp_path / name).with_suffix(suffix))
    one, two = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("one", "two"))
    assert one == two
    assert one.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert len(one) > 5000


def test_the_training_curves_hold_both_directions_and_both_corpora():
    figure = drawn(plots.training_curves(curve(), 300.0))
    (ax,) = figure.axes
    assert legend(figure) == ["forward, training", "forward, held out", "backward, training", "backward, held out",
                          "unigram model, held out"]
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["forward, training"].get_xdata(), np.arange(1, 11) * 160)
    np.testing.assert_array_equal(lines["backward, held out"].get_xdata(), [800, 1600])
    expected = [float(row["backward_perplexity"]) for row in curve() if row["split"] == "valid"]
    np.testing.assert_array_equal(lines["backward, held out"].get_ydata(), expected)
    assert set(lines["unigram model, held out"].get_ydata()) == {300.0}
    assert ax.get_yscale() == "log"
    assert "perplexity" in ax.get_ylabel()
    assert "tokens" in ax.get_xlabel()


@pytest.mark.parametrize(("rows", "named"), [
    ([], []), (curve(1, 1), ["training", "held out"]),
    ([row for row in curve() if row["split"] == "valid"], ["held out"]),
    ([row for row in curve() if row["split"] == "train"], ["training"]),
], ids=["no row", "one step", "only validations", "no validation"])
def test_a_short_curve_is_drawn_and_its_legend_names_what_is_there(rows, named):
    figure = drawn(plots.training_curves(rows, 300.0))
    assert legend(figure) == [*(f"{direction}, {name}" for direction in ("forward", "backward") for name in named),
                              "unigram model, held out"]


@pytest.mark.parametrize("tokens", [2_000, 90_000, 15_000_000, 990_000_000])
def test_the_numbers_below_the_training_curves_do_not_overlap(tokens):
    rows = [{**row, "tokens": str(tokens // 10)} for row in curve()]
    ax, = drawn(plots.training_curves(rows)).axes
    shown = [label for label in ax.get_xticklabels() if ax.get_xlim()[0] <= label.get_position()[0] <= ax.get_xlim()[1]]
    boxes = [label.get_window_extent() for label in shown]
    assert len(boxes) > 2
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize("highest", [9, 70, 130, 250])
def test_the_heights_of_a_logarithmic_axis_are_named_and_do_not_overlap(highest):
    ax, = drawn(plots.lines([1, 2], {"one": [highest, 6.5]}, title="It falls", xlabel="epoch", ylabel="perplexity",
                            log="y")).axes
    low, high = ax.get_ylim()
    shown = [label for label in ax.get_yticklabels(which="both") if low <= label.get_position()[1] <= high]
    boxes = sorted((label.get_window_extent() for label in shown if label.get_text()), key=lambda box: box.y0)
    assert len(boxes) > 2
    assert all(below.y1 < above.y0 for below, above in pairwise(boxes))


@pytest.mark.parametrize("highest", [2_000, 60_000])
def test_the_perplexity_that_training_curves_end_at_can_be_read(highest):
    rows = [{**row, "forward_perplexity": str(perplexity), "backward_perplexity": str(perplexity)}
            for row, perplexity in zip(curve(), np.geomspace(highest, 57, 12), strict=True)]
    ax, = drawn(plots.training_curves(rows)).axes
    low, high = ax.get_ylim()
    named = [float(label.get_text()) for label in ax.get_yticklabels(which="both")
             if label.get_text() and low <= label.get_position()[1] <= high]
    assert {100, 200, 500, 1000} <= set(named)


@pytest.mark.parametrize(("values", "half"), [([1, 3], 12.706), ([1, 2, 3], 2.4843), (range(4), 2.0540),
                                              (range(30), 3.2873)])
def test_the_interval_of_a_mean_of_few_items_is_students(values, half):
    assert plots._half_interval(values) == pytest.approx(half, rel=1e-3)


def test_the_mean_of_one_item_has_no_interval():
    figure = drawn(plots.region_means(["one"], {"a": [[4.0]]}, title="It rises", ylabel="surprisal (bits)"))
    (bars,) = figure.axes[0].containers
    assert [np.isnan(np.array(cap.get_ydata(), float)).all() for cap in bars.lines[1]] == [True, True]


def test_the_curves_count_the_tokens_of_training_and_leave_sampled_losses_out():
    def row(split, tokens, perplexity):
        return {"split": split, "tokens": str(tokens), "forward_perplexity": perplexity,
                "backward_perplexity": perplexity}
    rows = [row("train", 100, "9"), row("valid", 7, "8"), row("train", 50, "6"), row("valid", 7, "5")]
    curves = plots.perplexity_curves(rows)
    assert curves["forward", "train"] == curves["backward", "train"] == [(100, 9.0), (150, 6.0)]
    assert curves["forward", "valid"] == curves["backward", "valid"] == [(100, 8.0), (150, 5.0)]
    assert plots.perplexity_curves([row("sampled", 100, ""), row("valid", 7, "8")]) == {
        ("forward", "valid"): [(100, 8.0)], ("backward", "valid"): [(100, 8.0)]}


def test_occurrences_are_drawn_static_beside_contextual_with_a_legend_of_senses():
    figure = drawn(plots.occurrences("bank", STATIC, CONTEXTUAL, SENSES))
    static, contextual = figure.axes
    assert static.get_title() == "static: one vector for every “bank”"
    assert contextual.get_title() == "contextual: “bank” separates by sense"
    assert legend(figure) == ["bank/money (8)", "bank/river (4)"]
    assert [len(points.get_offsets()) for points in contextual.collections] == [8, 4]
    assert "all 12 occurrences\nare at this point" in texts(figure)
    assert "of variance" not in static.get_xlabel()
    assert "variance" in contextual.get_xlabel()


def test_senses_by_layer_have_a_panel_a_layer_of_its_own_vectors():
    figure = drawn(plots.senses_by_layer("bank", [STATIC, CONTEXTUAL, CONTEXTUAL ** 2], SENSES))
    assert [ax.get_title() for ax in figure.axes] == ["layer 0", "layer 1", "layer 2"]
    assert legend(figure) == ["bank/money (8)", "bank/river (4)"]
    assert "no variance" in figure.axes[0].get_xlabel()
    river = [sense == "bank/river" for sense in SENSES]
    for ax, vectors in zip(figure.axes[1:], (CONTEXTUAL, CONTEXTUAL ** 2), strict=True):
        points = plots.principal_components(vectors)[0][river]
        np.testing.assert_array_equal(ax.collections[1].get_offsets(), points)


@pytest.mark.parametrize(("x", "ticks"), [([15, 30, 60], ["15", "30", "60"]), ([0.5, 2], ["0.5", "2"])])
def test_a_logarithmic_axis_of_few_powers_of_ten_names_the_places_themselves(x, ticks):
    figure = drawn(plots.lines(x, {"one": x}, title="It grows", xlabel="words", ylabel="nats", log="x"))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels(which="both")] == ticks


def test_more_senses_than_colours_are_drawn():
    senses = [f"sense {k}" for k in range(12)]
    assert len(legend(drawn(plots.occurrences("bank", STATIC, CONTEXTUAL, senses)))) == 12


def test_the_gates_of_the_cells_whose_forget_gate_varies_most_are_drawn():
    figure = drawn(plots.gates(WORDS, IFOG, cells=5))
    *axes, bar = figure.axes
    assert [ax.get_title().split(":")[0] for ax in axes] == ["input gate i", "forget gate f", "output gate o"]
    assert all([label.get_text() for label in ax.get_xticklabels()] == WORDS for ax in axes)
    assert "open (1)" in bar.get_ylabel()
    forget = IFOG[:, 9:18]
    chosen = np.argsort(-forget.std(axis=0), kind="stable")[:5]
    shown = [np.asarray(ax.collections[0].get_array()) for ax in axes]
    order = sorted(chosen, key=lambda cell: -forget[:, cell].mean())
    for k, image in enumerate(shown):
        assert image.shape == (5, 6)
        np.testing.assert_array_equal(image, IFOG[:, k * 9:(k + 1) * 9].T[order])


def test_fewer_cells_than_asked_for_are_all_drawn():
    axes = drawn(plots.gates(WORDS, IFOG, cells=40)).axes
    assert axes[0].collections[0].get_array().shape == (9, 6)
    assert axes[0].get_ylabel() == "the 9 cells whose forget gate varies most"


# Principal components


@pytest.mark.parametrize("shape", [(20, 6), (6, 20), (3, 3), (2, 5)])
def test_principal_components_are_those_of_the_singular_value_decomposition(shape, rng):
    vectors = rng.normal(size=shape)
    points, share = plots.principal_components(vectors)
    U, s, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    for k in range(min(2, len(s))):
        expected = U[:, k] * s[k]
        sign = np.sign(points[:, k] @ expected) or 1
        np.testing.assert_allclose(points[:, k] * sign, expected, atol=1e-12 * s[0])
    np.testing.assert_allclose(share, s[:2] ** 2 / (s ** 2).sum(), atol=1e-12)


def test_the_sign_of_an_axis_is_fixed(rng):
    vectors = rng.normal(size=(20, 6))
    points, _ = plots.principal_components(vectors)
    order = rng.permutation(20)
    np.testing.assert_allclose(plots.principal_components(vectors[order])[0], points[order], atol=1e-12 * 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("vectors", [STATIC, STATIC * 1e4, np.zeros((4, 3)), np.ones((1, 5))])
def test_vectors_that_are_the_same_are_one_point(vectors, dtype):
    points, share = plots.principal_components(vectors.astype(dtype))
    np.testing.assert_array_equal(points, np.zeros((len(vectors), 2)))
    np.testing.assert_array_equal(share, [0, 0])


def test_vectors_of_one_number_have_one_axis():
    points, share = plots.principal_components(np.array([[1.0], [2.0], [4.0]]))
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(np.array([-4, -1, 5]) / 3), atol=1e-12)
    assert not points[:, 1].any()
    np.testing.assert_allclose(share, [1, 0])


def test_vectors_on_a_line_have_all_their_variance_on_the_first_axis(rng):
    _, share = plots.principal_components(np.outer(rng.normal(size=9), rng.normal(size=4)) + 3)
    np.testing.assert_allclose(share, [1, 0], atol=1e-12)


# Any word is text


ODD = ["$x_1$", r"$\nosuch$", r"$\frac$", "$", "$$", r"\$", r"a\$b\$", "<b>", "&amp;", "%", "%s", "{x}", "a_b^c",
       "_private", "#", "\\", "~", "“", "naïve", "'s", "``"]


def written(figure, path):
    """The text of a figure as its .svg has it, where text stays text: a formula would be drawn as something else."""
    plots.save(figure, path)
    return [text.strip() for text in re.findall(r">([^<>]*)</text>", path.read_text(encoding="utf-8"))]


def test_words_of_odd_characters_are_drawn_as_they_are_written(tmp_path):
    ifog = np.resize(IFOG, (len(ODD), IFOG.shape[1]))
    shown = written(plots.gates(ODD, ifog, cells=3), tmp_path / "x.svg")
    for word in ODD:
        assert shown.count(escape(word, quote=False)) >= 3, word        # once below each gate
    plots.save(plots.gates(ODD, ifog, cells=3), tmp_path / "x.png")


@pytest.mark.parametrize("word", ["$x_1$", r"$\frac$", "$", r"a\$b\$", "<b>", "%"])
def test_a_word_or_a_sense_of_odd_characters_is_drawn_as_it_is_written(tmp_path, word):
    shown = written(plots.occurrences(word, STATIC, CONTEXTUAL, [word, "other"] * 6), tmp_path / "x.svg")
    for text in f"static: one vector for every “{word}”", f"contextual: “{word}” separates by sense", f"{word} (6)":
        assert escape(text, quote=False) in shown


def test_control_characters_are_shown_because_an_svg_cannot_contain_them(tmp_path):
    word = "\x1b[2J\x00\udcff"
    shown = written(plots.occurrences(word, STATIC, CONTEXTUAL, [word, "other"] * 6), tmp_path / "x.svg")
    assert r"\x1b[2J\x00\udcff (6)" in shown
    ElementTree.parse(tmp_path / "x.svg")       # well-formed
    assert [text.get_text() for text in drawn(plots.gates([word], IFOG[:1])).axes[0].get_xticklabels()] == [
        r"\x1b[2J\x00\udcff"]


def test_characters_without_a_glyph_are_one_line_and_stay_text_in_an_svg(tmp_path, capsys, recwarn):
    draw = partial(plots.bars, ["銀行", "bank"], {"one": [1, 2]}, title="It grows", ylabel="loss (nats)")
    assert "銀行" in written(draw(), tmp_path / "x.svg")
    assert capsys.readouterr().err == ""
    plots.save(draw(), tmp_path / "x.png")
    (line,) = capsys.readouterr().err.splitlines()
    assert "characters such as 行銀, which the font" in line
    assert not recwarn.list


def test_other_warnings_of_a_figure_are_passed_on_once(tmp_path, recwarn, monkeypatch):
    class Drawn:
        def savefig(self, *args, **kwargs):
            for text in ["Matplotlib currently does not support Devanagari natively.", "other"] * 2:
                warnings.warn(text, stacklevel=1)
    plots.save(Drawn(), tmp_path / "x.png")
    assert [str(warning.message) for warning in recwarn.list] == ["other"]


def test_a_very_long_name_leaves_room_for_the_axes():
    names = ["a" * 100 + "b", "a" * 44]
    row = (0.2, 0.1, 0.3)
    figure = drawn(plots.distances(names, {"one": [row, None], "two": [row, row], "three": [row, row]}, title="x"))
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown == ["a" * 22 + "…" + "a" * 20 + "b", "a" * 44]
    assert all(ax.get_position().width > 0.1 for ax in figure.axes)


def test_every_sense_is_in_the_legend_whatever_it_is_called():
    figure = drawn(plots.occurrences("bank", STATIC, CONTEXTUAL, ["_one", "$two$", ""] * 4))
    assert len(legend(figure)) == 3


# Files


def test_a_figure_that_cannot_be_written_is_one_clear_line(tmp_path, draw):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "x.png").mkdir()
    for path in tmp_path / "none" / "x.png", tmp_path / "file" / "x.png", tmp_path / "x.png":
        with pytest.raises(UserError, match=r"cannot write .*x.png: ") as caught:
            plots.save(draw(), path)
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_where_the_disk_is_full_the_old_figure_stays_whole(tmp_path, suffix):
    path = (tmp_path / "x").with_suffix(suffix)
    plots.save(FIGURES["bars"](), path)
    before = path.read_bytes()
    with room_for(4096), pytest.raises(UserError, match=r"cannot write .*: File too large; "):
        plots.save(FIGURES["lines"](), path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


@pytest.mark.parametrize("name", ["x", "x.txt", "", "x.png/"])
def test_a_name_that_is_not_that_of_a_new_figure_is_refused(tmp_path, name):
    (tmp_path / "x.png").write_text("mine")
    with pytest.raises(UserError, match=r"expected a name that ends in .png, .svg, .pdf|exists already: give another"):
        plots.check_target(f"{tmp_path}/{name}")
    with pytest.raises(UserError, match=r"there is no folder .*none; create it, or give another path"):
        plots.check_target(tmp_path / "none/x.svg")
    plots.check_target(tmp_path / "new.PNG")


def test_figures_need_no_screen_and_leave_the_users_style_alone(draw, tmp_path):
    import matplotlib
    before = dict(matplotlib.rcParams)
    plots.save(draw(), tmp_path / "x.png")
    assert dict(matplotlib.rcParams) == before
    assert draw().canvas.manager is None        # no window of pyplot's


def test_matplotlib_is_not_imported_before_a_figure_is_drawn():
    code = "import sys, elmo_np, elmo_np.cli.main, elmo_np.viz.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
