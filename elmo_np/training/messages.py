"""What a person reads while a model trains, as text."""

from __future__ import annotations

from .. import backend
from ..inference.evaluate import perplexity, perplexity_text
from ..nn.bilm import Loss
from ..runtime.progress import duration
from .checkpointing import TrainingState
from .epoch_size import EpochSize


def announcement(size: EpochSize, vocabulary_size: int, values: int) -> list[str]:
    """The lines before the first step: what there is to do, and what makes it slow."""
    lines = [f"{size.targets:,} tokens to train on, {vocabulary_size:,} words, {values:,} parameters, "
             f"{size.steps:,} steps per epoch"]
    if backend.backend() == "numpy" and backend.why_not():
        lines.append(f"computing with NumPy alone, several times slower: {backend.why_not()}")
    return lines


def progress_line(place: TrainingState, epochs: int, steps: int, sampled: bool) -> str:
    """After a step: how far, how long still, how well, how fast; steps: of an epoch, about that many."""
    left = max(0, (epochs - place.epoch + 1) * steps - place.step)
    loss = place.last
    if sampled:
        how_well = f"sampled loss fwd {loss.forward:.2f} bwd {loss.backward:.2f}"
    else:
        how_well = f"loss {loss.total:.2f}  perplexity fwd {_text(loss.forward, 1)} bwd {_text(loss.backward, 1)}"
    return (f"epoch {place.epoch}/{epochs}  step {place.step}/{max(place.step, steps)}  "
            f"{duration(left * place.seconds_per_step)} left  {how_well}  {place.speed:,.0f} tokens/s")


def validation_line(epoch: str, loss: Loss, best: bool, sampled: bool, seconds: float) -> str:
    """After a validation. epoch: which of how many, and the step in it where it is not at an end."""
    return (f"epoch {epoch}  validation perplexity{' over all words' if sampled else ''}: "
            f"forward {_text(loss.forward)}, backward {_text(loss.backward)}{'  (best so far)' if best else ''}  "
            f"after {duration(seconds)}")


def overfitting_note(best: int, last: int) -> str:
    """For a training whose last epochs did not improve on the best one."""
    return (f"note: validation was best at epoch {best} of {last} and worse since: the model kept is that of epoch "
            f"{best}; more epochs do not help, a larger corpus, a higher dropout or a smaller model may")


def unigram_note(loss: Loss, unigram: float, advice: str) -> str:
    """For a validation loss that is not below that of the unigram model; losses in nats per token."""
    return (f"note: the last validation perplexity (forward {_text(loss.forward)}, backward {_text(loss.backward)}) is "
            f"not better than that of the unigram model, which sees no context ({_text(unigram)}): train for more "
            f"epochs if the loss was falling; otherwise {advice}")


def _text(nats: float, digits: int = 2) -> str:
    return perplexity_text(perplexity(nats, 1), digits)
