"""The tables of the grammar, as text: every name that a rule uses exists, and no row is there twice."""

import re
from collections import Counter

import pytest

from elmo_np.data.grammar import read_tables

TABLES = read_tables()

# Names that the writer answers itself: elmo_np.data.grammar._Writer lists them.
WRITER = {"Person", "Where", "When", "Verb", "N", "Tail", "Doer", "Fn", "Fa", "Use", "Does", "Ga", "Order"}


def heads(table):
    return [line.split()[0] for line in table.split("\n") if not line.startswith(" ")]


def names_used(table):
    return set(re.findall(r"\b[A-Z]\w*", table))


def test_every_name_in_a_rule_or_template_is_a_rule_a_list_or_known_to_the_writer():
    known = {head.partition(":")[0] for head in heads(TABLES["RULES"])}
    known |= {head.partition(":")[0].partition("/")[0] for head in heads(TABLES["WORDS"])}
    assert names_used(TABLES["RULES"]) | names_used(TABLES["TEMPLATES"]) <= known | WRITER


def test_every_rule_list_and_name_of_the_writer_is_used():
    used = names_used(TABLES["RULES"]) | names_used(TABLES["TEMPLATES"])
    defined = {re.split("[:/]", head)[0] for head in [*heads(TABLES["RULES"]), *heads(TABLES["WORDS"])]}
    assert defined <= used


@pytest.mark.parametrize("table", ["TOPICS", "RULES", "WORDS"])
def test_no_block_is_there_twice(table):
    counts = Counter(heads(TABLES[table]))
    assert [head for head, count in counts.items() if count > 1] == []


def test_every_sense_belongs_to_a_topic_and_has_a_known_kind():
    topics = set(heads(TABLES["TOPICS"]))
    for line in TABLES["SENSES"].split("\n"):
        if not line.startswith(" "):
            word, topic, kind, *flags = line.split()
            assert re.fullmatch(r"\w+/\w+", word), line
            assert topic in topics, line
            assert kind in ("thing", "place", "agent", "idea", "adj"), line
            assert flags in ([], ["mass"], ["one"]), line


def test_no_template_is_there_twice():
    rows = [line.split(None, 2) for line in TABLES["TEMPLATES"].split("\n")]
    assert {kind for kind, _, _ in rows} == {"any", "solid", "deed"}
    assert all(int(weight) > 0 for _, weight, _ in rows)
    assert len({(kind, text) for kind, _, text in rows}) == len(rows)
