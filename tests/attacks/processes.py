"""Several processes and threads at once: each gets right results or one line, and no file is damaged."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from elmo_np import ELMo
from elmo_np.inference import embed_file
from elmo_np.training.trainer import train
from tests.attacks import jobs
from tests.attacks.attempts import Case, Limits, Try
from tests.attacks.jobs import EMBEDDED, JOBS, Ended, contents, run
from tests.commands import everything
from tests.embedding_helpers import CORPUS, SENTENCES, of_characters, of_words
from tests.training_helpers import tiny

SHORT, LONG = 11, 11_000
LIMITS = Limits(seconds=600)
AT_ONCE = 3


def prepare(home: Path) -> None:
    jobs.prepare(home)
    for name, elmo in {"words": of_words(), "characters": of_characters()}.items():
        np.savez(home / f"{name}.npz", *elmo.embed(SENTENCES))


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """The results of calls in threads that begin together; an error that one of them raised is raised."""
    results: list[object] = [None] * len(calls)
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(calls))

    def call(k: int) -> None:
        try:
            barrier.wait()
            results[k] = calls[k]()
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=call, args=(k,)) for k in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error
    return results


def processes(folder: Path, commands: Sequence[list[str]]) -> list[Ended]:
    """Commands in processes that run at once in one folder."""
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        ended = manager.dict()
        barrier = context.Barrier(len(commands))
        def child(k: int) -> None:
            ended[k] = run(commands[k], folder, barrier.wait)
        children = [context.Process(target=child, args=(k,)) for k in range(len(commands))]
        for one in children:
            one.start()
        for one in children:
            one.join()
        return [ended[k] for k in range(len(commands))]


def one_output(name: str) -> Case:
    """Several processes write the same: one ends well, the others then or say in one line that they cannot."""
    job = JOBS[name]

    def case(attempt: Try) -> None:
        folder = jobs.start(attempt.home, attempt.folder / "work", job)
        ended = processes(folder, [job.words()] * AT_ONCE)
        said = "\n".join(one.said for one in ended)
        assert all(one.code == 0 or one.refused() for one in ended), said
        assert any(one.code == 0 for one in ended), said
        assert contents(folder / job.out) == contents(attempt.home / "done" / job.out / job.out), said
    return case


def one_cache(attempt: Try) -> None:
    """Several processes embed different texts with one cache of words."""
    job = JOBS["embed to npz"]
    folder = jobs.start(attempt.home, attempt.folder / "work", job)
    outs = [f"{k}.npz" for k in range(AT_ONCE)]
    ended = processes(folder, [[*job.command.split(), "--out", out] for out in outs])
    assert all(one.code == 0 for one in ended), "\n".join(one.said for one in ended)
    for out in outs:
        assert (folder / out).read_bytes() == (attempt.home / "done" / job.out / job.out).read_bytes()


def vectors_of(attempt: Try, kind: str) -> list[np.ndarray]:
    with np.load(attempt.home / f"{kind}.npz") as file:
        return [file[name] for name in file.files]


def check(attempt: Try, kind: str, elmo: ELMo) -> None:
    """Assert that some sentences have their vectors."""
    expected = vectors_of(attempt, kind)
    for k in np.random.default_rng(attempt.number).choice(len(SENTENCES), 5):
        found, = elmo.embed([SENTENCES[k]])
        np.testing.assert_allclose(found, expected[k], rtol=0, atol=1e-5)


def threads(kind: str) -> Case:
    """Threads embed with one ELMo."""
    def case(attempt: Try) -> None:
        elmo = ELMo.load(attempt.home / "start" / kind)
        at_once([lambda: check(attempt, kind, elmo)] * AT_ONCE)
    return case


def forked(kind: str) -> Case:
    """Processes that are forked from one which has embedded, and goes on, embed with its ELMo."""
    def case(attempt: Try) -> None:
        elmo = ELMo.load(attempt.home / "start" / kind)
        check(attempt, kind, elmo)
        children = []
        for _ in range(AT_ONCE):
            child = os.fork()
            if not child:
                code = 1
                try:
                    check(attempt, kind, elmo)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        check(attempt, kind, elmo)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * AT_ONCE
    return case


def training_and_embedding(attempt: Try) -> None:
    """A thread trains while others embed: the model has the same bytes as alone."""
    elmo = ELMo.load(attempt.home / "start" / "words")
    corpus = CORPUS[:60]

    def trained(name: str) -> dict[Path, bytes]:
        train(corpus, attempt.folder / name, settings=tiny(), quiet=True)
        return {path: data for path, data in everything(attempt.folder / name).items() if path.suffix != ".csv"}
    alone = trained("alone")
    first, *_ = at_once([lambda: trained("first"), lambda: check(attempt, "words", elmo),
                         lambda: embed_file.embed_file(elmo, EMBEDDED, attempt.folder / "x.npz", quiet=True)])
    assert first == alone


CASES: dict[str, Case] = {
    **{f"one output: {name}": one_output(name) for name in JOBS if name in ("train", "train --resume", "embed to npz",
                                                                             "embed --resume", "embed to hdf5")},
    "one word cache": one_cache,
    **{f"threads with one ELMo of {kind}": threads(kind) for kind in ("words", "characters")},
    **{f"forks with one ELMo of {kind}": forked(kind) for kind in ("words", "characters")},
    "training and embedding": training_and_embedding,
}
