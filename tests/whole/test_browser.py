"""The pages in headless Chromium: what a reader sees, hovers, clicks and types. Skipped where it is not installed."""

import base64
import io
import shutil
import time

import numpy as np
import pytest

from elmo_np.cli.main import main
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.nn.gradcheck import Row
from elmo_np.viz.explore import explore
from elmo_np.viz.geometry import views
from elmo_np.viz.page import page, write
from elmo_np.viz.reports import Checked, gradcheck_page
from tests.page_helpers import HOSTILE, model, page_of_2000

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install 'elmo_np[test]'")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

# As root and without a screen; and Chromium itself shall speak to nobody.
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
PATIENCE = 10       # seconds; what is waited for takes a fraction of one


class Reader:
    """A browser with a page open, and what a person does with it."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width=1200, height=900, scheme="light"):
        self.size(width, height)
        self.scheme(scheme)
        self.driver.get(path.as_uri())
        self.until(lambda: self.run("return document.readyState") == "complete")
        # A plot has its size, and points their places, with the first frame.
        self.until(lambda: self.run("return typeof scatter === 'undefined' || scatter.width > 0"))

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def scheme(self, value, motion="reduce"):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": value}, {"name": "prefers-reduced-motion", "value": motion}]})

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def until(self, true):
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, "the page did not get there"
            time.sleep(0.02)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def choose(self, group, label):
        """Click the choice of that label."""
        found, = [one for one in self.all(f"#{group} .choices label") if one.text.startswith(label)]
        found.find_element("tag name", "input").click()

    def pointer(self, kind, i):
        """The pointer over, or a click on, occurrence i of the plot."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.one("#plot"))
        x, y = self.place(i)
        left, top = self.corner()
        at = {"x": left + x, "y": top + y, "pointerType": "mouse"}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", **at})
        for event in ("mousePressed", "mouseReleased") if kind == "click" else ():
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent",
                                        {"type": event, "button": "left", "clickCount": 1, **at})

    def corner(self):
        """Where the plot begins in the window."""
        return self.run("const b = document.getElementById('marks').getBoundingClientRect(); return [b.left, b.top]")

    def place(self, i):
        """Where occurrence i is drawn, by the page's own account."""
        return self.run("return [scatter.xy[2 * arguments[0]], scatter.xy[2 * arguments[0] + 1]]", i)

    def places(self):
        return np.array(self.run("return Array.from(scatter.xy)")).reshape(-1, 2)

    def pixels(self):
        """The plot as it is seen: (height, width, 3)."""
        from matplotlib.image import imread

        return imread(io.BytesIO(base64.b64decode(self.one("#plot").screenshot_as_base64)))[..., :3]

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("there is no chromium with its chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Reader(browser)
    finally:
        browser.quit()


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """A page of two words of the grammar, and what is on it."""
    folder, corpus = tmp_path_factory.mktemp("explored"), GrammarCorpus(sentences=2500)
    elmo = model(list(corpus))
    found = explore(elmo, corpus, folder / "page.html", words=["bank", "light"], most=40, quiet=True)
    return folder / "page.html", elmo, found


@pytest.fixture
def at_page(reader, explored):
    """The page, opened again; whatever a test does there, the console stays empty."""
    reader.open(explored[0])
    yield reader
    assert reader.errors() == []


def sentence(sample, i):
    return " ".join(sample.shown[i].sentence)


def test_the_page_opens_with_its_first_word(at_page, explored):
    bank, _ = explored[2]
    assert at_page.text("#word") == "“bank”"
    assert at_page.text("#about").startswith(f"40 of {bank.total} occurrences in grammar")
    assert [one.text for one in at_page.all("#words label")] == ["bank", "light"]
    assert [one.text.split(",")[0] for one in at_page.all("#layers label")] == ["0", "1", "2"]
    assert len(at_page.places()) == 40
    assert np.unique(at_page.pixels().reshape(-1, 3), axis=0).shape[0] > 10
    assert at_page.run("return performance.getEntriesByType('resource').length") == 0


def test_a_page_of_2000_occurrences_paints_them(reader, tmp_path, rng, record_testsuite_property):
    """A JUnit report holds when it first did: how long it may take depends on the machine."""
    write(tmp_path / "page.html", page_of_2000(rng))
    reader.open(tmp_path / "page.html")
    assert len(reader.places()) == 2000
    assert np.unique(reader.pixels().reshape(-1, 3), axis=0).shape[0] > 10
    paint, = reader.run("return performance.getEntriesByName('first-contentful-paint').map((e) => e.startTime)")
    record_testsuite_property("first_contentful_paint_ms", round(paint))
    assert reader.errors() == []


def test_a_word_is_picked(at_page, explored):
    before = at_page.places()
    at_page.choose("words", "light")
    assert at_page.text("#word") == "“light”"
    assert not np.allclose(at_page.places(), before)
    light = explored[2][1]
    assert [one.text.split()[0] for one in at_page.all("#senses li")] == sorted({o.sense for o in light.shown})


def test_a_point_shows_its_sentence(at_page, explored):
    bank = explored[2][0]
    places = at_page.places()
    alone = max(range(40), key=lambda i: np.sort(np.hypot(*(places - places[i]).T))[1])
    at_page.pointer("hover", alone)
    assert at_page.one("#tip").text == sentence(bank, alone)
    assert at_page.text("#tip mark") == "bank"
    at_page.pointer("click", alone)
    assert at_page.text("#sentence") == sentence(bank, alone)
    assert at_page.text("#sense") == bank.shown[alone].sense


def test_a_long_sentence_is_shown_around_its_word_and_leaves_the_plot_visible(reader, tmp_path):
    sentences = [[f"w{k}" for k in range(i, i + 500)] for i in range(0, 40, 4)]
    explore(model(sentences), sentences, tmp_path / "page.html", words=["w250"], quiet=True)
    reader.open(tmp_path / "page.html")
    reader.run("tip(0); pick(0)")
    first = sentences[int(reader.run("return now.word.sentence[0]"))]
    t = first.index("w250")
    assert reader.text("#tip") == " ".join(["…", *first[t - 15:t + 16], "…"])
    assert reader.text("#sentence") == " ".join(first)
    height, plot = (reader.run("return arguments[0].offsetHeight", reader.one(part)) for part in ("#tip", "#plot"))
    assert height < plot / 2
    assert reader.errors() == []


def test_the_pointer_finds_the_nearest_point_wherever_it_is(at_page, rng):
    """The grid against all distances, at 500 places."""
    places = at_page.places()
    width, height = at_page.run("return [scatter.width, scatter.height]")
    asked = rng.random((500, 2)) * [width, height]
    found = at_page.run("return arguments[0].map(([x, y]) => scatter.find(x, y))", asked.tolist())
    for at, i in zip(asked, found, strict=True):
        distances = np.hypot(*(places - at).T)
        if i < 0:
            assert distances.min() >= 22 - 1e-3
        else:
            assert distances[i] <= distances.min() + 1e-3
    assert 0 < sum(i >= 0 for i in found) < 500


def test_the_nearest_are_listed_and_lead_on(at_page, explored):
    _, elmo, (bank, _) = explored
    at_page.run("pick(7)")
    view = next(views(elmo, [bank.shown]))[-1]
    rows = at_page.all("#nearest button")
    assert len(rows) == 10
    for row, k, similarity in zip(rows, view.near[7], view.similarity[7], strict=True):
        assert float(row.find_element("class name", "similarity").text) == pytest.approx(similarity, abs=0.0006)
        assert row.find_element("css selector", "mark").text == "bank"
        assert " ".join(row.find_element("class name", "line").text.split()) == sentence(bank, k)
    rows[2].send_keys(Keys.ENTER)
    assert at_page.text("#sentence") == sentence(bank, view.near[7][2])
    assert at_page.driver.switch_to.active_element == at_page.all("#nearest button")[0]


def test_another_layer_moves_the_points_and_layer_0_has_one(at_page):
    top = at_page.places()
    at_page.choose("layers", "1")
    assert np.abs(at_page.places() - top).max() > 5
    at_page.run("scatter.choose(3)")
    assert at_page.one("#tip").is_displayed()
    at_page.choose("layers", "0")
    assert not at_page.one("#tip").is_displayed()       # it stood where the point was
    assert np.ptp(at_page.places(), axis=0).tolist() == [0, 0]
    assert at_page.one("#stacked").text == "all 40 occurrences are at this point"
    assert "all occurrences have the same vector" in at_page.one("#no-nearest").text
    assert at_page.all("#nearest li") == []
    at_page.choose("layers", "2")
    np.testing.assert_allclose(at_page.places(), top)
    assert len(at_page.all("#nearest li")) == 10


def test_points_glide_unless_motion_is_unwanted(at_page):
    at_page.choose("layers", "1")
    end = at_page.places()
    at_page.choose("layers", "2")
    at_page.scheme("light", motion="no-preference")
    at_page.run("document.querySelectorAll('#layers input')[1].click(); window.between = Array.from(scatter.xy)")
    assert not np.allclose(np.array(at_page.run("return between")).reshape(-1, 2), end)
    at_page.until(lambda: np.allclose(at_page.places(), end))


def test_typing_filters_points_and_list(at_page, explored):
    bank = explored[2][0]
    wanted = [i for i, o in enumerate(bank.shown) if "the" in " ".join(o.sentence)]
    assert 0 < len(wanted) < 40
    at_page.one("#all summary").click()
    at_page.until(lambda: len(at_page.all("#list li")) == 40)
    at_page.one("#filter").send_keys(" The ")          # capitals and outer spaces do not matter
    assert at_page.text("#matches") == f"{len(wanted)} of 40"
    assert [int(one.get_attribute("data-occurrence")) for one in at_page.all("#list li")] == wanted
    assert [i for i, faint in enumerate(at_page.run("return Array.from(scatter.faint)")) if not faint] == wanted
    other = next(i for i in range(40) if i not in wanted)
    assert at_page.run("return scatter.find(...arguments[0])", at_page.place(other)) in [-1, *wanted]


def test_many_words_are_found_by_typing_and_a_long_list_comes_in_parts(reader, tmp_path):
    names = [f"{a}{b}" for a in "abcde" for b in "uvwxyz"]
    sentences = [[*names, "word", str(k)] for k in range(230)]
    explore(model(sentences, dim=2), sentences, tmp_path / "page.html", words=["word", *names], quiet=True)
    reader.open(tmp_path / "page.html")
    reader.one("#find").send_keys("B")
    shown = [one.text for one in reader.all("#words label") if one.is_displayed()]
    assert shown == [name for name in names if "b" in name]
    reader.one("#all summary").click()
    reader.until(lambda: len(reader.all("#list li")) == 200)
    reader.one("#more").click()
    assert len(reader.all("#list li")) == 230
    assert reader.run("return document.activeElement.closest('li').dataset.occurrence") == "200"
    assert not reader.one("#more").is_displayed()
    assert reader.errors() == []


def test_the_keyboard_is_enough(at_page, explored):
    """From the top of the page: Tab to each control, arrows to change it."""
    bank, _ = explored[2]
    focus = at_page.driver.switch_to
    for expected in "theme", "words", "layers", "filter", "marks":
        focus.active_element.send_keys(Keys.TAB)
        now = focus.active_element
        assert expected in (now.get_attribute("id"), now.get_attribute("name"))
        seen = at_page.run("const e = document.activeElement; const shown = e.type === 'radio' ? e.nextSibling : e;"
                           "return getComputedStyle(shown).outlineStyle")
        assert seen == "solid"
        if expected == "words":
            now.send_keys(Keys.ARROW_RIGHT)
            assert at_page.text("#word") == "“light”"
            focus.active_element.send_keys(Keys.ARROW_LEFT)
            assert at_page.text("#word") == "“bank”"
        if expected == "layers":
            now.send_keys(Keys.ARROW_LEFT)
            assert at_page.text("#layer-says").startswith("Layer 1 ")
    plot = focus.active_element
    assert plot.get_attribute("aria-label") == "40 occurrences of bank, layer 1"
    said = set()
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_DOWN):
        before = at_page.run("return scatter.picked")
        plot.send_keys(key)
        after = at_page.run("return scatter.picked")
        assert at_page.text("#sentence") == sentence(bank, after)
        if before >= 0 and after != before:
            dx, dy = np.subtract(at_page.place(after), at_page.place(before))
            assert {Keys.ARROW_RIGHT: dx > 0, Keys.ARROW_LEFT: dx < 0, Keys.ARROW_UP: dy < 0,
                    Keys.ARROW_DOWN: dy > 0}[key]
        said.add(after)
    assert len(said) > 2
    plot.send_keys("+")
    assert at_page.run("return scatter.look.zoom") == 2
    plot.send_keys("0")
    assert at_page.run("return scatter.look.zoom") == 1
    plot.send_keys(Keys.ESCAPE)
    assert (at_page.text("#sentence"), at_page.run("return scatter.picked")) == ("", -1)


