"""The frame of every page: its own scripts alone run, text stays text, and no file of others is replaced."""

import base64
import hashlib
import json
import re

import pytest

from elmo_np.errors import UserError
from elmo_np.inference.occurrences import Occurrence
from elmo_np.viz.page import AROUND, concordance, embedded, own_file, page, table, write
from tests.page_helpers import HOSTILE, Elements, data_of


def test_a_page_runs_its_own_scripts_alone_and_loads_nothing():
    made = page("words", own_file(["explore.html"]), styles=["explore.css"], scripts=["scatter.js", "explore.js"],
                data=[])
    found = Elements(made)
    scripts = [attributes for tag, attributes in found.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}, {}, {}]
    assert not any({"src", "srcset"} & set(attributes) for _, attributes in found.tags)
    assert [attributes["href"] for _, attributes in found.tags if "href" in attributes] == ["data:,"]
    assert "default-src 'none'" in found.policy
    assert "unsafe" not in found.policy
    hashed = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
              for text in [*found.texts["style"], *found.texts["script"][1:]]}
    assert hashed == set(re.findall(r"'sha256-[^']+'", found.policy))
    assert not re.search(r"https?://", made)


@pytest.mark.parametrize("text", [*HOSTILE, "a\u2028b", "\\u003c", "a\rb"])
def test_a_text_stays_text_wherever_it_stands(text):
    made = page(text, f"<main>{table((text,), [(text,)])}</main>", data=[text])
    found = Elements(made)
    assert data_of(made) == [text]
    assert found.texts["th"] == found.texts["td"] == found.texts["title"] == [text]
    assert [tag for tag, _ in found.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in found.tags]


def test_a_text_from_right_to_left_is_read_from_the_right():
    line = concordance("0.50", Occurrence(("ראיתי", "את", "הבנק", "הגדול"), 2, ""))
    assert '<span class="line" dir="auto">' in line
    # Without these the words next to the middle would fade out instead of the farthest ones.
    assert ".line:dir(rtl) > :first-child { mask-image: linear-gradient(to left," in own_file(["style.css"])
    assert ".line:dir(rtl) > :last-child { mask-image: linear-gradient(to right," in own_file(["style.css"])
    for element in '<p id="sentence" dir="auto"', '<div id="tip" dir="auto"':
        assert element in own_file(["explore.html"])
    assert 'class: "line", dir: "auto"' in own_file(["explore.js"])
    assert "text-align: left" not in own_file(["explore.css"])
    assert 'element("bdi", {text: name})' in own_file(["explore.js"])       # a count stays after its name


def test_what_is_chosen_can_be_told_in_a_systems_own_colours():
    style = own_file(["explore.css"])
    assert "transparent" in style
    own_colours = style.partition("@media (forced-colors: active) {")[2].partition("\n}")[0]
    assert ".choices span { border-color: Canvas; }" in own_colours
    assert "input:checked + span { border-color: Highlight; }" in own_colours
    assert 'probe.style.forcedColorAdjust = "none"' in own_file(["explore.js"])     # or the plot is black on black


def test_a_word_wider_than_the_page_does_not_widen_it():
    style = own_file(["style.css", "explore.css"])
    assert "overflow-wrap: break-word" in re.search(r"\nbody \{(.*?)\n\}", style, re.DOTALL)[1]
    assert "grid-template-columns: minmax(0, 1fr) minmax(0, auto) minmax(0, 1fr)" in style
    assert "#senses, #senses li { min-width: 0; overflow-wrap: anywhere; }" in style


def test_half_a_surrogate_pair_does_not_stop_a_page():
    assert json.loads(embedded(["a\ud800b"])) == ["a?b"]


def test_a_file_that_is_no_page_is_not_replaced(tmp_path):
    write(tmp_path / "page.html", page("one", ""))
    write(tmp_path / "page.html", page("two", ""))
    assert "<title>two</title>" in (tmp_path / "page.html").read_text()
    (tmp_path / "thesis.html").write_text("<p>mine</p>")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, message in (("thesis.html", "already exists"), ("binary", "already exists"), ("", "is a folder"),
                          ("none/page.html", "an existing folder")):
        with pytest.raises(UserError, match=message):
            write(tmp_path / name, page("three", ""))
    assert (tmp_path / "thesis.html").read_text() == "<p>mine</p>"


def test_of_a_long_document_the_words_around_an_occurrence_are_shown():
    words = tuple(f"w{k}" for k in range(1000))
    line = concordance("", Occurrence(words, 500, ""))
    assert f"w{500 - AROUND} w{501 - AROUND} " in line
    assert f" w{500 + AROUND}</span>" in line
    assert "<mark>w500</mark>" in line
    assert len(line) < 2000
    assert "<span>w0 w1 w2</span>" in concordance("", Occurrence(words[:5], 3, ""))
