"""PyTorch's side: the model and recipe of preset `small` as a user would write them, on elmo_np's batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import torch
import torch.nn.functional as F
from peer_torch import put, put_lstm, stack, tensor
from quality_watch import BudgetSpent, Watch, corpora
from torch import Tensor, nn
from works import Sizes

from elmo_np.config.schema import TABLE_OF, Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.batches import Ids, contiguous_batches, pack, reversed_sentences, stream_batches
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.evaluate import CHUNK, Evaluation
from elmo_np.nn.bilm import Batch, DirectionBatch
from elmo_np.nn.parameter import parameters
from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.training.initial_model import new_elmo
from elmo_np.training.singletons import WithUnknown, singletons
from elmo_np.training.trainer import learning_rate_at
from elmo_np.types import Array

State = tuple[Tensor, Tensor]
# The settings that this side implements; all others must have their default.
FOLLOWED = ("embedding_dim", "hidden_dim", "projection_dim", "layers", "init_scale", "epochs", "batch_size", "steps",
            "learning_rate", "clip_norm", "decay", "decay_after", "loss_scale", "streams", "seed", "threads", "corpus",
            "valid", "tokenize", "min_count", "max_vocabulary", "unknown")


def train(settings: Settings, watch: Watch) -> None:
    """Train until the epochs are done or the budget is spent."""
    text, held_out = corpora(settings)
    vocabulary = Vocabulary.build(text, settings.data.min_count, settings.data.max_vocabulary, settings.data.unknown)
    hidden = singletons(vocabulary)
    training = Training(settings, vocabulary, list(map(vocabulary.encode, text)),
                        list(map(vocabulary.encode, held_out)))
    watch.training_begins(vocabulary)
    with suppress(BudgetSpent):
        for epoch in range(1, settings.train.epochs + 1):
            step = 0
            if hidden:
                training.text = list(map(vocabulary.encode, WithUnknown(text, hidden, settings.train.seed, epoch)))
            for step, batch in enumerate(training.epoch(epoch), 1):
                training.step(batch)
                watch.stepped(epoch, step, batch.tokens, training.validate)
            with watch.aside():
                watch.epoch_validated(epoch, step, training.validate())
            watch.epoch_ends()


class Direction(nn.Module):
    """Word vectors, LSTM, full softmax; time-major, as elmo_np is. The backward one reads reversed sentences."""

    def __init__(self, sizes: Sizes, arrays: dict[str, Array], prefix: str):
        super().__init__()
        self.embedding = nn.Embedding(sizes.V, sizes.E)
        self.lstm = stack(sizes)
        self.out = nn.Linear(sizes.output, sizes.V)
        put(self.embedding.weight, arrays[f"{prefix}embedding.E"])
        put_lstm(self.lstm, arrays, prefix)
        put(self.out.weight, arrays[f"{prefix}softmax.W"])
        put(self.out.bias, arrays[f"{prefix}softmax.b"])

    def loss(self, side: DirectionBatch, state: State | None, reduction: str = "mean") -> tuple[Tensor, State]:
        """Loss in nats without padding, and the final state, detached from the gradient.

        A row that has ended reads on in padding, which has no loss, and its state is not used again.
        """
        h, (hidden, cell) = self.lstm(self.embedding(tensor(side.x)), state)
        loss = F.cross_entropy(self.out(h).flatten(0, 1), tensor(side.y).flatten(), ignore_index=IGNORE_INDEX,
                               reduction=reduction)
        return loss, (hidden.detach(), cell.detach())


class Training:
    """Model, optimiser and corpus; it starts from elmo_np's initial weights."""

    def __init__(self, settings: Settings, vocabulary: Vocabulary, text: Sequence[Ids], held_out: Sequence[Ids]):
        check(settings)
        model, self.config = settings.model, settings.train
        self.text: Sequence[Ids] = text
        self.held_out, self.unk = held_out, vocabulary.unk
        torch.set_num_threads(self.config.threads)
        sizes = Sizes(len(vocabulary), model.embedding_dim, model.hidden_dim, model.layers, self.config.batch_size,
                      self.config.steps, model.projection_dim)
        arrays = {name: p.value for name, p in parameters(new_elmo(settings, vocabulary).model).items()}
        self.directions = [Direction(sizes, arrays, f"{name}_lm.") for name in ("forward", "backward")]
        self.trained = [p for direction in self.directions for p in direction.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(self.trained, lr=self.config.learning_rate)
        self.states: list[State | None] = [None, None]

    def epoch(self, number: int) -> Iterable[Batch]:
        """The batches of an epoch, which starts from a fresh state."""
        self.states = [None, None]
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, number)
        cut = contiguous_batches if self.config.streams == "contiguous" else stream_batches
        return cut(self.text, self.config.batch_size, self.config.steps)

    def step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of both directions before the update."""
        (forward, state_f), (backward, state_b) = (direction.loss(side, state) for direction, side, state in zip(
            self.directions, batch, self.states, strict=True))
        self.states = [state_f, state_b]
        scale = batch.tokens / self.config.batch_size if self.config.loss_scale == "steps" else 1.0
        self.optimizer.zero_grad()
        (scale * (forward + backward)).backward()  # type: ignore[no-untyped-call]
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.trained, self.config.clip_norm)
        self.optimizer.step()
        return forward.detach(), backward.detach()

    @torch.no_grad()
    def validate(self) -> Evaluation:
        """The same as elmo_np.inference.evaluate: one long stream in each direction, every token a target once."""
        forward, backward = (sum(losses(direction, sentences)) for direction, sentences in zip(
            self.directions, (self.held_out, reversed_sentences(self.held_out)), strict=True))
        targets = sum(len(sentence) - 1 for sentence in self.held_out)
        unknown = sum(sentence.count(self.unk) for sentence in self.held_out)
        return Evaluation(forward, backward, targets, len(self.held_out), unknown)


def losses(direction: Direction, sentences: Iterable[Ids]) -> Iterator[float]:
    """Nats of one long stream, chunk by chunk."""
    state = None
    for side in pack([iter(sentences)], CHUNK):
        loss, state = direction.loss(side, state, "sum")
        yield loss.item()


def check(settings: Settings) -> None:
    """Raise ValueError for a recipe that this side does not implement, which could not be compared."""
    followed = {name: getattr(getattr(settings, TABLE_OF[name]), name) for name in FOLLOWED}
    if replaced(Settings(), **followed) != settings:
        raise ValueError("the recipe has a setting that quality_torch.py does not implement")