def test_a_zoomed_plot_is_dragged_without_choosing(at_page):
    """The point that the drag begins on comes along, and is under the pointer at its end."""
    at_page.run("arguments[0].scrollIntoView({block: 'center'})", at_page.one("#plot"))
    at_page.one("#zoom [data-by='2']").click()
    before = at_page.places()
    width, height = at_page.run("return [scatter.width, scatter.height]")
    x, y = min(before.tolist(), key=lambda at: np.hypot(at[0] - width / 2, at[1] - height / 2))
    left, top = at_page.corner()
    for kind, dx, dy in (("mousePressed", 0, 0), ("mouseMoved", 20, 10), ("mouseMoved", 40, 25),
                         ("mouseReleased", 40, 25)):
        at_page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {
            "type": kind, "x": left + x + dx, "y": top + y + dy, "button": "left", "buttons": 1, "clickCount": 1})
    np.testing.assert_allclose(at_page.places() - before, np.broadcast_to([40, 25], before.shape), atol=1)
    assert at_page.run("return scatter.find(...arguments)", x + 40, y + 25) >= 0
    assert at_page.run("return scatter.picked") == -1
    at_page.one("#zoom [data-by='0']").click()
    assert at_page.run("return scatter.look") == {"zoom": 1, "x": 0, "y": 0}


