"""What a person reads while a model trains, as text."""

from __future__ import annotations

from .. import backend
from ..inference.evaluate import perplexity, perplexity_text
from ..nn.bilm import Loss
from ..runtime.progress import duration
from .checkpointing import TrainingState
from .epoch_size import EpochSize

SHORT = {"forward": "fwd", "backward": "bwd"}


def announcement(size: EpochSize, vocabulary_size: int, values: int) -> list[str]:
    """The lines before the first step: what there is to do, and what makes it slow."""
    lines = [f"{size.targets:,} targets per direction (tokens and sentence ends) to train on, {vocabulary_size:,} "
             f"words, {values:,} parameters, {size.steps:,} steps per epoch"]
    if backend.backend() == "numpy" and backend.why_not():
        lines.append(f"computing with NumPy alone, several times slower: {backend.why_not()}")
    return lines


def progress_line(place: TrainingState, epochs: int, steps: int, sampled: bool) -> str:
    """After a step: how far, how long still, how well, how fast; steps: of an epoch, about that many."""
    left = max(0, (epochs - place.epoch + 1) * steps - place.step)
    losses = place.last.each.items()
    if sampled:
        how_well = "sampled loss " + " ".join(f"{SHORT[direction]} {nats:.2f}" for direction, nats in losses)
    else:
        how_well = f"loss {place.last.total:.2f}  perplexity " + " ".join(
            f"{SHORT[direction]} {_text(nats, 1)}" for direction, nats in losses)
    return (f"epoch {place.epoch}/{epochs}  step {place.step}/{max(place.step, steps)}  "
            f"{duration(left * place.seconds_per_step)} left  {how_well}  {place.speed:,.0f} tokens/s")


def validation_line(epoch: str, loss: Loss, best: bool, sampled: bool, seconds: float) -> str:
    """After a validation. epoch: which of how many, and the step in it where it is not at an end."""
    return (f"epoch {epoch}  validation perplexity{' over all words' if sampled else ''}: "
            f"{_losses(loss)}{'  (best so far)' if best else ''}  after {duration(seconds)}")


def overfitting_note(best: int, last: int) -> str:
    """For a training whose last epochs did not improve on the best one."""
    return (f"note: validation was best at epoch {best} of {last} and worse since: the model kept is that of epoch "
            f"{best}; more epochs do not help, a larger corpus, a higher dropout or a smaller model may")


def rising_note(epochs: int) -> str:
    """For a training that has not improved for some epochs and goes on."""
    return (f"note: validation has not improved for {epochs} epochs, so training overfits or has stopped learning; the "
            "best model is kept; Ctrl-C stops here, patience=N (--set patience=N) would have stopped by itself")


def gap_note(seen: Loss, validation: Loss) -> str:
    """For a model that predicts the text it was trained on much better than the one it was validated on."""
    return (f"note: in the last epoch the perplexity of the training text was {_losses(seen)}, and after it that of "
            f"the validation text {_losses(validation)}: the model has learnt much of the text by heart; a larger "
            "corpus or a higher dropout narrows the gap")


def held_out_note(every: int) -> str:
    """For a training without a validation file."""
    return (f"no validation file: one of every {every} sentences is held out instead, and its neighbours are trained "
            "on, so how well another text is predicted, and overfitting to this one, cannot be seen; to see it: "
            "valid=FILE (--valid FILE)")


def seen_note(file: str) -> str:
    """For a training that validates on a file that it also trains on."""
    return (f"note: {file} is both trained on and validated on, so the validation cannot show how well another text is "
            "predicted, nor overfitting: give a text that is not in the corpus")


def unigram_note(loss: Loss, unigram: float, advice: str) -> str:
    """For a validation loss that is not below that of the unigram model; losses in nats per token."""
    return (f"note: the last validation perplexity ({_losses(loss)}) is not better than that of the unigram model, "
            f"which sees no context ({_text(unigram)}): {advice}")


def _losses(loss: Loss) -> str:
    return ", ".join(f"{direction} {_text(nats)}" for direction, nats in loss.each.items())


def _text(nats: float, digits: int = 2) -> str:
    return perplexity_text(perplexity(nats, 1), digits)
