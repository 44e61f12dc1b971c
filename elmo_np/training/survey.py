"""What a first pass over a training corpus counts, and what a person should know of it before hours of training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from ..config.schema import BiLMConfig
from ..data.corpus import corpus_sha256
from ..data.sentences import checked_sentences
from ..data.sharded_corpus import ShardedCorpus, sha256_of_shards
from ..data.vocabulary import Vocabulary
from ..inference.coverage import MUCH, SPLIT
from ..nn.characters import is_cut
from .processes import OneProcess

ONCE = 1 / 2        # of the words occur once: in English prose that is so up to some 300 words
JOINED = 1 / 100    # of the words end with a comma: in raw English prose some 5 %, in text that is split hardly any
_COMMAS = (",", ";", "\u060c", "\u061b")        # the last two in Arabic script
Sentences = Iterable[Sequence[str]]


def fingerprint(corpus: Sentences, processes: OneProcess, seen: Callable[[Sentences], Sentences] = iter) -> str:
    """`corpus_sha256`, in one pass. Of a sharded corpus, every process reads some of the shards.

    seen    what is read passes through it
    """
    sizes = corpus.sizes if isinstance(corpus, ShardedCorpus) else ()
    processes.check_same(lambda: {"the number of shards": str(len(sizes)),
                                  "the SHA-256 of their sizes": sha256(str(sizes).encode()).hexdigest()})
    if not isinstance(corpus, ShardedCorpus):
        return processes.agreed(lambda: corpus_sha256(seen(corpus)))
    number = processes.number
    own = corpus.shards[processes.rank::number]
    digests = processes.gathered(processes.agreed(lambda: [corpus_sha256(seen(shard)) for shard in own]))
    return sha256_of_shards(digests[k % number][k // number] for k in range(len(corpus.shards)))


class Survey:
    """What is counted while a corpus is read, or some of its shards."""

    def __init__(self, config: BiLMConfig):
        self.most = config.max_characters if config.char_filters else None
        self.sentences = 0
        self.single = 0                         # sentences of one word
        self.words: Counter[str] = Counter()

    def counting(self, corpus: Sentences) -> Iterator[Sequence[str]]:
        """The sentences, counted as they are read."""
        for sentence in checked_sentences(corpus):
            self.sentences += 1
            self.single += len(sentence) == 1
            self.words.update(sentence)
            yield sentence

    def plus(self, other: Survey) -> Survey:
        """This one, with what the other has counted."""
        self.sentences += other.sentences
        self.single += other.single
        self.words.update(other.words)
        return self

    def notes(self, vocabulary: Vocabulary, hidden: int, given: bool = False) -> list[str]:
        """Lines to print, once.

        hidden      how many words are replaced by <UNK> now and then, so that it is trained
        given       whether the setting `unknown` was set, and not chosen
        """
        counts = vocabulary.counts or []
        unknown = vocabulary.count(vocabulary.unk)
        words = max(1, sum(counts) - counts[vocabulary.bos] - counts[vocabulary.eos])
        lines = self._marks(vocabulary.unknown, given)
        if unknown:
            lines.append(f"{unknown:,} of {words:,} words ({unknown / words:.1%}) are not in the vocabulary and count "
                         "as <UNK>")
        if hidden:
            lines.append(f"no word is unknown: <UNK> is learnt from the {hidden:,} words that occur once, which are "
                         "replaced by it half of the time")
        special = (vocabulary.bos, vocabulary.eos, vocabulary.unk)
        once = sum(n == 1 for id, n in enumerate(counts) if id not in special)
        return lines + self._warnings(words, unknown, once)

    def _marks(self, unknown: str | None, given: bool) -> list[str]:
        """What the corpus has of `unknown`; given: it was set, so all of it should be there."""
        if unknown is None:
            return []
        marks = unknown.split()
        found = [mark for mark in marks if mark in self.words]
        lines = []
        if found:
            lines.append(f"the corpus writes an unknown word as {' and '.join(found)}, which counts as <UNK>; if it "
                         "is a word like others, start again with --set unknown=none")
        missing = [mark for mark in marks if mark not in self.words]
        if given and missing:
            lines.append(f"note: unknown = {unknown}, but the corpus has no {' and no '.join(missing)}")
        return lines

    def _warnings(self, words: int, unknown: int, once: int) -> list[str]:
        lines = []
        if unknown > MUCH * words:
            lines.append(f"warning: more than a third of the words count as <UNK>, so the model learns little else; a "
                         f"low perplexity means nothing here; {SPLIT}; otherwise lower min_count")
        elif once + unknown > ONCE * words:
            lines.append(f"warning: {once + unknown:,} of {words:,} words occur once or are unknown, so little of new "
                         f"text will be known; {SPLIT}, or train on more text")
        if self.single > MUCH * self.sentences:
            lines.append(f"warning: {self.single:,} of {self.sentences:,} lines are a single word, which has no "
                         f"context to learn from: expected one sentence per line; {SPLIT}")
        joined = sum(count for word, count in self.words.items() if _is_joined(word))
        if joined > JOINED * words:
            lines.append(f"warning: {joined:,} of {words:,} words end with a comma or semicolon, as in raw text, in "
                         "which 'word,' and 'word' are different words: to split it, start again with --set "
                         "tokenize=true")
        if cut := self._cut():
            lines.append(f"warning: {cut:,} of {words:,} words are cut to their first {(self.most or 2) - 2} "
                         "bytes (max_characters), so words that begin alike are the same to the model; "
                         f"{SPLIT}, or raise max_characters")
        return lines

    def _cut(self) -> int:
        """How many of the words are too long for a model of characters."""
        if self.most is None:
            return 0
        return sum(count for word, count in self.words.items() if is_cut(word, self.most))


def _is_joined(word: str) -> bool:
    """Whether a comma or semicolon follows the letters of a word, as it does not in "&apos;" or in a tagged ",/,"."""
    return word.endswith(_COMMAS) and word[-2:-1].isalnum() and "&" not in word
