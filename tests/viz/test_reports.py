"""The pages without a browser: what they hold, that a text stays text, weight, the same bytes, and whose neighbours."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from elmo_np import ELMo, backend
from elmo_np import gradient_checks as gradient_cases
from elmo_np.cli.main import main
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.corpus import held_out, open_corpus
from elmo_np.data.grammar import AMBIGUOUS, GrammarCorpus
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.gradient_reach import longest, reach
from elmo_np.inference.neighbours import unit
from elmo_np.inference.occurrences import Occurrence, Sample, counted, default_words, frequent_words, samples
from elmo_np.inference.sampling import sample
from elmo_np.inference.token_indexer import token_indexer
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.gradcheck import Row
from elmo_np.runtime.progress import Progress
from elmo_np.viz import chart, geometry
from elmo_np.viz.explore import NONE, ROUNDED, explore, explore_page
from elmo_np.viz.page import embedded, page, table, write
from elmo_np.viz.reports import SECTIONS, Checked, Finished, gradcheck_page
from tests.training.test_trainer import CORPUS

QUIET = Progress(quiet=True)
HOSTILE = ["</script><script>document.title='owned'</script>", "<!--", "<script>", "&amp;", "<img/src=x>"]
SMALL = [word for key in ("hidden_dim=8", "embedding_dim=8", "batch_size=8", "epochs=1") for word in ("--set", key)]


def model(sentences, dim=8, layers=2, **options):
    """A model as it was drawn: its vectors depend on the context all the same."""
    vocabulary = Vocabulary.build(sentences)
    config = BiLMConfig(**{"embedding_dim": dim, "hidden_dim": dim, "layers": layers, "init_scale": 0.5, **options})
    return ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)


class Elements(HTMLParser):
    """The elements of a page and the text in each kind."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inside, self.texts, self.policy = [], [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if self.inside:
            self.texts.setdefault(self.inside[-1], []).append(data)


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def array(text, dtype, columns=1):
    found = np.frombuffer(base64.b64decode(text), dtype)
    return found.reshape(-1, columns) if columns > 1 else found


@pytest.fixture(scope="module")
def grammar():
    corpus = GrammarCorpus(sentences=2500)
    return model(list(corpus)), corpus