def test_a_finger_reads_a_sentence(at_page, explored):
    at_page.size(390, 800)
    at_page.run("arguments[0].scrollIntoView({block: 'center'})", at_page.one("#plot"))
    x, y = at_page.place(5)
    left, top = at_page.corner()
    for kind, points in (("touchStart", [{"x": left + x, "y": top + y}]), ("touchEnd", [])):
        at_page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    at_page.until(lambda: at_page.text("#sentence"))
    assert at_page.one("#tip").text == at_page.text("#sentence")


@pytest.mark.parametrize("width", [320, 390, 768, 1600])
def test_no_width_needs_sideways_scrolling(at_page, width):
    at_page.size(width, 800)
    at_page.run("pick(0); document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert at_page.run("return document.documentElement.scrollWidth") <= width
    assert at_page.run("return document.getElementById('plot').getBoundingClientRect().right") <= width


def test_colours_follow_the_system_and_the_switch(at_page):
    def paper():
        return at_page.run("return getComputedStyle(document.documentElement).backgroundColor")

    light, points = paper(), at_page.pixels()
    at_page.scheme("dark")
    at_page.until(lambda: paper() != light)
    assert at_page.pixels().mean() < 0.3 < points.mean()
    at_page.one("#theme").click()
    assert (paper(), at_page.one("#theme").text) == (light, "Dark")
    np.testing.assert_array_equal(at_page.pixels(), points)


def test_markup_in_a_corpus_stays_text(reader, tmp_path):
    sentences = [["word", *HOSTILE], [*HOSTILE, "word"], ["<b>word</b>", "word", "</script>"]]
    explore(model(sentences), sentences, tmp_path / "page.html", words=["word", HOSTILE[0]], quiet=True)
    reader.open(tmp_path / "page.html")
    reader.one("#all summary").click()
    for i, words in enumerate(sentences):
        reader.run("pick(arguments[0])", i)
        assert reader.text("#sentence") == " ".join(words)
    reader.choose("words", HOSTILE[0])
    assert reader.text("#word") == f"“{HOSTILE[0]}”"
    assert reader.driver.title == "Words in a corpus"
    assert reader.all("#chosen b, #list b, img, main script") == []
    assert reader.errors() == []


def test_a_script_that_is_not_the_pages_own_does_not_run(reader, tmp_path):
    (tmp_path / "page.html").write_text(page("right", "<script>document.title = 'wrong'</script>"), encoding="utf-8")
    reader.open(tmp_path / "page.html")
    assert reader.driver.title == "right"
    assert any("Content Security Policy" in message for message in reader.errors())


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The reports of a training and of a gradient check."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "corpus.txt").write_text("".join(" ".join(s) + "\n" for s in GrammarCorpus(sentences=400)))
    settings = [word for key in ("hidden_dim=8", "embedding_dim=8", "epochs=2") for word in ("--set", key)]
    assert main(["train", str(folder / "corpus.txt"), "--out", str(folder / "run"), "--quiet", *settings]) == 0
    rows = [Row("model.forward_lm.layers.0.Wx", (0, 0), 1.0, 1.0, 2e-11, 1200), Row("b", (0,), 1.0, 2.0, 0.3, 24)]
    text = gradcheck_page(["numpy", "cython"], [Checked("a model of characters", [rows, rows])], [("NumPy", "2.0")])
    write(folder / "gradients.html", text)
    return {"training": folder / "run/report.html", "gradients": folder / "gradients.html"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["training", "gradients"])
def test_a_report_opens_without_errors_and_fits(reader, reports, name, scheme):
    for width in 320, 1200:
        reader.open(reports[name], width=width, scheme=scheme)
        assert reader.run("return document.documentElement.scrollWidth") <= width
    colours = {"light": "rgb(255, 254, 250)", "dark": "rgb(21, 23, 26)"}
    paper = "return getComputedStyle(document.documentElement).backgroundColor"
    assert reader.run(paper) == colours[scheme]
    reader.one("#theme").click()
    assert reader.run(paper) != colours[scheme]
    assert reader.errors() == []


def test_a_report_uses_the_width_of_the_window(reader, reports):
    """On a desktop sections are side by side; on a phone charts shrink, with text that stays legible."""
    def boxes(selector):
        return reader.run("return [...document.querySelectorAll(arguments[0])].map((one) => {"
                          "const box = one.getBoundingClientRect(); return [box.left, box.right, box.top]; })",
                          selector)
    reader.open(reports["training"], width=1280)
    sections = boxes("main > section")
    assert max(right for _, right, _ in sections) > 0.9 * 1280
    assert sections[0][2] == sections[1][2]
    assert sections[0][1] < sections[1][0]
    reader.open(reports["training"], width=390)
    text = boxes(".chart text")
    assert min(left for left, *_ in text) >= 0
    assert max(right for _, right, _ in text) <= 390
    assert reader.run("return [...document.querySelectorAll('.chart text')].every((text) =>"
                      "text.getBoundingClientRect().height > 10)")


def test_curves_that_coincide_can_both_be_seen(reader, reports):
    reader.open(reports["training"])
    dashes, fills = (reader.run(f"return ['forward', 'backward'].map((one) => getComputedStyle(document.querySelector("
                                f"`.chart {what}.${{one}}`)).{style})") for what, style in (("path", "strokeDasharray"),
                                                                                          ("circle", "fill")))
    assert dashes[0] == "none" != dashes[1]
    assert fills[0] != "none" == fills[1]


def test_the_curves_of_a_report_are_drawn(reader, reports):
    reader.open(reports["training"])
    lines = reader.run("return [...document.querySelectorAll('.chart path.line')].map((line) => ["
                       "line.getTotalLength(), getComputedStyle(line).stroke, getComputedStyle(line).fill])")
    assert len(lines) == 7      # two directions held out, two in training, the unigram model; how far both reach back
    assert all(length > 20 and stroke != "none" and fill == "none" for length, stroke, fill in lines)
    assert len({stroke for _, stroke, _ in lines}) == 3
