"""The settings of a model, of its training and of its data, as frozen dataclasses.

Every field has its meaning and its range, which appear in error messages and in the config.toml of a run.
"""

import dataclasses
from typing import TypeVar

from ..errors import UserError
from .cells import CELLS, OPTIONAL
from .directions import DIRECTIONS
from .fields import Pairs, check, option

MOST_OF_A_BATCH = 10**8     # words


@dataclasses.dataclass(frozen=True)
class BiLMConfig:
    """The architecture of a biLM, or of one direction alone. Raises UserError for a value out of range."""

    direction: str = option("both", "both; forward or backward: half the work, where only a language model is wanted",
                            "both", *DIRECTIONS)
    embedding_dim: int = option(128, "D, size of the input vector of a token", at_least=1)
    char_filters: tuple[tuple[int, int], ...] | None = option(None, "[[width, number], ...]; none: one vector per word",
                                                              at_least=1)
    char_dim: int = option(16, "C, size of the vector of a character", at_least=1)
    char_activation: str = option("relu", "activation of the filters: relu or tanh", "relu", "tanh")
    char_highways: int = option(1, "highway layers above the filters", at_least=0, at_most=1000)
    char_projection: bool = option(True, "project the filters to D; false: D is the number of filters")
    max_characters: int = option(50, "K, bytes of a word and two boundary symbols; the rest is cut",
                                 at_least=3, at_most=1000)
    cell: str = option("lstm", f"kind of the recurrent layers: {' or '.join(CELLS)}", among=CELLS)
    hidden_dim: int = option(128, "H, cells of a recurrent layer in one direction", at_least=1)
    projection_dim: int | None = option(None, "P, outputs of an LSTM layer; none: H, no projection", at_least=1)
    layers: int = option(1, "L, recurrent layers in one direction", at_least=1, at_most=1000)
    residual: bool = option(False, "from the second layer on, add a layer's input to its output")
    cell_clip: float | None = option(None, "cells stay within +-this; none: unlimited", above=0)
    proj_clip: float | None = option(None, "projected outputs stay within +-this; none: unlimited", above=0)
    forget_bias: float = option(0.0, "constant added to the forget gate's bias; the original ELMo has 1")
    share_embedding: bool = option(False, "both directions use the same embedding or character CNN")
    share_softmax: bool = option(False, "both directions use the same softmax")
    tie: bool = option(False, "softmax weights are those of the embedding; where D is not P, h is projected to D")
    predict: bool = option(True, "has a softmax; false: it embeds but cannot predict words")
    softmax: str = option("full", "full; adaptive: rare words in clusters, exact and cheaper; sampled: trained on "
                          "words drawn at each step, evaluated over all", "full", "adaptive", "sampled")
    samples: int = option(8192, "words that a sampled softmax draws per step and direction", at_least=1)
    cutoffs: tuple[int, ...] | None = option(None, "word ids at which the clusters of an adaptive softmax begin; "
                                             "none: chosen by the vocabulary size, at most [2000, 10000]", at_least=1)
    div_value: int = option(4, "clusters of an adaptive softmax have P / div_value, P / div_value^2, ... inputs; "
                            "tied ones D", at_least=1)
    vector_dim: int | None = option(None, "size of v_t = W h_bi + b; none: that of h_bi", at_least=1)
    dropout: float = option(0.0, "probability of dropping a layer input or top output", at_least=0, less_than=1)
    input_dropout: float | None = option(None, "the same of the first layer's input alone; none: dropout",
                                         at_least=0, less_than=1)
    output_dropout: float | None = option(None, "the same of the top output alone; none: dropout",
                                          at_least=0, less_than=1)
    locked_dropout: bool = option(False, "these drop the same elements at all steps of a batch (variational dropout)")
    embedding_dropout: float = option(0.0, "probability of dropping a word type: the whole vector, wherever a batch "
                                      "has the word", at_least=0, less_than=1)
    weight_drop: float = option(0.0, "probability of dropping a weight of the recurrence, Wh, for a batch "
                                "(DropConnect)", at_least=0, less_than=1)
    ar: float = option(0.0, "activation regularisation: factor of the mean square of the dropped top output",
                       at_least=0, at_most=1000)
    tar: float = option(0.0, "temporal activation regularisation: factor of the mean square of the change of the top "
                        "output from step to step", at_least=0, at_most=1000)
    label_smoothing: float = option(0.0, "share of every target that is spread over all words, while training; "
                                    "not for softmax = sampled", at_least=0, less_than=1)
    init_scale: float | None = option(None, "initial values uniform in +-this; none: each layer's default", above=0,
                                      at_most=1000)

    def __post_init__(self) -> None:
        check(self)
        self._check_cell()
        if self.char_filters:
            self._check_characters(self.char_filters)
        if self.tie and self.softmax == "adaptive" and self.div_value != BiLMConfig.div_value:
            raise UserError(f"tie = true with div_value = {self.div_value}: expected {BiLMConfig.div_value}, the "
                            "default, because tied clusters are as wide as the embedding: set it, or set tie = false")
        if self.label_smoothing and self.softmax == "sampled":
            raise UserError(f"label_smoothing = {self.label_smoothing} with softmax = sampled: expected 0, because a "
                            "sample does not have all words: set it, or set softmax = full or adaptive")
        if self.tie and self.share_softmax and not self.share_embedding and self.direction == "both":
            raise UserError("tie = true with share_softmax = true: expected share_embedding = true, because "
                            "one softmax cannot be tied to two embeddings: set it, or set share_softmax = false")

    def _check_cell(self) -> None:
        absent = {name: getattr(BiLMConfig, name) for name in OPTIONAL if name not in CELLS[self.cell].settings}
        wrong = [name for name, default in absent.items() if getattr(self, name) != default]
        if wrong:
            given = ", ".join(f"{name} = {getattr(self, name)}" for name in wrong)
            right = ", ".join(f"{name} = {'none' if absent[name] is None else absent[name]}" for name in wrong)
            raise UserError(f"cell = {self.cell} with {given}: expected {right}, because this cell has no such part: "
                            "set that, or set cell = lstm")

    def _check_characters(self, filters: Pairs) -> None:
        if self.tie:
            raise UserError("tie = true with char_filters: expected tie = false, because a character CNN has no vector "
                            "per word to tie the softmax to: set it, or set char_filters = none")
        widest, number = max(width for width, _ in filters), sum(number for _, number in filters)
        if widest > self.max_characters:
            raise UserError(f"char_filters has a filter of width {widest}, but max_characters = {self.max_characters}: "
                            "expected filters no wider than a word: change one of them")
        if not self.char_projection and number != self.embedding_dim:
            raise UserError(f"char_projection = false with embedding_dim = {self.embedding_dim}: expected {number}, "
                            "the number of filters: set it, or set char_projection = true")

    @property
    def directions(self) -> tuple[str, ...]:
        """Those that the model has, forward first."""
        return DIRECTIONS if self.direction == "both" else (self.direction,)

    @property
    def output_dim(self) -> int:
        """Size of the output of one direction: P, or H without a projection."""
        return self.projection_dim or self.hidden_dim

    def width(self, layer: int) -> int:
        """Size of a layer's outputs, all directions side by side: that of h_bi, 2P in both directions and P in one;
        of layer 0, the word vectors, 2D or D."""
        return len(self.directions) * (self.output_dim if layer else self.embedding_dim)

    @property
    def dropout_rates(self) -> list[float]:
        """Of the input of every layer, and of the top output: L + 1 rates."""
        first, top = (self.dropout if rate is None else rate for rate in (self.input_dropout, self.output_dropout))
        return [first, *[self.dropout] * (self.layers - 1), top]


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. Raises UserError for a value out of its range."""

    epochs: int = option(10, "passes over the corpus", at_least=1)
    batch_size: int = option(32, "B, rows of a batch", at_least=1)
    steps: int = option(20, "T, time steps of a batch; the gradient is cut between batches", at_least=1)
    optimizer: str = option("sgd", "update rule: sgd, adagrad or adam", "sgd", "adagrad", "adam")
    learning_rate: float = option(0.01, "learning rate before any decay", above=0)
    momentum: float = option(0.0, "fraction of the last update that is kept; for sgd", at_least=0, less_than=1)
    nesterov: bool = option(False, "Nesterov momentum; for sgd")
    clip_norm: float | None = option(None, "maximum norm of all gradients together; none: unlimited", above=0)
    decay: float = option(1.0, "factor on the learning rate per epoch, after decay_after epochs", above=0, at_most=1)
    decay_after: int = option(0, "epochs before the decay begins; 0: the first is decayed too", at_least=0)
    weight_decay: float = option(0.0, "share of every weight, times the learning rate, that is taken from it at each "
                                 "step (decoupled: not part of the gradient); biases keep theirs", at_least=0)
    loss_scale: str = option("mean", "mean: over targets; steps: summed over a row, as in Zaremba et al. 2014; elmo: "
                             "half of that, as in the original", "mean", "steps", "elmo")
    state: str = option("carry", "carry: one long stream; reset: a zero state at every sentence", "carry", "reset")
    streams: str = option("shared", "shared: rows take sentences in turn; contiguous: each row has its own part",
                          "shared", "contiguous")
    random_steps: bool = option(False, "draw T for each batch: near steps, or near half of it one time in 20; with "
                                "loss_scale = mean, the learning rate of a batch is in proportion to its T")
    shuffle: int = option(0, "sentences in the shuffle buffer; 0: corpus order", at_least=0)
    patience: int | None = option(None, "epochs without a better validation until training ends; none: no limit",
                                  at_least=1)
    average: str = option("none", "weights that are validated and kept; none: the last; ema: an exponential average; "
                          "asgd: the mean since validation stopped improving (NT-ASGD)", "none", "ema", "asgd")
    average_decay: float = option(0.999, "share of the average that a step keeps; for ema", at_least=0, less_than=1)
    average_wait: int = option(5, "n: averaging begins after an epoch whose validation is worse than the best of those "
                               "more than n before it; for asgd", at_least=0)
    seed: int = option(0, "seed of all random numbers", at_least=0, at_most=2**128 - 1)
    threads: int = option(2, "directions, or halves of a batch of one direction, in parallel", at_least=1, at_most=2)
    groups: int = option(1, "groups of rows into which each batch is cut, a power of 2; as many processes as divide it "
                         "share them (mpiexec), and the model is the same for all", at_least=1)
    eval_every: int = option(0, "steps between validations, each of which may find the best model; 0: only at the end "
                             "of each epoch", at_least=0)
    save_every: int = option(0, "steps between saves; 0: only at the end of each epoch", at_least=0)

    def __post_init__(self) -> None:
        check(self)
        if self.batch_size * self.steps > MOST_OF_A_BATCH:
            raise UserError(f"batch_size = {self.batch_size} with steps = {self.steps}: expected a product of at most "
                            f"{MOST_OF_A_BATCH:,}, the words of a batch: change one of them")
        if self.groups & (self.groups - 1) or self.groups > self.batch_size:
            raise UserError(f"groups = {self.groups} with batch_size = {self.batch_size}: expected 1, 2, 4 or another "
                            "power of 2, and at most batch_size: change one of them")
        if self.learning_rate * self.weight_decay >= 1:
            raise UserError(f"weight_decay = {self.weight_decay} with learning_rate = {self.learning_rate}: expected a "
                            "product less than 1, because that share of a weight is taken at each step: change one of "
                            "them")
        if self.random_steps and self.state == "reset":
            raise UserError("random_steps = true with state = reset: expected state = carry, because whole sentences "
                            "are not cut into steps: set it, or set random_steps = false")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What is read. Raises UserError for a value out of its range."""

    corpus: str | None = option(None, "text files or Wikipedia dumps: a name, a glob, a.txt:b.txt; or pydoc, grammar")
    fine_tune: str | None = option(None, "folder of a run whose model to train further; none: a new model")
    valid: str | None = option(None, "a file to validate on; none: hold out sentences of the corpus")
    held_out: int = option(20, "hold out every n-th sentence if no validation file is given", at_least=2)
    tokenize: bool = option(False, "split raw text into tokens; false: spaces separate them")
    shards: bool = option(False, "the files of the corpus are shards: read in a new order in every epoch, "
                          "counted by several processes together; sentences are held out of each")
    min_count: int = option(1, "number of times a word must occur to be in the vocabulary", at_least=1)
    max_vocabulary: int | None = option(None, "maximum vocabulary size, special tokens included; none: unlimited",
                                        at_least=4)
    unknown: str | None = option("auto", "how the corpus writes an unknown word, such as <unk>, or in several ways, "
                                 "with spaces between them; auto: recognise it; none: it does not")

    def __post_init__(self) -> None:
        check(self)
        given = self.unknown
        if given is not None and (not given or given != " ".join(given.split())):
            raise UserError(f"unknown = {given!r:.60}: expected a word, several with spaces between them, auto "
                            "or none")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of a run: the tables [data], [model] and [train]."""

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: BiLMConfig = dataclasses.field(default_factory=BiLMConfig)
    train: TrainConfig = dataclasses.field(default_factory=TrainConfig)


Config = TypeVar("Config", bound="BiLMConfig | DataConfig | TrainConfig | Settings")
FIELDS = {"data": {f.name: f for f in dataclasses.fields(DataConfig)},
          "model": {f.name: f for f in dataclasses.fields(BiLMConfig)},
          "train": {f.name: f for f in dataclasses.fields(TrainConfig)}}
TABLE_OF = {key: table for table, fields in FIELDS.items() for key in fields}  # no key is in two tables
