"""The training loop: epochs, validation, saving, and resuming bit for bit."""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import memory_limit
from ..config.directions import by_direction
from ..config.schema import Settings, TrainConfig
from ..config.toml_files import replaced, write_toml
from ..data.batches import EncodedCorpus, RandomSteps, contiguous_batches, sentence_batches, stream_batches
from ..data.corpus import check_shared, shared_file
from ..data.sharded_corpus import ShardedCorpus
from ..data.vocabulary import AUTO, Vocabulary
from ..errors import UserError
from ..inference.elmo import ELMo, save_model
from ..inference.evaluate import evaluate
from ..inference.token_indexer import TokenIndexer, batch_of, token_indexer
from ..io.model_file import Stored, read_model
from ..io.run_directory import RunDirectory
from ..io.training_corpus import CORPORA
from ..nn.averaging import Average, stopped_improving
from ..nn.bilm import Batch, BiLM, BiState, Loss
from ..nn.optim import SGD, Adagrad, Adam, Optimizer, clip_scale, global_norm
from ..nn.parameter import Parameter, parameters, sha256
from ..runtime.files import atomic_write_text
from ..runtime.locks import locked_folder
from ..runtime.progress import Progress
from ..runtime.signals import Interrupted, interruptible
from ..runtime.threads import one_blas_thread, threads
from .checkpointing import TrainingState, check_corpora, machine, restore, state_dict
from .divergence import STEP_LIMIT, STEPS_IN_A_ROW, Diverged, DivergenceMonitor, no_model, not_finite
from .epoch_size import EpochSize, epoch_size
from .fine_tuning import base_model, take_over
from .initial_model import cutoffs_of, new_elmo, vocabulary_of
from .judgement import Judge
from .messages import announcement, held_out_note, progress_line, seen_note, validation_line
from .metrics import Metrics
from .processes import OneProcess, together
from .request import Corpus, check_processes, check_request, open_corpora, with_corpora, with_tokens
from .row_groups import RowGroups, Step
from .singletons import WithUnknown, singletons
from .survey import Survey, fingerprint

ROWS_PER_EPOCH = 20         # of metrics.csv
KERNEL_MEMORY = 1024        # MB that the kernels keep from step to step: more than a step of a laptop's models takes


def train(corpus: str | Corpus, out: str | os.PathLike[str], *, valid: str | Corpus | None = None,
          settings: Settings | None = None, resume: bool = False, quiet: bool = False, notes: Sequence[str] = (),
          on_step: Callable[[TrainingState], None] | None = None,
          on_epoch: Callable[[TrainingState, Loss], None] | None = None) -> ELMo:
    """Train a biLM, write a run's directory, and return the model with the best validation.

    corpus    what data.corpus.open_corpus opens (files, a glob, a directory, "pydoc", "grammar"), or an iterable of
              token lists that can be iterated over more than once
    out       the directory to write; one that holds a run is refused unless `resume`
    valid     what to validate on after every epoch; None: settings.data.valid, or else every held_out-th sentence
    settings  model and training; None: the defaults
    resume    continue the run in `out` where it stopped; the result has the same bytes as without the stop
    quiet     no progress on stderr
    notes     lines to print before the first step
    on_step   called after each step with the state, which goes on changing: epoch, step, last (its losses), seconds
    on_epoch  called after each epoch with the state and the validation losses of each direction, nats per token
    Under mpiexec, every process calls this with the same arguments, and they share the work: see `processes`.
    Raises UserError for a user's mistake, where another process is training into `out`, and where training diverges;
    Interrupted after Ctrl-C, when everything is saved, unless the loss is far too high: then the last good checkpoint
    stays.
    """
    settings = with_corpora(settings or Settings(), corpus, valid)
    folder, given = RunDirectory(Path(out)), settings.data.valid if valid is None else valid
    with together() as processes, ExitStack() as stack:
        progress = Progress(quiet=quiet or processes.rank > 0)

        def opened() -> Trainer:
            check_processes(settings, processes.number)
            check_shared(processes.number, corpus, given)
            check_request(settings, str(out), folder, resume)
            asked = with_tokens(settings, corpus)
            trainer = Trainer(*open_corpora(corpus, given, asked), folder, asked, progress, processes)
            trainer.on_step, trainer.on_epoch = on_step, on_epoch
            return trainer

        processes.first(lambda: stack.enter_context(locked_folder(folder.path)))
        trainer = processes.agreed(opened)
        processes.check_same(lambda: {"resume": str(resume), **trainer.asked()})
        trainer.prepare()
        processes.check_same(trainer.identity)
        trainer.notes = [*notes, *trainer.notes, *_validation_notes(corpus, given, settings.data.held_out)]
        with np.errstate(over="ignore", invalid="ignore"), one_blas_thread(), threads(settings.train.threads), \
                memory_limit(KERNEL_MEMORY), interruptible() as signals, progress:
            if resume:
                trainer.resume()
            else:
                trainer.start()
            trainer.run(signals.raised)
        return ELMo.load(folder.path)


