"""English sentences from a probabilistic grammar, with the sense of every ambiguous word labelled.

    >>> corpus = GrammarCorpus(seed=0, sentences=1000)
    >>> for sentence in corpus.labelled():
    ...     print(" ".join(sentence.tokens), sentence.senses)

A small language model learns this language in a minute. Its vectors of `bank` then form two groups, money and river,
which a single static vector per word cannot do. Rules and words are text tables in `grammar_rules.txt`.

To write a sentence, draw a focus (a sense, such as bank/river) and with it a topic (river), draw a pattern that fits,
and expand it from left to right. The words around the focus come partly from the topic, which reveals the sense, and
partly from a common stock ("anna remembered the old bank ."), which does not: a few sentences remain ambiguous.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import NamedTuple, TypeVar

from ..errors import UserError

T = TypeVar("T")
Token = tuple[str, str]  # a form and its sense, "" for a word with one sense
Phrase = tuple[Token, ...]
Word = dict[str, Phrase]  # feature (s, p, past, ...) -> the form with that feature

SHORTEST, LONGEST = 4, 25  # tokens per sentence
DEEPEST = 3  # below this depth a nonterminal takes its first production, which is never recursive
PLURAL = 0.3  # share of plurals where both numbers are possible
DRIFT = 0.05  # share of subordinate clauses that change the topic
NO_FOCUS = 0.05  # share of sentences that are not built around an ambiguous word
SPANS = {"Person": "person", "Name": "person", "Kin": "person", "Where": "place", "When": "time"}


@dataclass(frozen=True)
class LabelledSentence:
    """A sentence with (position, sense) of each ambiguous word, its topic, the index of its template, and
    (begin, end, type) of each phrase that names a person, place or time."""

    tokens: tuple[str, ...]
    senses: tuple[tuple[int, str], ...]
    topic: str
    template: int
    spans: tuple[tuple[int, int, str], ...]


class GrammarCorpus:
    """`sentences` sentences, the same for a seed on every machine; a longer corpus begins with the shorter one."""

    name = "grammar"

    def __init__(self, *, seed: int = 0, sentences: int = 60000) -> None:
        for name, value, example in (("seed", seed, 0), ("sentences", sentences, 20000)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise UserError(f"{name} is {value!r}, expected a whole number of at least 0, such as {name}={example}")
        self.seed, self.sentences = seed, sentences

    def __iter__(self) -> Iterator[list[str]]:
        return (list(sentence.tokens) for sentence in self.labelled())

    def labelled(self) -> Iterator[LabelledSentence]:
        random = Random(self.seed)
        for _ in range(self.sentences):
            while not (sentence := _Writer(random).write()):
                pass
            yield sentence


# Only random() is used: it is the one method that Python guarantees to give the same numbers for a seed forever.


def _draw(random: Random, items: Sequence[T]) -> T:
    return items[int(random.random() * len(items))]


# Words and their forms


def _token(text: str) -> Token:
    return text.partition("/")[0], text if "/" in text else ""


def _phrase(text: str) -> Phrase:
    return tuple(map(_token, text.split()))


def read_tables() -> dict[str, str]:
    """The tables of grammar_rules.txt by their names: `== NAME` begins one."""
    text = files(__package__).joinpath("grammar_rules.txt").read_text(encoding="utf-8")
    _, *parts = re.split(r"^== (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def _rows(text: str) -> dict[str, list[str]]:
    """`a b c, d e f` as {a: [b, c], d: [e, f]}."""
    rows = {}
    for row in text.replace("\n", " ").split(","):
        first, *rest = row.split()
        rows[first] = rest
    return rows


_TABLES = read_tables()
_VERBS = _rows(_TABLES["IRREGULAR_VERBS"])
_PLURALS = _rows(_TABLES["IRREGULAR_PLURALS"])


def _add_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "go", "do")) else "s")


def _noun(text: str) -> Word:
    """`coin` is countable, `money*` a mass noun, `tennis~` takes no article, `spring/season!` has no plural."""
    form, sense = _token(text.rstrip("*~!"))
    if text[-1] == "*":
        return {"m": ((form, sense),)}
    if text[-1] == "~":
        return {"b": ((form, sense),)}
    word: Word = {"s": ((form, sense),)}
    if text[-1] != "!":
        word["p"] = ((_PLURALS.get(form, [_add_s(form)])[0], sense),)
    return word


def _verb(text: str) -> Word:
    """The forms of the first word; the words after it (`look at`) do not change."""
    (base, sense), *rest = _phrase(text)
    stem = base + base[-1] if base in _TABLES["DOUBLING"].split() else base
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
    """Replace `a` by `an` before a vowel, in place."""
    for i in range(len(tokens) - 1):
        after = tokens[i + 1]
        if tokens[i] == "a" and after[0] in "aeiou" and not after.startswith(("use", "uni", "eu", "one")):
            tokens[i] = "an"


# The tables, parsed


@dataclass(frozen=True)
class Frame:
    """A verb with its arguments: `[subjects >] verb: objects [> tail]`."""

    verb: Word
    objects: Sequence[Word]
    subjects: Sequence[Word] = ()
    tail: Phrase = ()


class Deed(NamedTuple):
    """A frame with one of its objects, and the number (singular, plural, ...) of that object."""

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
    """What a sentence is about: a sense, or just a topic."""

    topic: str
    kind: str
    nouns: Sequence[Word] = ()
    fa: Sequence[Word] = ()
    use: Sequence[Word] = ()
    does: Sequence[Word] = ()
    frame: Frame | None = None


def _blocks(text: str) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
    """Each unindented line, split, with the indented rows below it: {first word of a row: the rest of each}."""
    for block in re.split(r"\n(?=\S)", text):
        head, *lines = block.split("\n")
        rows: dict[str, list[str]] = {}
        for line in lines:
            key, _, rest = line.strip().partition(" ")
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
    """The subjects of `do ...` rows are people; a row `dog puppy > bark at: ...` names its subjects."""
    frames = [_frame("", row) for row in rows["do"]]
    for first, rest in rows.items():
        if first in ("who", "where", "when", "do"):
            continue
        for row in rest:
            subjects, _, deed = row.partition(">")
            frames.append(_frame(f"{first} {subjects}", deed))
    who = [_noun(word) for word in rows["who"][0].split()]
    return Topic(name, who, _phrases(rows["where"][0]), _phrases(rows["when"][0]), frames)


def _sense(head: list[str], rows: dict[str, list[str]]) -> Focus:
    text, topic, kind, *flags = head
    if kind == "adj":
        nouns = [_modified(_token(text), _noun(word)) for word in rows["of"][0].split()]
    else:
        ending = {"mass": "*", "one": "!"}[flags[0]] if flags else ""
        nouns = [_noun(text + ending)]
    use = [_verb(verb) for verb in rows["use"][0].split()]
    does = [_verb(deed) for deed in rows["does"][0].split(";")]
    return Focus(topic, kind, nouns, [_fixed(word) for word in rows["fa"][0].split()], use, does)


def _modified(adjective: Token, noun: Word) -> Word:
    return {number: (adjective, *form) for number, form in noun.items()}


TOPICS: dict[str, Topic] = {head[0]: _topic(head[0], rows) for head, rows in _blocks(_TABLES["TOPICS"])}
SENSES: list[Focus] = [_sense(head, rows) for head, rows in _blocks(_TABLES["SENSES"])]


def _read_deeds() -> Iterator[Focus]:
    """Let people discuss the ambiguous nouns of their topic; yield the ambiguous verbs as foci."""
    for topic in TOPICS.values():
        nouns: list[Word] = []
        for focus in SENSES:
            if focus.topic == topic.name:
                nouns.extend(focus.nouns)
        topic.frames.extend(Frame(_verb(verb), nouns) for verb in ("discuss", "describe"))
        topic.human.extend(frame for frame in topic.frames if not frame.subjects)
        for frame in topic.frames:
            if frame.verb["base"][0][1]:
                yield Focus(topic.name, "deed", frame=frame)


SENSES += list(_read_deeds())


def _ambiguous() -> dict[str, tuple[str, ...]]:
    senses: dict[str, dict[str, None]] = {}  # a dict keeps the order of the tables, a set would not
    for focus in SENSES:
        words = [focus.frame.verb] if focus.frame else focus.nouns
        for word in words:
            for phrase in word.values():
                form, sense = phrase[0]
                senses.setdefault(form, {})[sense] = None
    return {form: tuple(known) for form, known in senses.items() if len(known) > 1}


# All forms of all words with two or more senses: `bank`, and `banks` as well.
AMBIGUOUS: dict[str, tuple[str, ...]] = _ambiguous()


# The rules, parsed


class Symbol(NamedTuple):
    """A token to write, or the name of a rule or word list with a feature."""

    token: Token | None
    name: str = ""
    feature: str = ""


class Production(NamedTuple):
    symbols: tuple[Symbol, ...]
    verb: bool  # whether it contains a verb
    doer: bool  # and whether it contains the subject of that verb


class Rule(NamedTuple):
    productions: Sequence[Production]
    ends: Sequence[int]  # cumulative sums of the weights

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
    """The keys are `Who:s`, or `VP` for a rule that takes any feature."""
    rules = {}
    for head, rows in _blocks(_TABLES["RULES"]):
        weighted: list[tuple[str, str]] = []
        for weight, texts in rows.items():
            weighted.extend((weight, text) for text in texts)
        rules[head[0]] = _rule(weighted)
    return rules


def _word_lists() -> dict[str, list[Word]]:
    """The keys are those of rules. `look,at` is one item. Verbs have all their forms, other words one, with key ""."""
    lists: dict[str, list[Word]] = {}
    for line in _TABLES["WORDS"].split("\n"):
        name, *items = line.split()
        forms = _verb if name in ("Meet", "Meet2", "See", "Stand") else _fixed
        lists[name] = [forms(item.replace(",", " ")) for item in items]
    return lists


# (kind, weight, production)
TEMPLATES: list[list[str]] = [row.split(None, 2) for row in _TABLES["TEMPLATES"].split("\n")]
_TOPIC_LIST = list(TOPICS.values())
_RULES = _rules()
_LISTS = _word_lists()


def _templates(*kinds: str) -> tuple[list[int], Rule]:
    numbers = [number for number, template in enumerate(TEMPLATES) if template[0] in kinds]
    return numbers, _rule([(TEMPLATES[number][1], TEMPLATES[number][2]) for number in numbers])


_IDEA, _SOLID, _DEED = _templates("any"), _templates("any", "solid"), _templates("deed")
_BY_KIND = {"idea": _IDEA, "adj": _SOLID, "thing": _SOLID, "place": _SOLID, "agent": _SOLID, "deed": _DEED}


# The writer


class _Writer:
    """One sentence being written.

    Besides other rules, a rule may use these names:
      Person:s Where When       people, places and times of the topic
      Verb:past N:s Tail Doer:s the frame of the production: a verb with its object, tail and subject
      Fn:s Fa Use:past Does:s   the focus: its noun, an adjective, what is done to it, what it does
      Ga Order                  adjectives that suit the kind of the focus
      the lists of the table WORDS
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
        """None if the sentence is too short or too long, or has a word twice; the caller then draws another."""
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
        """A production with a verb draws a new deed, unless the focus is one; all others use that of their parent."""
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


# The words that the demo and the built-in word senses look at
STUDIED = ("bank", "play", "spring", "bat", "bark", "match", "light")


def fresh_sentences(seed: int) -> list[LabelledSentence]:
    """Sentences of the grammar, each once, that are not in the corpus of `seed`."""
    trained = {tuple(sentence) for sentence in GrammarCorpus(seed=seed)}
    written = {s.tokens: s for s in GrammarCorpus(seed=seed + 1).labelled()}
    return [sentence for tokens, sentence in written.items() if tokens not in trained]
