"""The works of `embed.py`: sizes of published models, and the sentences to embed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import islice

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.pydoc_corpus import read_sentences

BLOCK = 64              # sentences that the peer pads to one batch: as many as AllenNLP's ElmoEmbedder
STRIDE = 7              # one in STRIDE sentences of the corpus, since neighbours are from the same page


@dataclass(frozen=True)
class EmbedSizes:
    """Sizes of a character model and of its input; the defaults are those of 2x1024_128_2048cnn_1xhighway.

    H cells, P projected width and width of a word's vector, highways of the character CNN, sentences of the corpus
    filters (width, number) of the CNN, C width of a character's vector, K characters per word, L layers
    """

    sentences: int
    H: int = 1024
    P: int = 128
    highways: int = 1
    filters: tuple[tuple[int, int], ...] = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
    C: int = 16
    K: int = 50
    L: int = 2
    clip: float = 3.0

    def config(self) -> BiLMConfig:
        return BiLMConfig(embedding_dim=self.P, hidden_dim=self.H, projection_dim=self.P, layers=self.L, residual=True,
                          cell_clip=self.clip, proj_clip=self.clip, char_filters=self.filters, char_dim=self.C,
                          char_activation="relu", char_highways=self.highways, max_characters=self.K,
                          share_embedding=True, predict=False)

    @property
    def F(self) -> int:
        return sum(number for _, number in self.filters)

    def text(self) -> list[list[str]]:
        """The sentences, which are the same for the same version of Python."""
        return _text(self.sentences)

    @property
    def tokens(self) -> int:
        return sum(map(len, self.text()))

    @property
    def types(self) -> int:
        return len({word for sentence in self.text() for word in sentence})

    @property
    def padded(self) -> int:
        """Positions in the peer's batches, including special tokens and padding."""
        text = self.text()
        blocks = [text[start:start + BLOCK] for start in range(0, len(text), BLOCK)]
        return sum(len(block) * (max(map(len, block)) + 2) for block in blocks)

    def flops(self) -> int:
        """Operations of the matrix products that are necessary: each word type once, its windows up to the first past
        its end, only the steps that a sentence has."""
        words = {word for sentence in self.text() for word in sentence}
        lengths = [3, 3, *(min(len(word.encode()) + 2, self.K) for word in words)]          # of the special tokens too
        windows = sum(2 * w * self.C * n * min(length + 1, self.K - w + 1)
                      for length in lengths for w, n in self.filters)
        dense = len(lengths) * 2 * self.F * (2 * self.highways * self.F + self.P)
        steps = self.tokens + 2 * self.sentences
        return windows + dense + 2 * steps * self.L * (8 * self.H * 2 * self.P + 2 * self.H * self.P)

    def __str__(self) -> str:
        model = f"H {self.H}, P {self.P}, highways {self.highways}"
        return model if not self.sentences else (f"{model}; {self.sentences} sentences, {self.tokens} tokens, "
                                                 f"{self.types} types, {self.padded} padded")


@cache
def _text(number: int) -> list[list[str]]:
    return [list(sentence) for sentence in islice(read_sentences(), 0, number * STRIDE, STRIDE)]
