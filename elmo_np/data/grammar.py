"""English sentences from a probabilistic grammar, with the sense of every ambiguous word known.

    >>> corpus = GrammarCorpus(seed=0, sentences=1000)
    >>> for sentence in corpus.labelled():
    ...     print(" ".join(sentence.tokens), sentence.senses)

A small language model learns this language in a minute, and then its vectors of `bank` fall into money and river,
which one static vector per word cannot. The rules and the words are text tables in `elmo_np.data.grammar_rules`.

One sentence: draw a focus (a sense, say bank/river), so a topic (river); draw a pattern that fits; write it from left
to right. The words around the focus come partly from the topic, which tells the sense, and partly from a common
stock ("anna remembered the old bank ."), which does not: a few sentences remain ambiguous, as in life.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple, TypeVar

from ..errors import UserError
from . import grammar_rules as tables

T = TypeVar("T")
Token = tuple[str, str]  # a form and its sense, "" for a word of one sense
Phrase = tuple[Token, ...]
Word = dict[str, Phrase]  # feature (s, p, past, ...) -> how the word is written then

SHORTEST, LONGEST = 4, 25  # tokens of a sentence
DEEPEST = 3  # below this depth a nonterminal takes its first production, which never recurs
PLURAL = 0.3  # share of plurals, where there is a choice
DRIFT = 0.05  # share of side clauses that turn to another topic
NO_FOCUS = 0.05  # share of sentences that are not written for the sake of an ambiguous word
SPANS = {"Person": "person", "Name": "person", "Kin": "person", "Where": "place", "When": "time"}


@dataclass(frozen=True)
class LabelledSentence:
    """A sentence, (position, sense) for each ambiguous word in it, its topic and the number of its pattern, and
    (begin, end, type) of each phrase that says who, where or when."""

    tokens: tuple[str, ...]
    senses: tuple[tuple[int, str], ...]
    topic: str
    template: int
    spans: tuple[tuple[int, int, str], ...]


class GrammarCorpus:
    """`sentences` sentences, the same for the same seed on every machine; a longer corpus begins like a shorter one."""

    name = "grammar"

    def __init__(self, *, seed: int = 0, sentences: int = 60000) -> None:
        for what, number, example in (("seed", seed, 0), ("sentences", sentences, 20000)):
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise UserError(
                    f"{what} is {number!r}, expected a whole number of at least 0: give for instance {what}={example}"
                )
        self.seed, self.sentences = seed, sentences

    def __iter__(self) -> Iterator[list[str]]:
        return (list(sentence.tokens) for sentence in self.labelled())

    def labelled(self) -> Iterator[LabelledSentence]:
        random = Random(self.seed)
        for _ in range(self.sentences):
            sentence = None
            while sentence is None:
                sentence = _Writer(random).write()
            yield sentence


# Choices use random() alone: Python promises that its numbers never change for a seed, and promises it of no other.


def _draw(random: Random, items: Sequence[T]) -> T:
    return items[int(random.random() * len(items))]


# Words and their forms


def _token(text: str) -> Token:
    return text.partition("/")[0], text if "/" in text else ""


def _phrase(text: str) -> Phrase:
    return tuple(map(_token, text.split()))


def _rows(text: str) -> dict[str, list[str]]:
    """`a b c, d e f` as {a: [b, c], d: [e, f]}."""
    return {row.split()[0]: row.split()[1:] for row in text.replace("\n", " ").split(",")}


_VERBS = _rows(tables.IRREGULAR_VERBS)
_PLURALS = _rows(tables.IRREGULAR_PLURALS)


def _add_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "go", "do")) else "s")


def _noun(text: str) -> Word:
    """`coin` counts, `money*` is a mass, `tennis~` is bare of articles, `spring/season!` has no plural."""
    (form, sense) = _token(text.rstrip("*~!"))
    if text[-1] in "*~":
        return {"m" if text[-1] == "*" else "b": ((form, sense),)}
    word: Word = {"s": ((form, sense),)}
    if text[-1] != "!":
        word["p"] = ((_PLURALS.get(form, [_add_s(form)])[0], sense),)
    return word


def _verb(text: str) -> Word:
    """The forms of the first word; the words after it (`look at`) stay."""
    (base, sense), *rest = _phrase(text)
    stem = base + base[-1] if base in tables.DOUBLING.split() else base
    bare = stem[:-1] if base.endswith("e") and not base.endswith("ee") else stem
    past = bare + "ed"
    if base.endswith("y") and base[-2] not in "aeiou":
        past = base[:-1] + "ied"
    ing = base[:-2] + "ying" if base.endswith("ie") else bare + "ing"
    past, participle = _VERBS.get(base, [past, past])
    third = "has" if base == "have" else _add_s(base)
    forms = {"base": base, "p": base, "s": third, "m": third, "past": past, "pp": participle, "ing": ing}
    return {feature: ((form, sense), *rest) for feature, form in forms.items()}


def _article(tokens: list[str]) -> None:
    for i in range(len(tokens) - 1):
        after = tokens[i + 1]
        if tokens[i] == "a" and after[0] in "aeiou" and not after.startswith(("use", "uni", "eu", "one")):
            tokens[i] = "an"


# The tables, read


@dataclass(frozen=True)
class Frame:
    """A verb with what it takes: `[subjects >] verb: objects [> tail]`."""

    verb: Word
    objects: Sequence[Word]
    subjects: Sequence[Word] = ()
    tail: Phrase = ()


class Deed(NamedTuple):
    """A frame with one object drawn, and the object's number."""

    frame: Frame
    noun: Word
    number: str


