"""The tables of the grammar, as text: every name that a rule uses exists, and no row is there twice."""

import re
from collections import Counter

import pytest

from elmo_np.data import grammar_rules as tables

# Names that the writer answers itself: elmo_np.data.grammar._Writer lists them.
WRITER = {"Person", "Where", "When", "Verb", "N", "Tail", "Doer", "Fn", "Fa", "Use", "Does", "Ga", "Order"}


def heads(table):
    return [line.split()[0] for line in table.strip().split("\n") if not line.startswith(" ")]


def names_used(table):
    return set(re.findall(r"\b[A-Z]\w*", table))


def test_every_name_in_a_rule_or_template_is_a_rule_a_list_or_known_to_the_writer():
    known = {head.partition(":")[0] for head in heads(tables.RULES)}
    known |= {head.partition(":")[0].partition("/")[0] for head in heads(tables.WORDS)}
    assert names_used(tables.RULES) | names_used(tables.TEMPLATES) <= known | WRITER


def test_every_rule_list_and_name_of_the_writer_is_used():
    used = names_used(tables.RULES) | names_used(tables.TEMPLATES)
    defined = {re.split("[:/]", head)[0] for head in [*heads(tables.RULES), *heads(tables.WORDS)]}
    assert defined <= used


@pytest.mark.parametrize("table", ["TOPICS", "RULES", "WORDS"])
def test_no_block_is_there_twice(table):
    counts = Counter(heads(getattr(tables, table)))
    assert [head for head, count in counts.items() if count > 1] == []


def test_every_sense_belongs_to_a_topic_and_has_a_known_kind():
    topics = set(heads(tables.TOPICS))
    for line in tables.SENSES.strip().split("\n"):
        if not line.startswith(" "):
            word, topic, kind, *flags = line.split()
            assert re.fullmatch(r"\w+/\w+", word), line
            assert topic in topics, line
            assert kind in ("thing", "place", "agent", "idea", "adj"), line
            assert flags in ([], ["mass"], ["one"]), line


def test_no_template_is_there_twice():
    rows = [line.split(None, 2) for line in tables.TEMPLATES.strip().split("\n")]
    assert {kind for kind, _, _ in rows} == {"any", "solid", "deed"}
    assert all(int(weight) > 0 for _, weight, _ in rows)
    assert len({(kind, text) for kind, _, text in rows}) == len(rows)