def make_optimizer(config: TrainConfig, over: dict[str, Parameter]) -> Optimizer:
    """The optimiser that the settings name."""
    optimizer: Optimizer
    if config.optimizer == "adagrad":
        optimizer = Adagrad(over, config.learning_rate)
    elif config.optimizer == "adam":
        optimizer = Adam(over, config.learning_rate)
    else:
        optimizer = SGD(over, config.learning_rate, config.momentum, config.nesterov)
    optimizer.decay = config.weight_decay
    return optimizer


def make_average(config: TrainConfig, model: BiLM) -> Average:
    """The average of the weights that the settings name."""
    return Average(model, config.average_decay if config.average == "ema" else 1.0)


class Trainer:
    """One run. Call `prepare`, then `start` or `resume`, then `run`."""

    # What `prepare` makes.
    fingerprints: tuple[str, str]       # of the two corpora
    vocabulary: Vocabulary
    hidden: frozenset[str]              # words that are unknown now and then
    notes: list[str]                    # about the corpus
    size: EpochSize
    elmo: ELMo
    model: BiLM
    words: TokenIndexer
    parameters: dict[str, Parameter]
    optimizer: Optimizer
    average: Average | None             # of the weights, once it has begun
    groups: RowGroups
    monitor: DivergenceMonitor
    judge: Judge

    on_step: Callable[[TrainingState], None] | None = None
    on_epoch: Callable[[TrainingState, Loss], None] | None = None

    def __init__(self, corpus: Corpus, valid: Corpus, folder: RunDirectory, settings: Settings, progress: Progress,
                 processes: OneProcess | None = None):
        self.corpus = corpus
        self.valid = valid
        self.folder = folder
        self.settings = settings
        self.progress = progress
        self.processes = processes or OneProcess()
        self.config = settings.train
        self.sampled = settings.model.softmax == "sampled"      # then exp of the training loss is not a perplexity
        self.metrics = Metrics(folder.metrics, settings.model.directions)
        self.place = TrainingState()
        self.state: BiState | None = None           # of the streams, at their positions: of this process's rows
        self.read = 0                               # checksum of the batches since training began or was resumed
        self.saved = "none"                         # the last good checkpoint, for messages
        # One generator per thread: the two draw at the same time, in no particular order. Groups draw from others.
        seed = self.config.seed
        self.rngs = (np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2]))

    def prepare(self) -> None:
        """Read the corpora, and build the model and its optimiser. Nothing is written."""
        self.progress.show("reading the corpus")
        base, last = self.processes.agreed(lambda: (base_model(self.settings, self.folder), self._last()))
        self._count(base, last)
        self.processes.agreed(lambda: self._build(base, last))

    def _last(self) -> Stored | None:
        """The model of the last save, whose choices hold when training is resumed; None for a new run."""
        return read_model(self.folder.last, mmap=True) if self.folder.last.exists() else None

    def _count(self, base: Stored | None, last: Stored | None) -> None:
        """Read the corpora: their fingerprints, the vocabulary, and notes."""
        processes, survey = self.processes, Survey(self.settings.model)
        self.fingerprints = (fingerprint(self.corpus, processes, survey.counting), fingerprint(self.valid, processes))
        if isinstance(self.corpus, ShardedCorpus):      # of which this process has counted its share
            survey = processes.merged(survey, Survey.plus)
        self.vocabulary = processes.agreed(lambda: vocabulary_of(self.settings, base, last, survey))
        self.hidden = frozenset() if base else singletons(self.vocabulary)
        self.notes = survey.notes(self.vocabulary, len(self.hidden), self.settings.data.unknown != AUTO)

    def _build(self, base: Stored | None, last: Stored | None) -> None:
        """Make the model and all that trains it."""
        if last and CORPORA in last.metadata:   # before another text fails to fit the settings, which are right
            check_corpora(self.folder, last, self.vocabulary, self.fingerprints)
        cutoffs = cutoffs_of(self.settings, base, last, len(self.vocabulary))
        self.settings = replaced(self.settings, unknown=self.vocabulary.unknown, cutoffs=cutoffs)
        self.size = epoch_size(self.vocabulary, self.config)
        if next(iter(self.valid), None) is None:
            raise UserError("there is no sentence to validate on: give a validation file, or a smaller held_out")
        self.elmo = new_elmo(self.settings, self.vocabulary)
        if base:
            take_over(base, self.elmo)
        self.model = self.elmo.model
        self.words = token_indexer(self.model, self.vocabulary)
        self.parameters = parameters(self.model)
        self.optimizer = make_optimizer(self.config, self.parameters)
        self.groups = RowGroups(self.model, self.parameters, self.config, self.processes)
        self.average = make_average(self.config, self.model) if self.config.average == "ema" else None
        self.monitor = DivergenceMonitor(len(self.vocabulary), self.config)
        self.judge = Judge(self.config, self.vocabulary, self.valid, self.folder.metrics)

    def asked(self) -> dict[str, str]:
        """The settings on which steps depend, which must be the same on all processes."""
        return {key: str(value) for table in (self.settings.data, self.settings.model, self.settings.train)
                for key, value in vars(table).items() if key not in ("corpus", "valid", "fine_tune", "threads")}

    def identity(self) -> dict[str, str]:
        """What else they depend on, by its name in messages."""
        corpora = dict(zip(("the training corpus", "the validation corpus"), self.fingerprints, strict=True))
        return {**corpora, **machine(), "the initial model": sha256(self.model)}

    def start(self) -> None:
        """Write the run's directory, now that everything a user can get wrong has been checked."""
        def write() -> None:
            self.folder.begin(self.vocabulary, write_toml(self.settings))
            self.metrics.start()

        self.processes.first(write)
        self._save()                    # from here on there is always a checkpoint to resume from
        self._announce()

    def resume(self) -> None:
        """Load what last.safetensors holds, and continue its metrics."""
        self.processes.agreed(self._restore)
        if self.place.epoch > self.config.epochs:
            self.progress.say(f"{self.folder.path} has already been trained for {self.place.epoch - 1} epochs")
            return

        def write() -> None:
            self.metrics.resume(self.place, self._validation_is_due())
            atomic_write_text(self.folder.config, write_toml(self.settings))

        self.processes.first(write)
        self.saved = f"{self.folder.last} ({self.place})"
        self._announce()
        self.progress.say(f"resuming at {self.place}")

    def _restore(self) -> None:
        """Load what last.safetensors holds."""
        self.place, state, average = restore(self.folder, self.elmo, self.settings, self.optimizer, self.rngs,
                                             self.fingerprints, self.progress)
        self.state = self.groups.own_rows(state)
        if self.config.average == "asgd" and average:
            self.average = make_average(self.config, self.model)
        if self.average:
            self.average.load_state(average)

    def run(self, interrupted: list[int]) -> None:
        """All epochs that are left. `interrupted` is filled by Ctrl-C: then stop, as `_interrupted` tells."""
        validation = None
        while self.place.epoch <= self.config.epochs and not self._out_of_patience():
            self.optimizer.learning_rate = learning_rate_at(self.config, self.place.epoch)
            for batch in self._batches():
                if self._validation_is_due():
                    self._validate(f"{self.place.epoch}/{self.config.epochs}, step {self.place.step}")
                self._step(batch)
                if self.processes.stops(bool(interrupted), self.read):
                    raise self._interrupted()
            validation = self._end_epoch()
        if self.place.epoch <= self.config.epochs:
            epochs = self.place.since_best
            self.progress.say(f"no better validation for {epochs} epoch{'s' * (epochs > 1)}: training ends")
        if self.place.best == math.inf:
            raise self._without_model(validation)
        if validation:
            self._say(self.judge.at_end(self.place, validation, self._advice()))
            if self.processes.stops(bool(interrupted), self.read):  # since the last step: what comes next is stopped
                raise Interrupted(f"stopped after the last epoch; the model is {self.folder.model}")

    def _interrupted(self) -> Interrupted:
        """Save, but not what is going wrong in place of what is good."""
        if self.monitor.steps:
            return Interrupted(f"stopped at {self.place}; the loss has been above {STEP_LIMIT} log V for "
                               f"{self.monitor.steps} steps, so nothing after the last good checkpoint is saved: "
                               f"{self.saved}")
        self._save()
        return Interrupted(f"stopped at {self.place}; everything is in {self.folder.last}")

    def _batches(self) -> Iterator[Batch]:
        """Those of the epoch that are left."""
        config, epoch, corpus = self.config, self.place.epoch, self.corpus
        if isinstance(corpus, ShardedCorpus):
            corpus = corpus.shuffled((config.seed, 7, epoch))
        if self.hidden:
            corpus = WithUnknown(corpus, self.hidden, config.seed, epoch)
        sentences = EncodedCorpus(corpus, self.words.encode, shuffle=config.shuffle, seed=(config.seed, 3, epoch))
        if config.state == "reset":
            batches = sentence_batches(sentences, config.batch_size)
        else:
            cut = contiguous_batches if config.streams == "contiguous" else stream_batches
            steps = RandomSteps(config.steps, (config.seed, 5, epoch)) if config.random_steps else config.steps
            batches = cut(sentences, config.batch_size, steps)
        return (batch_of(self.words, batch) for batch in islice(batches, self.place.step, None))

    def _step(self, batch: Batch) -> None:
        start = time.perf_counter()
        random = self._random()
        state = None if batch.fresh else self.state
        loss, after = self._gradient(batch, state)
        norm = global_norm(self.parameters)
        self._check(loss, norm)
        if self._save_is_due():
            self._save(random)          # as before this step, whose loss has shown that the arrays are good
        self._update(batch, norm)
        self.state = after
        self.read = zlib.crc32(batch.forward.y.tobytes(), self.read)
        self.place.count(loss, batch.tokens, time.perf_counter() - start)
        self._report()
        if self.on_step:
            self.on_step(self.place)

    def _gradient(self, batch: Batch, state: BiState | None) -> tuple[Loss, BiState]:
        """Every Parameter.grad -> the loss, and the state after the batch."""
        dloss = self._loss_scale(batch)
        if self.config.groups > 1:
            return self.groups.gradient(Step(batch, dloss, self.place.epoch, self.place.step), state)
        loss, after, cache = self.model.forward(batch, state, self.rngs)
        self.model.backward(dloss, cache)
        return loss, after

    def _update(self, batch: Batch, norm: float) -> None:
        """The optimiser's step, and the average's; norm: of the gradient."""
        rate = self.optimizer.learning_rate
        if self.config.random_steps and self.config.loss_scale == "mean":   # a sum over steps grows with them anyway
            self.optimizer.learning_rate = rate * len(batch.forward.y) / self.config.steps
        self.optimizer.step(clip_scale(norm, self.config.clip_norm))
        self.optimizer.learning_rate = rate
        for parameter in self.parameters.values():
            parameter.zero_grad()
        if self.average:
            self.average.update()

    def _loss_scale(self, batch: Batch) -> float:
        """What is minimised, in units of the summed mean losses (B3): it matters where gradients are clipped."""
        steps = batch.tokens / len(batch.forward.lengths)
        return {"mean": 1, "steps": steps, "elmo": steps / 2}[self.config.loss_scale]

    def _check(self, loss: Loss, norm: float) -> None:
        """Raise UserError where training has diverged."""
        if not math.isfinite(loss.total) or not math.isfinite(norm):
            raise self._stopped(loss, not_finite(self.parameters))
        self.monitor.count(loss)
        if self.monitor.diverged:
            raise self._stopped(loss, f"above {STEP_LIMIT} log V for {STEPS_IN_A_ROW} steps in a row")

    def _stopped(self, loss: Loss, reason: str) -> UserError:
        return self.monitor.error(str(self.place), loss, reason, self.saved, self.optimizer.learning_rate)

    def _report(self) -> None:
        """A row of metrics.csv where one is due, and the line of progress."""
        place, steps = self.place, self.size.steps
        interval = max(1, steps // ROWS_PER_EPOCH)
        # Near the end the row waits for the epoch's last step: a mean over few words would be noise.
        if place.step % interval == 0 and place.step <= steps - interval / 2:
            self._write_row()
        self.progress.show(progress_line(place, self.config.epochs, steps, self.sampled))

    def _write_row(self) -> None:
        self.processes.first(lambda: self.metrics.train(self.place, self.optimizer.learning_rate, self.sampled))
        self.place.clear_sums()

    def _end_epoch(self) -> Loss:
        """Validate and save; the validation loss."""
        place = self.place
        loss = self._validate(f"{place.epoch}/{self.config.epochs}")
        place.since_best += 1
        if place.epoch < self.config.epochs and not self._out_of_patience():
            self._say(self.judge.during(place, loss, self._advice()))
        self._begin_average(loss)
        if self.on_epoch:
            self.on_epoch(place, loss)
        place.next_epoch()
        self.state = None                               # every epoch begins as the first did
        if not self.monitor.steps:
            self._save()
        return loss

    def _begin_average(self, loss: Loss) -> None:
        """Begin the mean of NT-ASGD if validation has stopped improving; loss: of the epoch that has ended."""
        if self.config.average != "asgd" or self.average:
            return
        self.place.losses.append(loss.total)
        if stopped_improving(self.place.losses, self.config.average_wait):
            self.average = make_average(self.config, self.model)
            self.progress.say("validation has stopped improving: from here on the mean of the weights is validated and "
                              "kept (NT-ASGD)")

    def _validation_is_due(self) -> bool:
        """Whether to validate before the next step. At the end of an epoch there is none: it validates anyway."""
        every, step = self.config.eval_every, self.place.step
        return every > 0 and step > 0 and step % every == 0

    def _validate(self, epoch: str) -> Loss:
        """Validate, and keep the model if it is the best so far; the validation loss. epoch: for messages."""
        with self.average.in_use() if self.average else nullcontext():
            return self._validate_weights(epoch)

    def _validate_weights(self, epoch: str) -> Loss:
        """`_validate` the weights that the model computes with now."""
        place = self.place
        if place.tokens:                                # the curve's last piece
            self._write_row()
        self.progress.show(f"epoch {epoch}: validating")
        found = self.processes.first(lambda: evaluate(self.model, self.vocabulary, self.valid, state=self.config.state))
        loss = found.loss
        if not math.isfinite(loss.total):
            raise self._stopped(loss, f"in validation, {not_finite(self.parameters)}")
        nats = sum(by_direction(found, "{}_nats").values()) / found.targets
        better = nats < place.best and self.monitor.usable(loss)
        if better:
            place.best, place.since_best = nats, -1

        def write() -> None:
            self.metrics.valid(place, found, self.optimizer.learning_rate)
            if better:  # before last.safetensors: after a kill between the two, the validation and this are repeated
                save_model(self.folder.model, self.elmo, self.settings,
                           metadata={CORPORA: json.dumps(self.fingerprints)})

        self.processes.first(write)
        self.progress.say(validation_line(epoch, loss, better, self.sampled, place.seconds))
        return loss

    def _without_model(self, validation: Loss | None) -> UserError:
        """The error for a training that has ended without a usable model; validation: the last, None where such a
        training is resumed."""
        reason = no_model(len(self.model.lms))
        if validation:
            return self._stopped(validation, reason)
        return Diverged(f"{self.folder.path}: {reason}; {self._advice()}")

    def _advice(self) -> str:
        return self.monitor.advice(self.optimizer.learning_rate)

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.progress.say(line)

    def _save_is_due(self) -> bool:
        """Whether to save before this step: not where its loss shows that training is going wrong."""
        every, step = self.config.save_every, self.place.step
        return every > 0 and step > 0 and step % every == 0 and not self.monitor.steps

    def _random(self) -> list[Any]:
        return [rng.bit_generator.state for rng in self.rngs]

    def _save(self, random: Sequence[Any] | None = None) -> None:
        """Write last.safetensors; random: the states of the generators, if not those they are in now."""
        slots = [array for named in self.optimizer.slots.values() for array in named.values()]
        if not all(np.isfinite(array).all() for array in [*(p.value for p in self.parameters.values()), *slots]):
            raise self._stopped(self.place.last, not_finite(self.parameters))   # the file on disk stays as it is
        self.processes.check_same(lambda: {f"the model at {self.place}": sha256(self.model)})
        state = self.groups.all_rows(self.state)
        tensors, texts = state_dict(self.place, self.model, state, self.optimizer, random or self._random(),
                                    self.fingerprints)
        if self.average:
            tensors |= {f"average.{name}": array for name, array in self.average.state().items()}
        self.processes.first(lambda: save_model(self.folder.last, self.elmo, self.settings, tensors, texts))
        self.saved = f"{self.folder.last} ({self.place})"

    def _out_of_patience(self) -> bool:
        return self.config.patience is not None and self.place.since_best >= self.config.patience

    def _announce(self) -> None:
        values = sum(p.value.size for p in self.parameters.values())
        self._say([*self.notes, *announcement(self.size, len(self.vocabulary), values)])


def _validation_notes(corpus: str | Corpus, valid: str | Corpus | None, every: int) -> list[str]:
    """What a validation cannot show: where sentences of the corpus are held out, or are also trained on."""
    if valid is None:
        return [held_out_note(every)]
    shared = shared_file(corpus, valid) if isinstance(corpus, str) and isinstance(valid, str) else None
    return [seen_note(shared)] if shared else []


def learning_rate_at(config: TrainConfig, epoch: int) -> float:
    """The learning rate of an epoch, counted from 1: learning_rate * decay ** max(0, epoch - decay_after)."""
    return config.learning_rate * config.decay ** max(0, epoch - config.decay_after)