@pytest.fixture(scope="module")
def shown(grammar, tmp_path_factory):
    """A page of two words and its data."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    explore(*grammar, path, words=["bank", "light"], most=40, quiet=True)
    text = path.read_text(encoding="utf-8")
    return text, data_of(text)


# The frame


def test_a_page_runs_its_own_scripts_alone_and_loads_nothing(shown):
    found = Elements(shown[0])
    scripts = [attributes for tag, attributes in found.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}, {}, {}]
    assert not any({"src", "srcset"} & set(attributes) for _, attributes in found.tags)
    assert [attributes["href"] for _, attributes in found.tags if "href" in attributes] == ["data:,"]
    assert "default-src 'none'" in found.policy
    assert "unsafe" not in found.policy
    hashed = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
              for text in [*found.texts["style"], *found.texts["script"][1:]]}
    assert hashed == set(re.findall(r"'sha256-[^']+'", found.policy))
    assert not re.search(r"https?://", shown[0])


@pytest.mark.parametrize("text", [*HOSTILE, "a\u2028b", "\\u003c", "a\rb"])
def test_a_text_stays_text_wherever_it_stands(text):
    made = page(text, f"<main>{table((text,), [(text,)])}</main>", data=[text])
    found = Elements(made)
    assert data_of(made) == [text]
    assert found.texts["th"] == found.texts["td"] == found.texts["title"] == [text]
    assert [tag for tag, _ in found.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in found.tags]


def test_half_a_surrogate_pair_does_not_stop_a_page():
    assert json.loads(embedded(["a\ud800b"])) == ["a?b"]


def test_a_file_that_is_no_page_is_not_replaced(tmp_path):
    write(tmp_path / "page.html", page("one", ""))
    write(tmp_path / "page.html", page("two", ""))
    assert "<title>two</title>" in (tmp_path / "page.html").read_text()
    (tmp_path / "thesis.html").write_text("<p>mine</p>")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, message in (("thesis.html", "exists already"), ("binary", "exists already"), ("", "is a folder"),
                          ("none/page.html", "a folder that exists")):
        with pytest.raises(UserError, match=message):
            write(tmp_path / name, page("three", ""))
    assert (tmp_path / "thesis.html").read_text() == "<p>mine</p>"


# Which occurrences


def test_words_are_the_frequent_ones_with_a_meaning_of_their_own():
    counts = {"the": 90, "The": 80, "run": 9, "b2": 8, "ox": 7, "walk": 9, ".": 50, "Rare": 1, "sky": 5, "河": 4,
              "unknown": 99}
    assert frequent_words(counts, {*counts} - {"unknown"}) == ["run", "walk", "sky", "河"]
    assert frequent_words(counts, {*counts} - {"unknown"}, 2) == ["run", "walk"]


def test_words_of_the_grammar_are_those_of_several_senses(grammar):
    elmo, corpus = grammar
    counts = counted(corpus, QUIET)
    words = default_words(corpus, counts, elmo.vocabulary)
    assert len(words) == 12
    assert set(words) <= set(AMBIGUOUS)
    assert [counts[word] for word in words] == sorted((counts[word] for word in words), reverse=True)
    with pytest.raises(UserError, match="give --words"):
        default_words([["a", "."]], {"a": 3, ".": 3}, {"a", "."})


def test_a_sample_is_of_different_sentences_in_the_corpus_order():
    corpus = [["x", str(k % 30), "x"] for k in range(90)]
    whole, = samples(corpus, ["x"], 1000, QUIET)
    assert whole.total == 180
    assert [(o.sentence[1], o.position) for o in whole.shown] == [(str(k), t) for k in range(30) for t in (0, 2)]
    some, = samples(corpus, ["x"], 7, QUIET)
    assert (some.total, len(some.shown)) == (180, 7)
    assert set(some.shown) < set(whole.shown)
    assert [whole.shown.index(o) for o in some.shown] == sorted(map(whole.shown.index, some.shown))
    assert set(samples(corpus[::-1], ["x"], 7, QUIET)[0].shown) == set(some.shown)      # no order chooses
    with pytest.raises(UserError, match="'y' does not occur"):
        samples(corpus, ["x", "y"], 7, QUIET)


def test_a_sample_is_a_fair_draw():
    """The first and the second half of 4,000 sentences give 200 +- 4 standard deviations each."""
    corpus = [["x", str(k)] for k in range(4000)]
    found, = samples(corpus, ["x"], 400, QUIET)
    assert abs(sum(int(o.sentence[1]) < 2000 for o in found.shown) - 200) <= 4 * 10


def test_the_senses_are_the_grammars_labels(grammar):
    known = {s.tokens: dict(s.senses) for s in reversed(list(grammar[1].labelled()))}
    found, = samples(grammar[1], ["bank"], 100, QUIET)
    assert {o.sense for o in found.shown} == set(AMBIGUOUS["bank"])
    assert all(o.sense == known[o.sentence][o.position] for o in found.shown)


# Where they lie, and which are near


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("vector_dim", [None, 5])
def test_the_neighbours_shown_are_those_of_similar(grammar, layers, vector_dim, rng):
    """To 0.0001, by which similarities are rounded. Order may differ where two are as near as float32 can tell."""
    elmo = model(list(grammar[1]), layers=layers, vector_dim=vector_dim)
    found, = samples(grammar[1], ["bank"], 60, QUIET)
    shown = data_of(explore_page(elmo, "grammar", [found], QUIET))["words"][0]["layers"][-1]
    near, similarity = array(shown["near"], "<u2", 10), array(shown["similarity"], "<i2", 10) / ROUNDED
    elmo.index([list(o.sentence) for o in dict.fromkeys(o._replace(position=0, sense="") for o in found.shown)],
               ["bank"])
    for i, o in enumerate(found.shown):
        occurrence = o.sentence[:o.position + 1].count("bank")
        expected = elmo.similar("bank", list(o.sentence), 10, occurrence)
        np.testing.assert_allclose(similarity[i], [n.similarity for n in expected], atol=0.5 / ROUNDED + 1e-6)
        true = {(tuple(n.sentence), n.position): n.similarity for n in elmo.similar("bank", list(o.sentence), 10**6,
                                                                                     occurrence)}
        for k, s in zip(near[i], similarity[i], strict=True):
            assert abs(true[found.shown[k].sentence, found.shown[k].position] - s) <= 0.5 / ROUNDED + 1e-6


def test_every_layer_has_its_own_view(grammar):
    elmo, corpus = grammar
    found, = samples(corpus, ["bank"], 30, QUIET)
    for width, names in ((None, ["0", "1", "2"]), (5, ["0", "1", "2", "v_t"])):
        elmo = model(list(corpus), vector_dim=width)
        assert geometry.layer_names(elmo) == names
        views = geometry.views(elmo, found.shown)
        assert len(views) == len(names)
        assert views[0].near is None
        assert not views[0].points.any()
        for k in 1, 2:
            vectors = np.array([elmo.vectors([o.sentence], k)[0][o.position] for o in found.shown])
            cosine = unit(vectors) @ unit(vectors).T
            rows = np.arange(len(vectors))[:, None]
            np.testing.assert_allclose(views[k].similarity, cosine[rows, views[k].near], atol=1e-6)
            assert views[k].share[0] >= views[k].share[1] > 0
    elmo.word_vector.b.value[:] = 1
    assert geometry.layer_names(elmo)[-1] == "v_t"


def test_layer_0_is_there_where_it_is_narrower_than_the_others(grammar):
    elmo = model(list(grammar[1]), embedding_dim=3)
    assert 0 not in elmo.layers
    found, = samples(grammar[1], ["bank"], 12, QUIET)
    views = geometry.views(elmo, found.shown)
    assert len(views) == 3
    assert views[0].near is None
    assert views[1].near is not None


def test_a_model_of_characters_is_explored_too(grammar):
    elmo = model(list(grammar[1]), char_filters=((1, 4), (2, 6)))
    found, = samples(grammar[1], ["bank"], 12, QUIET)
    data = data_of(explore_page(elmo, "grammar", [found], QUIET))
    assert [("near" in layer) for layer in data["words"][0]["layers"]] == [False, True, True]


def test_the_nearest_are_the_largest_cosines_outside_the_own_sentence(rng, monkeypatch):
    monkeypatch.setattr(geometry, "BLOCK", 7)
    directions, sentence = unit(rng.standard_normal((23, 5))), np.arange(23) // 2
    near, similarity = geometry.nearest(directions, sentence, 4)
    for i in range(23):
        others = [k for k in range(23) if sentence[k] != sentence[i]]
        expected = sorted(others, key=lambda k: -float(directions[i] @ directions[k]))[:4]
        assert near[i].tolist() == expected
        np.testing.assert_allclose(similarity[i], directions[expected] @ directions[i], rtol=1e-12)


def test_few_occurrences_have_few_neighbours_and_one_has_none(rng):
    near, _ = geometry.nearest(unit(rng.standard_normal((3, 4))), np.array([0, 0, 1]))
    assert near.tolist() == [[2, -1], [2, -1], [0, 1]] or near.tolist() == [[2, -1], [2, -1], [1, 0]]
    one, = geometry.views_of([rng.standard_normal((1, 4))], np.array([0]))
    assert one.near.shape == (1, 0)
    assert one.points.tolist() == [[0, 0]]


# The page to explore


def test_the_page_holds_what_is_shown(grammar, shown):
    elmo, corpus = grammar
    _, data = shown
    assert (data["corpus"], data["layers"]) == ("grammar", ["0", "1", "2"])
    assert [word["word"] for word in data["words"]] == ["bank", "light"]
    assert len(set(data["sentences"])) == len(data["sentences"])
    for word, found in zip(data["words"], samples(corpus, ["bank", "light"], 40, QUIET), strict=True):
        sentence, position = array(word["sentence"], "<u4"), array(word["position"], "<u4")
        assert word["total"] == found.total
        assert [tuple(data["sentences"][s].split(" ")) for s in sentence] == [o.sentence for o in found.shown]
        assert position.tolist() == [o.position for o in found.shown]
        assert [word["senses"][k - 1] for k in array(word["sense"], "<u2")] == [o.sense for o in found.shown]
        views = geometry.views(elmo, found.shown)
        for layer, view in zip(word["layers"], views, strict=True):
            points = array(layer["points"], "<i2", 2)
            size = np.abs(view.points).max()
            np.testing.assert_allclose(points / 32767 * size, view.points, atol=size / 32767)
            if view.near is not None:
                assert np.where(view.near < 0, NONE, view.near).tolist() == array(
                    layer["near"], "<u2", 10).tolist()


def test_the_same_model_and_corpus_give_the_same_bytes(grammar, tmp_path):
    for name in "one.html", "two.html":
        explore(*grammar, tmp_path / name, most=20, quiet=True)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def page_of_2000(rng):
    """Occurrences in sentences of 25 words, as long as the news has them, none twice, and two LSTM layers."""
    drawn = [[f"word{k:02}" for k in row] for row in rng.integers(0, 100, (2000, 24)).tolist()]
    sentences = [(*row[:12], "word", *row[12:]) for row in drawn]
    shown = Sample("word", 2000, [Occurrence(sentence, 12, "") for sentence in sentences])
    return explore_page(model(sentences, dim=4), "news", [shown], QUIET)


def test_2000_occurrences_of_words_in_long_sentences_weigh_less_than_1_5_megabytes(rng):
    assert len(page_of_2000(rng).encode()) < 1.5e6


def test_a_corpus_with_markup_is_data_alone(tmp_path):
    sentences = [["word", *HOSTILE], [*HOSTILE, "word"], ["a word", "word"]]
    explore(model(sentences[:2]), sentences, tmp_path / "page.html", words=["word"], quiet=True)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert data_of(text)["sentences"] == [" ".join(sentences[0]), " ".join(sentences[1]), "a\u00a0word word"]
    assert [tag for tag, _ in Elements(text).tags].count("script") == 4
    assert "img" not in [tag for tag, _ in Elements(text).tags]


def test_a_mistake_is_said_before_the_long_part(grammar, tmp_path):
    for options, message in (({"words": ["xylophone"]}, "'xylophone' is not among the"),
                             ({"most": 0}, "--max 0: expected"), ({"most": 65536}, "from 1 to 65535")):
        with pytest.raises(UserError, match=message):
            explore(*grammar, tmp_path / "page.html", quiet=True, **options)
    with pytest.raises(UserError, match="only once"):
        explore(grammar[0], iter([["bank"]]), tmp_path / "page.html", quiet=True)
    assert not (tmp_path / "page.html").exists()


# The commands


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    text = "".join(" ".join(sentence) + "\n" for sentence in [*CORPUS[:200], ("the", "<script>", "word", "bank", ".")])
    (folder / "corpus.txt").write_text(text, encoding="utf-8")
    assert main(["train", str(folder / "corpus.txt"), "--out", str(folder / "run"), "--quiet", *SMALL]) == 0
    return folder


def test_the_command_explores_what_the_model_was_trained_on(run, tmp_path, capsys):
    word = frequent_words(counted(CORPUS[:200], QUIET), {w for s in CORPUS[:200] for w in s}, 1)[0]
    for extra in [], ["--words", f"the,{word}"], ["--words", "the", word, "--max", "3"]:
        assert main(["explore", str(run / "run"), "--out", str(tmp_path / "page.html"), *extra]) == 0
        data = data_of((tmp_path / "page.html").read_text(encoding="utf-8"))
        shown = [found["word"] for found in data["words"]]
        assert shown[0] == (word if not extra else "the")
        assert f"({', '.join(shown)})" in capsys.readouterr().out
    assert all(len(array(found["position"], "<u4")) == 3 for found in data["words"])


@pytest.mark.parametrize(("extra", "message"), [
    (["--words", "zebra"], "'zebra' is not among"), (["--words", ","], "names no word"), (["--max", "0"], "--max 0"),
    (["--corpus", "absent.txt"], "absent.txt"), (["--out", "absent/page.html"], "absent/page.html")])
def test_a_mistake_of_explore_is_one_line(run, tmp_path, capsys, extra, message):
    assert main(["explore", str(run / "run"), "--out", str(tmp_path / "page.html"), *extra]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.iterdir())


def test_training_leaves_a_report_with_every_section(run):
    text = (run / "run/report.html").read_text(encoding="utf-8")
    found = Elements(text)
    assert found.texts["h2"] == list(SECTIONS)
    assert "the model kept" in found.texts["td"]
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
    assert f"the mean over {found.targets} held-out words" in text
    for k in 1, 20:
        cells = [f"<td class=number>{100 * lengths[k] / lengths[0]:.3g} %</td>" for lengths in found[:2]]
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
    assert [int(k) for k in rows] == [1, 2, 3, 5]           # 10 places back is the mark
    assert section([("a", "b")] * 30) == "<p>What was validated on is too short to look back in.</p>"


def test_the_report_can_be_written_again_and_says_what_is_gone(run, tmp_path, capsys):
    assert main(["report", str(run / "run"), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_bytes() == (run / "run/report.html").read_bytes()
    (run / "corpus.txt").rename(run / "moved.txt")
    try:
        assert main(["report", str(run / "run"), "--out", str(tmp_path / "gone.html")]) == 0
    finally:
        (run / "moved.txt").rename(run / "corpus.txt")
    text = (tmp_path / "gone.html").read_text(encoding="utf-8")
    assert "The corpus is not there to look in." in text
    assert "What was validated on is not there to look in." in text
    assert "unigram model" not in text
    capsys.readouterr()
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_training_with_sampled_losses_has_a_report_of_its_perplexities(tmp_path):
    (tmp_path / "text.txt").write_text("the bank closed at noon .\n" * 60)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "2",
                 "--set", "softmax=sampled", "--set", "samples=4", "--set", "hidden_dim=8"]) == 0
    text = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "The sampled losses of training are no perplexities, and are not drawn." in text
    curves = text[text.index("<svg"):text.index("</svg>")]
    assert 'class="forward valid' in curves
    assert "forward train" not in curves


def test_gradcheck_writes_its_table_as_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gradient_cases, "CASES", {name: gradient_cases.CASES[name] for name in ("embedding", "lstm")})
    assert main(["gradcheck", "--backend", "numpy", "--report", str(tmp_path / "page.html")]) == 0
    found = Elements((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert found.texts["h2"] == ["embedding", "lstm", "Versions"]
    with backend.use("numpy"):
        for name in "embedding", "lstm":
            for row in gradient_cases.run(name):
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


# Charts


def test_a_chart_draws_values_by_their_logarithm():
    text = chart.log_chart([chart.Line("a", [(0, 1), (50, 10), (100, 100)], "forward", dots=True)], "x", "y", "says")
    dots = re.findall(r'<circle class="forward" cx="([\d.]+)" cy="([\d.]+)"', text)
    x, y = np.array(dots, float).T
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.11)      # a tenth is what the page keeps
    assert y[1] - y[0] == pytest.approx(y[2] - y[1], abs=0.11)
    assert y[0] > y[1]
    assert chart.log_chart([chart.Line("a", [], "forward")], "x", "y", "says") == "<p>There is nothing to draw.</p>"


@pytest.mark.parametrize(("low", "high"), [(9.0, 11.0), (7.4, 170.0), (1.01, 1.02), (1.5, 5e5), (300.0, 320.0)])
def test_a_chart_has_round_numbers_in_its_range(low, high):
    ticks = chart._log_ticks(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 18


@pytest.mark.parametrize("high", [1.0, 7.0, 690320.0, 5.4e6, 2e9])
def test_the_tokens_axis_has_a_few_round_steps(high):
    ticks = chart._ticks(0, high)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] <= high


def test_names_at_one_height_stand_apart():
    found = chart._spread([100.0, 101.0, 300.0, 100.5])
    ordered = sorted(found)
    assert np.diff(ordered).min() >= chart.APART
    assert found[2] == 300
