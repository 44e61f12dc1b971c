"""What a first pass over a training corpus counts, and what a person should know of it before hours of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..config.schema import BiLMConfig
from ..data.sentences import checked_sentences
from ..data.vocabulary import Vocabulary
from ..inference.coverage import MUCH, SPLIT
from ..nn.characters import is_cut

ONCE = 1 / 2        # of the words occur once: in English prose that is so up to some 300 words


class Survey:
    """A corpus that counts while it is read. The counts are those of the last pass."""

    def __init__(self, corpus: Iterable[Sequence[str]], config: BiLMConfig):
        self.corpus = corpus
        self.most = config.max_characters if config.char_filters else None
        self.sentences = self.single = self.cut = 0

    def __iter__(self) -> Iterator[Sequence[str]]:
        self.sentences = self.single = self.cut = 0
        for sentence in checked_sentences(self.corpus):
            self.sentences += 1
            self.single += len(sentence) == 1
            if self.most is not None:
                self.cut += sum(is_cut(word, self.most) for word in sentence)
            yield sentence

    def notes(self, vocabulary: Vocabulary, hidden: int) -> list[str]:
        """Lines to print, once.

        hidden      how many words are replaced by <UNK> now and then, so that it is trained
        """
        counts = vocabulary.counts or []
        unknown = vocabulary.count(vocabulary.unk)
        words = max(1, sum(counts) - counts[vocabulary.bos] - counts[vocabulary.eos])
        lines = []
        if vocabulary.unknown is not None:
            lines.append(f"the corpus writes an unknown word as {vocabulary.unknown.replace(' ', ' and ')}, which "
                         "counts as <UNK>; if it is a word like others, start again with --set unknown=none")
        if unknown:
            lines.append(f"{unknown:,} of {words:,} words ({unknown / words:.1%}) are not in the vocabulary and count "
                         "as <UNK>")
        if hidden:
            lines.append(f"no word is unknown: <UNK> is learnt from the {hidden:,} words that occur once, which are "
                         "replaced by it half of the time")
        return lines + self._warnings(words, unknown, sum(n == 1 for n in counts))

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
        if self.cut:
            lines.append(f"warning: {self.cut:,} of {words:,} words are cut to their first {(self.most or 2) - 2} "
                         "bytes (max_characters), so words that begin alike are the same to the model; "
                         f"{SPLIT}, or raise max_characters")
        return lines
