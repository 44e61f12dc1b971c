"""The drawings of the tutorials: nothing covers a label, arrows end at what they point to, and the files are current.

    python -m tests.viz.test_drawings      draws them again, into tutorials/drawings
"""

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from elmo_np.viz.drawings import DRAWINGS, WIDTH, Box, Drawing, svg
from tests.whole.test_tutorials import drawn_with_this_matplotlib, same_picture

FOLDER = Path(__file__).parents[2] / "tutorials/drawings"


@pytest.fixture(params=DRAWINGS, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def drawing(name):
    return DRAWINGS[name]()


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def crosses(points, extent):
    """Whether a line along the points enters an extent."""
    for start, end in pairwise(np.array(points, float)):
        on_line = start + np.linspace(0, 1, 200)[:, None] * (end - start)
        inside = (on_line > extent[:2]) & (on_line < extent[2:])
        if inside.all(axis=1).any():
            return True
    return False


def distance(point, extent):
    """How far a point is from an extent, 0 inside."""
    point = np.array(point, float)
    return float(np.linalg.norm(np.maximum(0, np.maximum(extent[:2] - point, point - extent[2:]))))


def from_edge(point, part):
    """How far a point is from the outline of a part."""
    x, y = np.array(point, float) - part[:2]
    if part.w == part.h:
        return abs(float(np.hypot(x, y)) - part.w / 2)
    outside = np.hypot(max(0, abs(x) - part.w / 2), max(0, abs(y) - part.h / 2))
    return float(max(outside, min(part.w / 2 - abs(x), part.h / 2 - abs(y))))


def test_the_file_is_the_drawing(name, drawing):
    committed = (FOLDER / name).read_text(encoding="utf-8")
    if not drawn_with_this_matplotlib(committed):
        pytest.skip("the file was drawn with another version of matplotlib, which may draw otherwise")
    assert same_picture(svg(drawing), committed)


def test_no_file_is_left_over_and_each_is_shown_with_an_alternative_text():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(DRAWINGS)
    pages = "".join(page.read_text(encoding="utf-8") for page in FOLDER.parent.glob("*.md"))
    shown = re.findall(r"^!\[(.{60,})\]\(drawings/([\w.-]+)\)$", pages, re.MULTILINE)
    assert {file for _, file in shown} == set(DRAWINGS)


def test_labels_are_in_the_picture_and_apart_from_each_other(drawing):
    for left, top, right, bottom in drawing.labels:
        assert 5 < left < right < WIDTH - 5
        assert 5 < top < bottom < drawing.height - 5
    assert [pair for pair in combinations(drawing.labels, 2) if overlap(*pair)] == []


def test_a_label_lies_in_a_part_or_outside_all_of_them(drawing):
    for extent in drawing.labels:
        for x, y, w, h in drawing.parts:
            ground = x - w/2, y - h/2, x + w/2, y + h/2
            inside = np.less(ground[:2], extent[:2]).all() and np.less(extent[2:], ground[2:]).all()
            assert inside or not overlap(extent, ground)


def test_no_line_crosses_a_label(drawing):
    """Except under a part, which covers it."""
    free = [extent for extent in drawing.labels
            if not any(overlap(extent, (x - w/2, y - h/2, x + w/2, y + h/2)) for x, y, w, h in drawing.parts)]
    assert free
    for line in [*drawing.arrows, *drawing.lines]:
        assert [extent for extent in free if crosses(line, extent)] == []


def test_an_arrow_ends_at_the_edge_of_a_part_or_before_a_label(drawing):
    assert drawing.arrows
    for points in drawing.arrows:
        to_part = min(from_edge(points[-1], part) for part in drawing.parts)
        to_label = min(distance(points[-1], extent) for extent in drawing.labels)
        assert to_part < 3 or 0 < to_label < 16, points


def test_the_picture_has_a_white_ground_for_dark_pages_and_needs_no_font(drawing):
    text = svg(drawing)
    ground = re.search(r'<g id="patch_1">\s*<path d="([^"]*)" style="fill: #ffffff"/>', text)
    _, height, width, *_ = re.findall(r"[\d.]+", ground[1])
    assert f'viewBox="0 0 {width} {height}"' in text
    assert "<text" not in text


@pytest.mark.parametrize(("towards", "edge"), [((10, 0), (4, 0)), ((0, -9), (0, -2)), ((8, 4), (4, 2)),
                                               ((2, 4), (1, 2))])
def test_the_edge_of_a_rectangle_is_on_the_line_to_a_point(towards, edge):
    assert np.allclose(Box(0, 0, 8, 4).edge(towards), edge)


def test_the_edge_of_a_circle_is_a_radius_away():
    assert np.allclose(Box(1, 1, 10, 10).edge((7, 9)), (1 + 3, 1 + 4))


def test_a_label_is_placed_by_its_middle_or_an_end():
    d = Drawing(100)
    right = d.label(100, 50, "$c_t$", align="left")
    d.label(100, 50, "$c_t$")
    d.label(100, 50, "$c_t$", align="right")
    (left, top, end, bottom), middle, last = d.labels
    assert end == right
    assert np.allclose([left, (middle[0] + middle[2]) / 2, last[2], (top + bottom) / 2], [100, 100, 100, 50])


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        (FOLDER / name).write_text(svg(draw()), encoding="utf-8")


if __name__ == "__main__":
    main()
