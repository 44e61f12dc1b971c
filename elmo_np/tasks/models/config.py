"""The settings of a task model: one table for all tasks."""

import dataclasses
import json
from collections.abc import Iterable

from ...config.fields import check, option
from ...config.toml_files import parsed_value
from ...errors import UserError
from ...runtime import json_text
from ..nn.attention import ATTENTION_KINDS
from ..nn.pooling import SENTENCE_POOLING

MOST_SIZE = 100_000
# Not in version 0.1, whose files mean the defaults
LATER = ("char_dim", "comparison", "finetune", "ngrams", "rate_decay")


@dataclasses.dataclass(frozen=True)
class TaskConfig:
    """The settings of a task model and its training. Raises UserError for a value out of its range."""

    input: str = option("mix", "the vector of a word: mix, vector (W h_bi + b), static, top, or a layer (0, 1, ..); "
                       "classify, tag, translate: also learnt, an embedding without the biLM, characters, a CNN over "
                       "the word's characters, and these before another, such as characters+mix; "
                       "classify: also bag, words and phrases whatever their order, and bag+ before another")
    char_dim: int = option(30, "characters: width of the vector that is made of a word's characters", at_least=1,
                           at_most=MOST_SIZE)
    ngrams: int = option(2, "classify, bag: the longest phrase", at_least=1, at_most=5)
    finetune: bool = option(False, "classify, tag, translate: train the biLM too, its top layer from the second "
                            "epoch on, one layer more per epoch")
    rate_decay: float = option(2.6, "finetune: how many times slower each layer learns than the one above it",
                               at_least=1, at_most=1000)
    penalty: float = option(0.001, "lambda: keeps the mix near the average of the layers", at_least=0)
    input_dropout: float = option(0.2, "share of the input dropped; the paper drops half, with a larger biLM",
                                  at_least=0, less_than=1)
    hidden_dim: int | None = option(64, "cells per direction of the BiLSTM; none: no BiLSTM", at_least=1,
                                    at_most=MOST_SIZE)
    dropout: float = option(0.3, "share dropped below the linear layer", at_least=0, less_than=1)
    pooling: str = option("max", f"classify: how the words of a sentence are pooled: {', '.join(SENTENCE_POOLING)}",
                         *SENTENCE_POOLING)
    method: str = option("logistic", "senses: logistic regression, or nearest mean of a sense", "logistic", "nearest")
    comparison: str = option("cosine", "wic: a threshold on the cosine, or logistic regression over both vectors",
                             "cosine", "logistic")
    weight_decay: float = option(0.0001, "senses, wic, logistic: mu, keeps the weights small", at_least=0)
    attention: str = option("dot", "translate: how attention scores: dot product, or additive", *ATTENTION_KINDS)
    word_dim: int = option(64, "translate: width of the target words' vectors", at_least=1, at_most=MOST_SIZE)
    decoder_dim: int = option(128, "translate: cells of the decoder", at_least=1, at_most=MOST_SIZE)
    beam: int = option(4, "translate: width of the beam search; 1: greedy", at_least=1, at_most=1000)
    max_source: int = option(25, "translate: pairs with more words in the source are left out", at_least=1)
    min_count: int = option(1, "learnt, bag, translate: rarer words of the training data are unknown", at_least=1)
    epochs: int = option(20, "times through the training sentences", at_least=1)
    batch_size: int = option(32, "sentences per step", at_least=1)
    learning_rate: float = option(0.005, "of Adam", above=0)
    clip_norm: float = option(5.0, "maximum norm of all gradients together", above=0)
    patience: int = option(5, "epochs without a better validation score before training stops", at_least=1)
    held_out: int = option(10, "without a validation file: one in so many training sentences is held out", at_least=2)
    seed: int = option(0, "of all random numbers", at_least=0, at_most=2**128 - 1)

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> str:
        """The settings, without those that version 0.1 did not have where they are the default: its files stay as they
        are."""
        values = {name: value for name, value in dataclasses.asdict(self).items()
                  if name not in LATER or value != getattr(TaskConfig, name)}
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "TaskConfig":
        """The settings that `to_json` wrote. Raises UserError for anything else."""
        try:
            values = json_text.loads(text)
            return TaskConfig(**values)
        except (TypeError, ValueError) as error:
            raise UserError(f"task settings {text!r:.60}: expected the output of to_json ({error})") from error


def overridden(config: TaskConfig, assignments: Iterable[str]) -> TaskConfig:
    """Settings with "key=value" replaced, as `elmo_np.config.schema.override` reads them. Raises UserError."""
    known = {field.name for field in dataclasses.fields(TaskConfig)}
    values: dict[str, object] = {}
    for assignment in assignments:
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or key not in known:
            raise UserError(f"{assignment!r:.60}: expected key=value with one of {', '.join(sorted(known))}")
        value = str(text) if key == "input" else parsed_value(text)
        values[key] = None if value == "none" else value
    return dataclasses.replace(config, **values)    # type: ignore[arg-type]


def unread(config: TaskConfig, task: str) -> set[str]:
    """The settings that change nothing in the training of a task's model, the others being as they are."""
    parts = set(config.input.split("+"))
    words = parts != {"bag"}                # whether the vectors of words are read, which need a network
    network = words and task in ("classify", "tag", "translate")
    senses = task == "senses"
    epochs = config.comparison == "logistic" if task == "wic" else not (senses and config.method == "nearest")
    read = {"char_dim": "characters" in parts,
            "ngrams": "bag" in parts,
            "rate_decay": config.finetune,
            "penalty": epochs and "mix" in parts,
            "pooling": network and task == "classify",
            "method": senses,
            "comparison": task == "wic",
            "weight_decay": (senses or task == "wic") and epochs,
            "min_count": task == "translate" or bool(parts & {"bag", "learnt"}),
            "input_dropout": epochs,
            **dict.fromkeys(("hidden_dim", "dropout"), network),
            **dict.fromkeys(("attention", "word_dim", "decoder_dim", "beam", "max_source"), task == "translate"),
            **dict.fromkeys(("epochs", "batch_size", "learning_rate", "clip_norm", "patience"), epochs)}
    return {name for name, is_read in read.items() if not is_read}
