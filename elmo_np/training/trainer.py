"""The training loop: epochs, validation, saving, and going on bit for bit."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from .. import backend
from ..config.schema import Settings, TrainConfig
from ..config.toml_files import read_toml, replaced, write_toml
from ..data.batches import EncodedCorpus, contiguous_batches, sentence_batches, stream_batches
from ..data.corpus import corpus_sha256, held_out, open_corpus, require_reiterable, splits_raw_text
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..inference.elmo import ELMo, save_model
from ..inference.evaluate import evaluate
from ..inference.token_indexer import batch_of, token_indexer
from ..io.run_directory import RunDirectory
from ..nn.bilm import Batch, BiLM, BiState, Loss
from ..nn.optim import SGD, Adagrad, Adam, Optimizer, clip_scale, global_norm
from ..nn.parameter import Parameter, parameters
from ..runtime.files import atomic_write_text
from ..runtime.progress import Progress, duration
from ..runtime.signals import Interrupted, interruptible
from ..runtime.threads import one_blas_thread, threads
from .checkpointing import TrainingState, restore, state_dict
from .fine_tuning import begun, same_run, take_over
from .metrics import Metrics

Corpus = Iterable[Sequence[str]]


def train(corpus: str | Corpus, out: str | os.PathLike[str], *, valid: str | Corpus | None = None,
          settings: Settings | None = None, resume: bool = False, quiet: bool = False) -> ELMo:
    """Train a biLM and leave a run's folder; the best model on validation comes back.

    corpus    what data.corpus.open_corpus opens (a file, a glob, "pydoc", "grammar"), or an iterable of token lists
              that can be read again and again
    out       the folder to write; one that holds a run is refused unless `resume`
    valid     what to validate on after every epoch; None: settings.data.valid, or else every held_out-th sentence
    settings  model and training; None: the defaults
    resume    go on where the run in `out` stopped: the same bytes come out as if it had not stopped
    quiet     no progress on stderr
    Raises UserError for a user's mistake, and where the loss or a gradient is no number; Interrupted after Ctrl-C, when
    everything is saved.
    """
    settings = _with_corpora(settings or Settings(), corpus, valid)
    if not settings.model.predict:
        raise UserError("predict = false: expected predict = true, because a language model learns by predicting words")
    folder = RunDirectory(Path(out))
    if not str(out):
        raise UserError("--out is empty: expected a folder's name")
    if folder.in_use() and not resume:
        hint = ", or go on with --resume" if folder.last.exists() else "" if folder.model.exists() else \
            ", or remove it: no step of its training was saved"
        raise UserError(f"{out} already holds a run: give another --out{hint}")
    if resume and not folder.last.exists():
        raise UserError(f"{out} has no last.safetensors to resume from: expected a folder that `elmo-np train` wrote")
    if resume:
        _same_start(folder, settings)
    progress, given = Progress(quiet=quiet), settings.data.valid if valid is None else valid
    trainer = Trainer(*_corpora(corpus, given, settings), folder, settings, progress)
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread(), threads(settings.train.threads), \
            interruptible() as signals, progress:
        if resume:
            trainer.resume()
        else:
            trainer.start()
        trainer.run(signals.raised)
    return ELMo.load(folder.path)


def _with_corpora(settings: Settings, corpus: str | Corpus, valid: str | Corpus | None) -> Settings:
    """Settings that say what is read, where it has a name, so that the run's folder says so too."""
    named = {key: name for key, name in (("corpus", corpus), ("valid", valid)) if isinstance(name, str)}
    return replaced(settings, **named)


def _same_start(folder: RunDirectory, settings: Settings) -> None:
    """Raise UserError where the run that is to go on began with another model than these settings say."""
    if folder.config.is_file():
        began, now = (own.data.fine_tune for own in (read_toml(folder.config, Settings()), settings))
        if not same_run(began, now):
            raise UserError(f"the run in {folder.path} was begun with fine_tune = {began or 'none'}, now it is "
                            f"{now or 'none'}: resume with the same, or begin another run with another --out")


def _corpora(corpus: str | Corpus, valid: str | Corpus | None, settings: Settings) -> tuple[Corpus, Corpus]:
    """What to train and what to validate on."""
    data, seed = settings.data, settings.train.seed
    def opened(given: str | Corpus) -> Corpus:
        if isinstance(given, str):
            return open_corpus(given, tokenize=data.tokenize, seed=seed)
        return require_reiterable(given)

    return held_out(opened(corpus), data.held_out) if valid is None else (opened(corpus), opened(valid))


def make_optimizer(config: TrainConfig, over: dict[str, Parameter]) -> Optimizer:
    """The optimiser that the settings name."""
    if config.optimizer == "adagrad":
        return Adagrad(over, config.learning_rate)
    if config.optimizer == "adam":
        return Adam(over, config.learning_rate)
    return SGD(over, config.learning_rate, config.momentum, config.nesterov)