@dataclass
class Topic:
    name: str
    who: Sequence[Word]
    where: Sequence[Word]
    when: Sequence[Word]
    frames: list[Frame]
    human: list[Frame] = field(default_factory=list)  # the frames that any person can be the subject of


@dataclass(frozen=True)
class Focus:
    """What a sentence is about: a sense, or a topic alone."""

    topic: str
    kind: str
    nouns: Sequence[Word] = ()
    fa: Sequence[Word] = ()
    use: Sequence[Word] = ()
    does: Sequence[Word] = ()
    frame: Frame | None = None


def _blocks(text: str) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
    """Each unindented line, split, with the indented rows below it: {first word: the rest of each such row}."""
    for block in re.split(r"\n(?=\S)", text.strip()):
        head, *lines = block.split("\n")
        rows: dict[str, list[str]] = {}
        for key, _, rest in (line.strip().partition(" ") for line in lines):
            rows.setdefault(key, []).append(rest)
        yield head.split(), rows


def _fixed(text: str) -> Word:
    return {"": _phrase(text)}


def _phrases(text: str) -> list[Word]:
    return [_fixed(part) for part in text.split(";")]


def _frame(subjects: str, rest: str) -> Frame:
    verb, _, objects = rest.partition(":")
    objects, _, tail = objects.partition(">")
    people = [_noun(word) for word in subjects.split()]
    return Frame(_verb(verb), [_noun(word) for word in objects.split()], people, _phrase(tail))


def _topic(name: str, rows: dict[str, list[str]]) -> Topic:
    """`do ...` rows are done by people; a row `dog puppy > bark at: ...` names its subjects."""
    own = {"who", "where", "when", "do"}
    frames = [_frame("", row) for row in rows["do"]]
    for first, rest in ((key, row) for key in rows if key not in own for row in rows[key]):
        subjects, _, deed = rest.partition(">")
        frames.append(_frame(f"{first} {subjects}", deed))
    who = [_noun(word) for word in rows["who"][0].split()]
    return Topic(name, who, _phrases(rows["where"][0]), _phrases(rows["when"][0]), frames)


def _sense(head: list[str], rows: dict[str, list[str]]) -> Focus:
    text, topic, kind, *flags = head
    if kind == "adj":
        (adjective,) = _phrase(text)
        plain = [_noun(word) for word in rows["of"][0].split()]
        nouns: list[Word] = [{number: (adjective, *form) for number, form in noun.items()} for noun in plain]
    else:
        nouns = [_noun(text + {"mass": "*", "one": "!"}[flags[0]] if flags else text)]
    use = [_verb(verb) for verb in rows["use"][0].split()]
    does = [_verb(deed) for deed in rows["does"][0].split(";")]
    return Focus(topic, kind, nouns, [_fixed(word) for word in rows["fa"][0].split()], use, does)


TOPICS: dict[str, Topic] = {head[0]: _topic(head[0], rows) for head, rows in _blocks(tables.TOPICS)}
SENSES: list[Focus] = [_sense(head, rows) for head, rows in _blocks(tables.SENSES)]


def _read_deeds() -> Iterator[Focus]:
    """Let people talk about the ambiguous nouns of their topic; yield the ambiguous verbs as foci."""
    for topic in TOPICS.values():
        nouns = [noun for focus in SENSES if focus.topic == topic.name for noun in focus.nouns]
        topic.frames.extend(Frame(_verb(verb), nouns) for verb in ("discuss", "describe"))
        topic.human.extend(frame for frame in topic.frames if not frame.subjects)
        for frame in topic.frames:
            if frame.verb["base"][0][1]:
                yield Focus(topic.name, "deed", frame=frame)


