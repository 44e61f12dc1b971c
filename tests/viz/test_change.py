"""The page of `elmo-np change`: its numbers, its sentences, and text that stays text."""

from elmo_np.inference.change import change
from elmo_np.viz.change import FARTHEST, cells, change_page, head, section
from tests.page_helpers import HOSTILE, Elements, model

FIRST = [["the", "bank", "of", "the", "river", str(k)] for k in range(15)]
SECOND = [["money", "bank", str(k), *HOSTILE] for k in range(12)]
NAMES = ("1900 <b>", "2000")


def found(*words):
    return list(change(model([*FIRST, *SECOND]), (FIRST, SECOND), words, quiet=True))


def test_a_row_has_a_cell_per_column_blank_where_nothing_is_known():
    bank, river = (cells(own) for own in found("bank", "river"))
    assert head(NAMES) == ["word", "uses in 1900 <b>", "uses in 2000", "APD", "p", "PRT", "p", "JSD", "p", "note"]
    assert bank[:3] == ["bank", "15 of 15", "12 of 12"]
    assert bank[-1] == "not reliable: 15 uses in the first corpus and 12 uses in the second corpus"
    assert river == ["river", "0 of 15", "0 of 0", *[""] * 6, "not compared: 0 uses in the second corpus"]
    own, = found("bank")
    apd = own.distances["apd"]
    assert bank[3:5] == [f"{apd.value:.3f} ({apd.low:.3f} to {apd.high:.3f})", f"{apd.p:.3f}"]


def test_the_page_shows_every_use_as_a_point_and_the_farthest_in_their_sentences():
    own, = found("bank")
    elements = Elements(change_page(NAMES, "how", [cells(own)], [section(NAMES, own)]))
    kinds = [attributes["class"] for tag, attributes in elements.tags if tag == "circle"]
    assert kinds == ["first"] * 15 + ["second"] * 12
    assert elements.texts["mark"] == ["bank"] * 2 * FARTHEST
    assert elements.texts["title"] == ["Change of meaning: 1900 <b> and 2000"]
    shares = [text for text in elements.texts["td"] if text.endswith("%")]
    assert len(shares) % 2 == 0
    for column in shares[::2], shares[1::2]:
        assert abs(sum(float(text[:-1]) for text in column) - 100) <= len(column) / 2


def test_text_of_the_corpora_stays_text():
    own, = found("bank")
    html = change_page(NAMES, "how", [cells(own)], [section(NAMES, own)])
    assert all(text not in html for text in (HOSTILE[0], "<!--", "<img"))
    assert not any(tag in ("img", "b") for tag, _ in Elements(html).tags)


def test_few_uses_have_no_clusters():
    few, = change(model([*FIRST, *SECOND]), (FIRST[:3], SECOND[:3]), ["bank"], quiet=True)
    html = section(NAMES, few)
    assert "cluster" not in html
    assert html.count("<circle") == 6