class Trainer:
    """One run: model, optimiser, random generators, and the place in the corpus."""

    def __init__(self, corpus: Corpus, valid: Corpus, folder: RunDirectory, settings: Settings, progress: Progress):
        self.corpus, self.valid, self.folder, self.settings, self.progress = corpus, valid, folder, settings, progress
        self.config = settings.train
        self.place = TrainingState()
        self.state: BiState | None = None           # of the streams, where they are
        self.metrics = Metrics(folder.metrics)
        self.sampled = settings.model.softmax == "sampled"     # then its exp is no perplexity
        self.saved = ""
        progress.show("reading the corpus")
        data = settings.data
        self.fingerprints = (corpus_sha256(corpus), corpus_sha256(valid))
        start = begun(settings, folder)
        self.vocabulary = start.vocabulary.counted(corpus) if start else \
            Vocabulary.build(corpus, data.min_count, data.max_vocabulary)
        self._check_sizes()
        self.elmo = new_elmo(settings, self.vocabulary)
        if start:
            take_over(start, self.elmo)
        self.model = self.elmo.model
        self.words = token_indexer(self.model, self.vocabulary)
        self.parameters = parameters(self.model)
        self.optimizer = make_optimizer(self.config, self.parameters)
        # One generator a direction: the directions draw on two threads, in no order between them.
        self.rngs = (np.random.default_rng([self.config.seed, 1]), np.random.default_rng([self.config.seed, 2]))

    def start(self) -> None:
        """Make the folder, once everything that a user can get wrong has been looked at."""
        self.folder.begin(self.vocabulary, write_toml(self.settings))
        self.metrics.start()
        self._save()                    # from here on there is always something to go on from
        self._announce()

    def resume(self) -> None:
        """Take up what last.safetensors holds."""
        self.place, self.state = restore(self.folder, self.elmo, self.settings, self.optimizer, self.rngs,
                                         self.fingerprints, self.progress)
        if self.place.epoch > self.config.epochs:
            self.progress.say(f"{self.folder.path} is trained already, for {self.place.epoch - 1} epochs")
            return
        self.metrics.resume(self.place)
        atomic_write_text(self.folder.config, write_toml(self.settings))
        self.saved = f"{self.folder.last} ({self.place})"
        self._announce()
        self.progress.say(f"going on at {self.place}")

    def run(self, interrupted: list[int]) -> None:
        """All epochs that are left. `interrupted` fills when Ctrl-C was pressed: then save and stop."""
        while self.place.epoch <= self.config.epochs and not self._out_of_patience():
            self.optimizer.learning_rate = learning_rate_at(self.config, self.place.epoch)
            for batch in islice(self._batches(), self.place.step, None):
                self._step(batch)
                if interrupted:
                    self._save()
                    raise Interrupted(f"stopped at {self.place}; everything is in {self.folder.last}")
                if self.config.save_every and self.place.step % self.config.save_every == 0:
                    self._save()
            self._end_epoch()

    def _batches(self) -> Iterator[Batch]:
        config = self.config
        sentences = EncodedCorpus(self.corpus, self.words.encode, shuffle=config.shuffle,
                            seed=(config.seed, 3, self.place.epoch))
        if config.state == "reset":
            batches = sentence_batches(sentences, config.batch_size)
        else:
            cut = contiguous_batches if config.streams == "contiguous" else stream_batches
            batches = cut(sentences, config.batch_size, config.steps)
        return (batch_of(self.words, batch) for batch in batches)

    def _step(self, batch: Batch) -> None:
        start, config = time.perf_counter(), self.config
        state = self.state if config.state == "carry" else None
        loss, after, cache = self.model.forward(batch, state, self.rngs)
        self.model.backward(self._loss_scale(batch), cache)
        norm = global_norm(self.parameters)
        if not math.isfinite(loss.total) or not math.isfinite(norm):
            raise self._not_finite(loss)
        self.optimizer.step(clip_scale(norm, config.clip_norm))
        for parameter in self.parameters.values():
            parameter.zero_grad()
        self.state = after
        self.place.count(loss, batch.tokens, time.perf_counter() - start)
        self._report()

    def _loss_scale(self, batch: Batch) -> float:
        """What is minimised, in mean losses of both directions together: it matters where gradients are clipped."""
        steps = batch.tokens / len(batch.forward.lengths)
        return {"mean": 1, "steps": steps, "elmo": steps / 2}[self.config.loss_scale]

    def _report(self) -> None:
        place, steps = self.place, self._steps_an_epoch()
        interval = max(1, steps // 20)                  # twenty points of a curve an epoch
        # Near the end the row waits for the epoch's last step: a mean over few words would be noise.
        if place.step % interval == 0 and place.step <= steps - interval / 2:
            self._curve()
        left = (self.config.epochs - place.epoch + 1) * steps - place.step
        last = place.last
        how_well = f"sampled loss fwd {last.forward:.2f} bwd {last.backward:.2f}" if self.sampled else \
            f"loss {last.total:.2f}  perplexity fwd {_exp(last.forward):.1f} bwd {_exp(last.backward):.1f}"
        self.progress.show(
            f"epoch {place.epoch}/{self.config.epochs}  step {place.step}/{max(place.step, steps)}  "
            f"{duration(max(0, left) * place.seconds_a_step)} left  {how_well}  {place.speed:,.0f} tokens/s")

    def _curve(self) -> None:
        self.metrics.train(self.place, self.optimizer.learning_rate, self.sampled)
        self.place.clear_sums()

    def _end_epoch(self) -> None:
        place, epoch = self.place, self.place.epoch
        if place.tokens:                                # the curve's last piece
            self._curve()
        self.progress.show(f"epoch {epoch}: validating")
        found = evaluate(self.model, self.vocabulary, self.valid, state=self.config.state)
        nats = (found.forward_nats + found.backward_nats) / found.targets
        if not math.isfinite(nats):
            raise self._not_finite(Loss(found.forward_nats, found.backward_nats))
        better = nats < place.best
        place.best, place.since_best = (nats, 0) if better else (place.best, place.since_best + 1)
        self.metrics.valid(place, found, self.optimizer.learning_rate)
        place.next_epoch()
        self.state = None                               # an epoch begins as the first one did
        if better:      # before last.safetensors: a kill between the two repeats the validation and this
            save_model(self.folder.model, self.elmo, self.settings)
        self._save()
        over, best = " over all words" if self.sampled else "", "  (best so far)" if better else ""
        self.progress.say(f"epoch {epoch}/{self.config.epochs}  validation perplexity{over}: "
                          f"forward {found.forward:.2f}, backward {found.backward:.2f}{best}  "
                          f"after {duration(place.seconds)}")

    def _save(self) -> None:
        slots = [array for named in self.optimizer.slots.values() for array in named.values()]
        if not all(np.isfinite(array).all() for array in [*(p.value for p in self.parameters.values()), *slots]):
            raise self._not_finite(self.place.last)         # and what is on the disk stays as it is
        tensors, texts = state_dict(self.place, self.state, self.optimizer, self.rngs, self.fingerprints)
        save_model(self.folder.last, self.elmo, self.settings, tensors, texts)
        self.saved = f"{self.folder.last} ({self.place})"

    def _out_of_patience(self) -> bool:
        if self.config.patience is None or self.place.since_best < self.config.patience:
            return False
        self.progress.say(f"no better validation for {self.place.since_best} epochs: training ends")
        return True

    def _not_finite(self, loss: Loss) -> UserError:
        """Which array is no number, and what is left."""
        arrays = [(name, p.value) for name, p in self.parameters.items()]
        arrays += [(f"the gradient of {name}", p.grad) for name, p in self.parameters.items()]
        bad = [name for name, array in arrays if not np.isfinite(array).all()]
        return UserError(f"training stopped at {self.place}: loss forward {loss.forward:g}, backward "
                         f"{loss.backward:g}; not finite: {bad[0] if bad else 'the loss'}; last good checkpoint: "
                         f"{self.saved}; begin another run with a lower learning_rate (now "
                         f"{self.optimizer.learning_rate:g}) or a clip_norm")

    def _sentences(self) -> int:
        return self.vocabulary.count(self.vocabulary.bos)

    def _targets(self) -> int:
        return sum(self.vocabulary.counts or []) - self._sentences()        # words, and an end mark a sentence

    def _steps_an_epoch(self) -> int:
        config = self.config
        if config.state == "reset":
            return math.ceil(self._sentences() / config.batch_size)
        return math.ceil(self._targets() / (config.batch_size * config.steps))

    def _check_sizes(self) -> None:
        sentences = self._sentences()
        if sentences < self.config.batch_size:
            raise UserError(f"batch_size = {self.config.batch_size}, but there are {sentences} sentences to train on: "
                            f"expected at most as many; set batch_size={sentences}")
        if next(iter(self.valid), None) is None:
            raise UserError("there is no sentence to validate on: give --valid FILE, or a smaller held_out")

    def _announce(self) -> None:
        if self.settings.data.fine_tune:
            unknown = (self.vocabulary.counts or [])[self.vocabulary.unk] / max(1, self._targets() - self._sentences())
            self.progress.say(f"{unknown:.1%} of the words to predict are none of the model's, <UNK>")
        counts = sum(p.value.size for p in self.parameters.values())
        self.progress.say(f"{self._targets():,} tokens to train on, {len(self.vocabulary):,} words, {counts:,} "
                          f"parameters, {self._steps_an_epoch():,} steps an epoch")
        if backend.backend() == "numpy" and backend.why_not():
            self.progress.say(f"computing with NumPy alone, several times slower: {backend.why_not()}")


def _exp(nats: float) -> float:
    return math.exp(min(nats, 700))


def new_elmo(settings: Settings, vocabulary: Vocabulary) -> ELMo:
    """A model as it is before training, drawn from the settings' seed."""
    seed = settings.train.seed
    model = BiLM(settings.model, len(vocabulary), rng=np.random.default_rng([seed, 0]))
    return ELMo(model, vocabulary, tokenize=splits_raw_text(settings), seed=seed)


def learning_rate_at(config: TrainConfig, epoch: int) -> float:
    """The learning rate of an epoch, counted from 1: learning_rate * decay ** max(0, epoch - decay_after)."""
    return config.learning_rate * config.decay ** max(0, epoch - config.decay_after)