SENSES += list(_read_deeds())


def _ambiguous() -> dict[str, tuple[str, ...]]:
    senses: dict[str, dict[str, None]] = {}  # a dict keeps the order of the tables, a set would not
    for focus in SENSES:
        for word in [*focus.nouns, *([focus.frame.verb] if focus.frame else [])]:
            for form, sense in (phrase[0] for phrase in word.values()):
                senses.setdefault(form, {})[sense] = None
    return {form: tuple(known) for form, known in senses.items() if len(known) > 1}


# Every form of every word that has two senses or more: `bank`, and `banks` too.
AMBIGUOUS: dict[str, tuple[str, ...]] = _ambiguous()


# The rules, read


class Symbol(NamedTuple):
    """A token to write, or the name of a rule or a word list with a feature."""

    token: Token | None
    name: str = ""
    feature: str = ""


class Production(NamedTuple):
    symbols: tuple[Symbol, ...]
    verb: bool  # it has a verb of its own
    doer: bool  # and the subject that goes with this verb


class Rule(NamedTuple):
    productions: Sequence[Production]
    ends: Sequence[int]  # running sums of the weights

    def draw(self, random: Random) -> int:
        return bisect(self.ends, random.random() * self.ends[-1])


def _production(text: str) -> Production:
    symbols = []
    for part in text.replace("-", "").split():
        name, _, feature = part.partition(":")
        symbols.append(Symbol(None, name, feature) if name[0].isupper() else Symbol(_token(part)))
    names = {symbol.name for symbol in symbols}
    return Production(tuple(symbols), "Verb" in names, "Doer" in names)


def _rule(rows: Sequence[tuple[str, str]]) -> Rule:
    return Rule([_production(text) for _, text in rows], list(accumulate(int(weight) for weight, _ in rows)))


def _rules() -> dict[str, Rule]:
    """Keyed `Who:s`, or `VP` for a rule that takes any feature."""
    return {
        head[0]: _rule([(weight, text) for weight, texts in rows.items() for text in texts])
        for head, rows in _blocks(tables.RULES)
    }


def _word_lists() -> dict[str, list[Word]]:
    """Keyed like rules. `look,at` is one item; a list of verbs has every form, another list one form, keyed ""."""
    lists: dict[str, list[Word]] = {}
    for name, *items in (line.split() for line in tables.WORDS.strip().split("\n")):
        texts = [item.replace(",", " ") for item in items]
        verbs = name in ("Meet", "Meet2", "See", "Stand")
        lists[name] = [_verb(text) if verbs else _fixed(text) for text in texts]
    return lists


TEMPLATES: list[tuple[str, str, str]] = [
    (kind, weight, text) for kind, weight, text in (row.split(None, 2) for row in tables.TEMPLATES.strip().split("\n"))
]
_TOPIC_LIST = list(TOPICS.values())
_RULES = _rules()
_LISTS = _word_lists()


def _templates(*kinds: str) -> tuple[list[int], Rule]:
    numbers = [number for number, template in enumerate(TEMPLATES) if template[0] in kinds]
    return numbers, _rule([TEMPLATES[number][1:] for number in numbers])


_IDEA, _SOLID, _DEED = _templates("any"), _templates("any", "solid"), _templates("deed")
_BY_KIND = {"idea": _IDEA, "adj": _SOLID, "thing": _SOLID, "place": _SOLID, "agent": _SOLID, "deed": _DEED}


# The writer


