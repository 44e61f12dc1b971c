"""The settings of a model, of its training and of its data, as frozen dataclasses.

Every field carries its meaning and its range; both end up in error messages and in the config.toml of a run.
"""

import dataclasses
from typing import TypeVar

from ..errors import UserError
from .fields import Pairs, check, option


@dataclasses.dataclass(frozen=True)
class BiLMConfig:
    """The shape of a bidirectional language model. Raises UserError for a value out of its range."""

    embedding_dim: int = option(128, "D, numbers in the input vector of a token", at_least=1)
    char_filters: tuple[tuple[int, int], ...] | None = option(None, "[[width, number], ...]; none: words by id",
                                                              at_least=1)
    char_dim: int = option(16, "C, numbers in the vector of a character", at_least=1)
    char_activation: str = option("relu", "of the filters: relu or tanh", "relu", "tanh")
    char_highways: int = option(1, "highway layers above the filters", at_least=0)
    char_projection: bool = option(True, "from the filters to D; false: D is the number of filters")
    max_characters: int = option(50, "K, bytes of a word and its two marks; the rest is cut", at_least=3, at_most=1000)
    hidden_dim: int = option(128, "H, cells of an LSTM layer of one direction", at_least=1)
    projection_dim: int | None = option(None, "P, outputs of an LSTM layer; none: H, not projected", at_least=1)
    layers: int = option(1, "L, LSTM layers of one direction", at_least=1)
    residual: bool = option(False, "from the second layer on, add a layer's input to its output")
    cell_clip: float | None = option(None, "cells stay within +-this; none: free", above=0)
    proj_clip: float | None = option(None, "projected outputs stay within +-this; none: free", above=0)
    forget_bias: float = option(0.0, "constant added to the forget gate's bias; the original ELMo has 1")
    share_embedding: bool = option(False, "both directions use one embedding, or one character CNN")
    share_softmax: bool = option(False, "both directions use one softmax")
    tie: bool = option(False, "softmax weights are the embedding's; needs D equal to P, or to H without P")
    predict: bool = option(True, "has a softmax; false: it embeds, and cannot predict a word")
    softmax: str = option("full", "full; adaptive: rare words in clusters, exact and cheaper; sampled: trained on "
                          "words drawn anew each step, evaluated over all", "full", "adaptive", "sampled")
    samples: int = option(8192, "words that a sampled softmax draws for a step and a direction", at_least=1)
    cutoffs: tuple[int, ...] | None = option(None, "word ids at which an adaptive softmax's clusters begin; none: "
                                             "chosen by the number of words", at_least=1)
    div_value: int = option(4, "an adaptive softmax's clusters have P / div_value, P / div_value^2 .. inputs",
                            at_least=1)
    vector_dim: int | None = option(None, "numbers in v_t = W h_bi + b; none: as many as in h_bi", at_least=1)
    dropout: float = option(0.0, "share dropped of layer inputs and of the top output", at_least=0, less_than=1)
    init_scale: float | None = option(None, "all arrays start uniform in +-this; none: each layer's own start", above=0)

    def __post_init__(self) -> None:
        check(self)
        if self.char_filters:
            self._check_characters(self.char_filters)
        if self.tie and self.softmax == "adaptive":
            raise UserError("tie = true with softmax = adaptive: expected softmax = full, because the clusters' words "
                            "have narrower weights than the embedding: set it, or set tie = false")
        if self.tie and self.embedding_dim != self.output_dim:
            raise UserError(f"tie = true with embedding_dim = {self.embedding_dim}: expected embedding_dim = "
                            f"{self.output_dim}, the output's: change one of them, or set tie = false")
        if self.tie and self.share_softmax and not self.share_embedding:
            raise UserError("tie = true with share_softmax = true: expected share_embedding = true, because "
                            "one softmax cannot be two embeddings: set it, or set share_softmax = false")

    def _check_characters(self, filters: Pairs) -> None:
        if self.tie:
            raise UserError("tie = true with char_filters: expected tie = false, because a character CNN has no vector "
                            "a word to tie the softmax to: set it, or set char_filters = none")
        widest, number = max(width for width, _ in filters), sum(number for _, number in filters)
        if widest > self.max_characters:
            raise UserError(f"char_filters has a filter of width {widest}, but max_characters = {self.max_characters}: "
                            "expected no filter wider than a word: change one of them")
        if not self.char_projection and number != self.embedding_dim:
            raise UserError(f"char_projection = false with embedding_dim = {self.embedding_dim}: expected {number}, "
                            "the number of filters: set it, or set char_projection = true")

    @property
    def output_dim(self) -> int:
        """Numbers in the output of one direction: P, or H without a projection."""
        return self.projection_dim or self.hidden_dim


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. Raises UserError for a value out of its range."""

    epochs: int = option(10, "times through the corpus", at_least=1)
    batch_size: int = option(32, "B, rows that are trained side by side", at_least=1)
    steps: int = option(20, "T, time steps of a batch, where the gradient is cut", at_least=1)
    optimizer: str = option("sgd", "update rule: sgd, adagrad or adam", "sgd", "adagrad", "adam")
    learning_rate: float = option(0.01, "of the first epoch", above=0)
    momentum: float = option(0.0, "share of the last update that is kept; for sgd", at_least=0, less_than=1)
    nesterov: bool = option(False, "Nesterov's form of momentum; for sgd")
    clip_norm: float | None = option(None, "largest norm of all gradients together; none: free", above=0)
    decay: float = option(1.0, "factor on the learning rate, an epoch, after decay_after epochs", above=0, at_most=1)
    decay_after: int = option(0, "epochs before the decay begins", at_least=0)
    loss_scale: str = option("mean", "mean: over targets; steps: a row's sum, as Zaremba et al. 2014; elmo: half "
                             "of that, as the original", "mean", "steps", "elmo")
    state: str = option("carry", "carry: one long stream; reset: a fresh state a sentence", "carry", "reset")
    streams: str = option("shared", "shared: rows take turns; contiguous: each its own part", "shared", "contiguous")
    shuffle: int = option(0, "sentences in the shuffle buffer; 0: the corpus keeps its order", at_least=0)
    patience: int | None = option(None, "epochs without a better validation before the end; none: never", at_least=1)
    seed: int = option(0, "of every random number", at_least=0)
    threads: int = option(2, "directions that run at once", at_least=1, at_most=2)
    save_every: int = option(0, "updates between saves; 0: at the ends of epochs only", at_least=0)

    def __post_init__(self) -> None:
        check(self)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What is read. Raises UserError for a value out of its range."""

    corpus: str | None = option(None, "a text file, a glob of shards, pydoc or grammar")
    fine_tune: str | None = option(None, "folder of a run whose model goes on learning; none: a new model")
    valid: str | None = option(None, "a file to validate on; none: sentences of the corpus are held out")
    held_out: int = option(20, "every n-th sentence validates, if no validation file is given", at_least=2)
    tokenize: bool = option(False, "split raw text into tokens; false: spaces separate them")
    min_count: int = option(1, "times that a word must occur to be in the vocabulary", at_least=1)
    max_vocabulary: int | None = option(None, "most words in the vocabulary, marks too; none: all", at_least=4)

    def __post_init__(self) -> None:
        check(self)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that a run can be told: the tables [data], [model] and [train]."""

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: BiLMConfig = dataclasses.field(default_factory=BiLMConfig)
    train: TrainConfig = dataclasses.field(default_factory=TrainConfig)


Config = TypeVar("Config", bound="BiLMConfig | DataConfig | TrainConfig | Settings")
FIELDS = {"data": {f.name: f for f in dataclasses.fields(DataConfig)},
          "model": {f.name: f for f in dataclasses.fields(BiLMConfig)},
          "train": {f.name: f for f in dataclasses.fields(TrainConfig)}}
TABLE_OF = {key: table for table, fields in FIELDS.items() for key in fields}  # no key is in two tables
