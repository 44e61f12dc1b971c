"""The settings of a task model: one table for all tasks."""

import dataclasses
import json
from collections.abc import Iterable

from ...config.fields import check, option
from ...config.toml_files import parsed_value
from ...errors import UserError
from ..nn.attention import ATTENTION_KINDS
from ..nn.pooling import POOLING_KINDS


@dataclasses.dataclass(frozen=True)
class TaskConfig:
    """How a task model is made and trained. Raises UserError for a value out of its range."""

    input: str = option("mix", "what is read for a word: mix, vector (W h_bi + b), static, top, or a layer's number; "
                       "translate: or learnt, an embedding of its own, and learnt+mix, both")
    penalty: float = option(0.001, "lambda: keeps the mix near the average of the layers", at_least=0)
    input_dropout: float = option(0.2, "share dropped of the input; the paper drops half, of a larger biLM", at_least=0,
                                  less_than=1)
    hidden_dim: int | None = option(64, "cells of a direction of the BiLSTM; none: no BiLSTM", at_least=1)
    dropout: float = option(0.3, "share dropped below the linear layer", at_least=0, less_than=1)
    pooling: str = option("max", f"classify: of a sentence's words: {', '.join(POOLING_KINDS)}",
                         *POOLING_KINDS)
    method: str = option("logistic", "senses: logistic regression, or nearest mean of a sense", "logistic", "nearest")
    weight_decay: float = option(0.0001, "senses, logistic: mu, keeps the weights small", at_least=0)
    attention: str = option("dot", "translate: how attention scores: dot product, or additive", *ATTENTION_KINDS)
    word_dim: int = option(64, "translate: width of the target words' vectors", at_least=1)
    decoder_dim: int = option(128, "translate: cells of the decoder", at_least=1)
    beam: int = option(4, "translate: sentences that a search follows at once; 1: greedy", at_least=1)
    max_source: int = option(25, "translate: pairs with more words in the source are left out", at_least=1)
    min_count: int = option(1, "translate: rarer words of the training pairs become <UNK>", at_least=1)
    epochs: int = option(20, "times through the training sentences", at_least=1)
    batch_size: int = option(32, "sentences a step", at_least=1)
    learning_rate: float = option(0.005, "of Adam", above=0)
    clip_norm: float = option(5.0, "largest norm of all gradients together", above=0)
    patience: int = option(5, "epochs without a better validation before the end", at_least=1)
    held_out: int = option(10, "without a validation file: one of so many training sentences validates", at_least=2)
    seed: int = option(0, "of every random number", at_least=0)

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "TaskConfig":
        """What `to_json` wrote. Raises UserError for anything else."""
        try:
            values = json.loads(text)
            return TaskConfig(**values)
        except (TypeError, ValueError, RecursionError) as error:
            raise UserError(f"task settings {text!r:.60}: expected what to_json writes ({error})") from error


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