class _Writer:
    """One sentence being written.

    The names that rules may use besides other rules:
      Person:s Where When       the topic's people, places, times
      Verb:past N:s Tail Doer:s the frame of the production: one verb with its object, tail and subject
      Fn:s Fa Use:past Does:s   the focus: its noun, adjective, what is done to it, what it does
      Ga Order                  adjectives that fit the kind of the focus
      the lists of tables.WORDS
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tokens: list[Token] = []
        self.picked: list[Phrase] = []
        self.spans: list[tuple[int, int, str]] = []
        self.focus = self._draw_focus()
        self.topic = TOPICS[self.focus.topic]
        self.noun = _draw(random, self.focus.nouns) if self.focus.nouns else {}
        self.number = self._draw_number(self.noun)

    def write(self) -> LabelledSentence | None:
        """None if the sentence is too short or too long, or says one word twice: then the next one is drawn."""
        numbers, rule = _BY_KIND[self.focus.kind]
        drawn = rule.draw(self.random)
        deed = self._draw_deed(self.focus.frame) if self.focus.frame else None
        self._write(rule.productions[drawn], "", deed, 0)
        if not SHORTEST <= len(self.tokens) <= LONGEST or len(set(self.picked)) < len(self.picked):
            return None
        tokens = [form for form, _ in self.tokens]
        _article(tokens)
        senses = tuple((i, sense) for i, (form, sense) in enumerate(self.tokens) if form in AMBIGUOUS)
        return LabelledSentence(tuple(tokens), senses, self.focus.topic, numbers[drawn], tuple(self.spans))

    def _draw_focus(self) -> Focus:
        if self.random.random() < NO_FOCUS:
            topic = _draw(self.random, _TOPIC_LIST)
            return Focus(topic.name, "deed", frame=_draw(self.random, topic.frames))
        return _draw(self.random, SENSES)

    def _draw_number(self, word: Word) -> str:
        if "p" in word:
            return "p" if self.random.random() < PLURAL else "s"
        return next(iter(word), "s")

    def _draw_deed(self, frame: Frame) -> Deed:
        noun = _draw(self.random, frame.objects)
        return Deed(frame, noun, self._draw_number(noun))

    def _write(self, production: Production, handed: str, deed: Deed | None, depth: int) -> None:
        """A verb in the production calls for a new deed, unless the focus is one; the others use their parent's."""
        if production.verb and (depth > 0 or deed is None):
            deed = self._draw_deed(_draw(self.random, self.topic.frames if production.doer else self.topic.human))
        numbers = {"$": handed, "f": self.number, "o": deed.number if deed else ""}
        for token, name, feature in production.symbols:
            if token:
                self.tokens.append(token)
                continue
            if feature in ("n", "k") and feature not in numbers:
                numbers[feature] = "p" if self.random.random() < PLURAL else "s"
            self._expand(name, numbers.get(feature, feature), deed, depth + 1)

    def _expand(self, name: str, feature: str, deed: Deed | None, depth: int) -> None:
        if name == "Doer":
            if deed and deed.frame.subjects:
                self.tokens.append(("the", ""))
                self._say(_draw(self.random, deed.frame.subjects), feature)
                return
            name = "Who"
        rule = _RULES.get(f"{name}:{feature}") or _RULES.get(name)
        if rule is None:
            begin = len(self.tokens)
            self._terminal(name, feature, deed)
            if name in SPANS:
                self.spans.append((begin, len(self.tokens), SPANS[name]))
            return
        drawn = 0 if depth > DEEPEST else rule.draw(self.random)
        topic = self.topic
        if name == "Clause" and self.random.random() < DRIFT:
            self.topic = _draw(self.random, _TOPIC_LIST)
        self._write(rule.productions[drawn], feature, deed, depth)
        self.topic = topic

    def _terminal(self, name: str, feature: str, deed: Deed | None) -> None:
        focus = self.focus
        if deed and name == "Verb":
            self._say(deed.frame.verb, feature)
        elif deed and name == "N":
            self._say(deed.noun, feature)
        elif deed and name == "Tail":
            self.tokens.extend(deed.frame.tail)
        elif name == "Fn":
            self._say(self.noun, feature)
        elif name in ("Use", "Does"):
            self._say(_draw(self.random, focus.use if name == "Use" else focus.does), feature)
        elif name == "Person":
            self._say(_draw(self.random, self.topic.who), feature)
        else:
            self._say(_draw(self.random, self._list(name, feature)), feature)

    def _list(self, name: str, feature: str) -> Sequence[Word]:
        if name == "Fa":
            return self.focus.fa
        if name in ("Where", "When"):
            return self.topic.where if name == "Where" else self.topic.when
        if name in ("Ga", "Order"):
            name += "/" + (self.focus.kind if self.focus.kind in ("idea", "adj") else "solid")
        return _LISTS.get(f"{name}:{feature}") or _LISTS[name]

    def _say(self, word: Word, feature: str) -> None:
        phrase = word[feature] if feature in word else word[""]
        self.picked.append(next(iter(word.values())))
        if self.number == "p":
            phrase = tuple(("their", "") if token == ("its", "") else token for token in phrase)
        self.tokens.extend(phrase)


STUDIED = ("bank", "play", "spring", "bat", "bark", "match", "light")


def fresh_sentences(seed: int) -> list[LabelledSentence]:
    """Sentences of the grammar, each once, that a training on the corpus of `seed` has not seen."""
    trained = {tuple(sentence) for sentence in GrammarCorpus(seed=seed)}
    written = {s.tokens: s for s in GrammarCorpus(seed=seed + 1).labelled()}
    return [sentence for tokens, sentence in written.items() if tokens not in trained]
