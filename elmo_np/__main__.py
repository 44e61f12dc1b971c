"""The command line: elmo-np COMMAND. A user's mistake ends in one line on stderr and exit code 2."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from . import __version__, backend, gradient_cases
from .config import Settings, override, preset, read_toml, replaced
from .corpus import open_corpus
from .demo import demo
from .elmo import ELMo
from .embed_file import embed_file
from .errors import UserError
from .evaluate import Evaluation, SentenceScore, evaluate, unigram_perplexity
from .files import atomic_write_text
from .gradcheck import TOLERANCE
from .neighbours import in_context
from .parallel import blas
from .run import Folder
from .signals import Interrupted
from .train import train


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def run_demo(args: argparse.Namespace) -> int:
    demo(args.out, args.seed)
    return 0


def run_train(args: argparse.Namespace) -> int:
    folder = Folder(Path(args.out))
    if args.resume and args.preset is None and folder.config.exists():
        settings = read_toml(folder.config, Settings())
    else:
        settings = preset(args.preset or "demo")
    if args.config:
        settings = read_toml(args.config, settings)
    direct = {"epochs": args.epochs, "seed": args.seed}
    settings = override(settings, args.set)
    settings = replaced(settings, **{key: value for key, value in direct.items() if value is not None})
    train(args.corpus, args.out, valid=args.valid, settings=settings, resume=args.resume, quiet=args.quiet)
    print(f"{folder.model}: the best model on validation; try: elmo-np evaluate {args.out} FILE")
    return 0


def run_evaluate(args: argparse.Namespace) -> int:
    if args.per_sentence and Path(args.per_sentence).exists():
        raise UserError(f"{args.per_sentence} exists already: give another --per-sentence, or remove it")
    elmo = ELMo.load(args.dir)
    corpus = open_corpus(args.corpus, tokenize=_tokenize(args, elmo))
    scores: list[SentenceScore] = []
    state = args.state or _settings(args.dir).train.state
    found = evaluate(elmo.model, elmo.vocabulary, corpus, state=state, batch_size=args.batch_size,
                     each=scores.append if args.per_sentence else None)
    unigram = unigram_perplexity(elmo.vocabulary, corpus) if elmo.vocabulary.counts else None
    if args.per_sentence:
        rows = [f"{score.forward:.6f}\t{score.backward:.6f}\t{score.targets}\t{' '.join(sentence)}"
                for score, sentence in zip(scores, corpus, strict=True)]
        atomic_write_text(args.per_sentence, "\n".join(["forward_log_p\tbackward_log_p\ttargets\tsentence", *rows, ""]))
    if args.json:
        print(json.dumps(_as_json(found, unigram, state), indent=2))
        return 0
    print(f"{found.sentences:,} sentences, {found.targets:,} targets a direction (tokens and end marks), "
          f"{found.unknown:,} of them unknown words; state: {state}")
    figures = [("forward", found.forward), ("backward", found.backward), ("arithmetic mean", found.arithmetic_mean),
               ("geometric mean", found.geometric_mean)] + ([] if unigram is None else [("unigram model", unigram)])
    for name, value in figures:
        print(f"  {name:16} perplexity {value:10.3f}")
    return 0


def _as_json(found: Evaluation, unigram: float | None, state: str) -> dict[str, Any]:
    return {"forward": found.forward, "backward": found.backward, "arithmetic_mean": found.arithmetic_mean,
            "geometric_mean": found.geometric_mean, "unigram": unigram, "forward_nats": found.forward_nats,
            "backward_nats": found.backward_nats, "targets": found.targets, "sentences": found.sentences,
            "unknown": found.unknown, "state": state}


def run_embed(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    sentences = open_corpus(args.input, tokenize=_tokenize(args, elmo))
    count = embed_file(elmo, sentences, args.out, layer=args.layer, state=args.state)
    print(f"{args.out}: {count:,} sentences, arrays \"0\" to \"{count - 1}\" (read with numpy.load)")
    return 0


def run_similar(args: argparse.Namespace) -> int:
    elmo, settings = ELMo.load(args.dir), _settings(args.dir)
    name = args.corpus or settings.data.corpus
    if name is None:
        raise UserError(f"{args.dir} does not say what it was trained on: give --corpus")
    corpus = open_corpus(name, tokenize=settings.data.tokenize, seed=settings.train.seed)
    elmo.vector(args.word, args.sentence, args.occurrence)          # a mistake shows before the long part
    count = elmo.index(corpus, None if args.any_word else [args.word])
    what = "tokens" if args.any_word else f"occurrences of {args.word!r}"
    print(f"nearest of {count:,} {what} in {name}:")
    for near in elmo.similar(args.word, args.sentence, args.top, args.occurrence):
        print(f"  {near.similarity:.3f} {in_context(near.sentence, near.position)}")
    return 0


def _tokenize(args: argparse.Namespace, elmo: ELMo) -> bool:
    """Whether a text is raw: as asked, or else as the model's corpus was."""
    return elmo.tokenize if args.tokenize is None else bool(args.tokenize)


def _settings(path: str) -> Settings:
    """The settings of a run's folder, or the defaults for a model file without one."""
    config = Folder(Path(path) if Path(path).is_dir() else Path(path).parent).config
    return read_toml(config, Settings()) if config.exists() else Settings()


def run_gradcheck(args: argparse.Namespace) -> int:
    backends = ["numpy", "cython"] if args.backend == "both" else [args.backend]
    if args.backend == "both" and backend.backend() == "numpy":
        raise UserError(f"backend 'cython' is not there: {backend.why_not()}; or check --backend numpy alone")
    print("Largest relative error of backward against central differences in float64, every number of every array\n")
    wrong, worst, total = [], 0.0, 0
    for name in gradient_cases.CASES:
        tables = []
        for active in backends:
            with backend.use(active):
                tables.append(gradient_cases.run(name))
        print(f"{name}\n    {'array':36} {'numbers':>8}" + "".join(f"{active:>12}" for active in backends))
        for rows in zip(*tables, strict=True):
            good = all(row.ok() for row in rows)
            print(f"    {rows[0].array:36} {rows[0].checked:8}" + "".join(f"{row.error:12.1e}" for row in rows)
                  + ("" if good else "   WRONG"))
            wrong += [f"{active}, {name}: {row}" for active, row in zip(backends, rows, strict=True) if not row.ok()]
            worst, total = max(worst, *(row.error for row in rows)), total + len(rows)
    print(f"\n{total} arrays checked, largest error {worst:.1e}, allowed {TOLERANCE:.0e}: "
          + ("all right" if not wrong else f"{len(wrong)} WRONG"))
    for line in wrong:
        print(f"  {line}")
    return 1 if wrong else 0


def run_info(args: argparse.Namespace) -> int:
    why = f" ({backend.why_not()})" if backend.why_not() else ""
    rows = [("elmo_np", __version__), ("backend", backend.backend() + why),
            ("SIMD path", f"{backend.simd()} (this machine has: {', '.join(backend.simd_paths()) or 'no kernels'})"),
            ("BLAS", blas()),
            ("threads", f"{min(2, os.cpu_count() or 1)} directions at once, of {os.cpu_count()} cores"),
            ("NumPy", np.__version__), ("Python", sys.version.split()[0]),
            ("environment", " ".join(f"{key}={os.environ[key]}" for key in ("ELMO_NP_KERNELS", "ELMO_NP_SIMD")
                                     if key in os.environ) or "no ELMO_NP_KERNELS, no ELMO_NP_SIMD")]
    for name, value in rows:
        print(f"{name:12} {value}")
    return 0


def parser() -> Parser:
    """Every command and its options."""
    whole = Parser(prog="elmo-np", description="ELMo from scratch in NumPy: train, evaluate, embed, check.")
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, run: Any, about: str) -> Parser:
        made: Parser = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run, go_on=" with --resume" if name == "train" else "")
        return made

    add = command("demo", run_demo, "the whole job on built-in text: train, evaluate, embed, draw").add_argument
    add("--out", required=True, metavar="DIR", help="folder to write; a demo that is there already goes on")
    add("--seed", type=int, default=0, help="of every random number (default 0)")

    add = command("train", run_train, "train a biLM").add_argument
    add("corpus", metavar="CORPUS", help="a text file (one sentence a line), a glob of shards, pydoc or grammar")
    add("--valid", metavar="FILE", help="validate on this; without it every 20th sentence is held out")
    add("--out", required=True, metavar="DIR", help="folder of the run")
    add("--preset", metavar="NAME", help="article, small or demo (default)")
    add("--config", metavar="FILE.toml", help="settings on top of the preset")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting; may be given again")
    add("--epochs", type=int, metavar="N", help="short for --set epochs=N")
    add("--seed", type=int, metavar="N", help="short for --set seed=N")
    add("--resume", action="store_true", help="go on where the run in DIR stopped")
    add("--quiet", action="store_true", help="no progress")

    add = command("evaluate", run_evaluate, "perplexity of both directions, over all words").add_argument
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("corpus", metavar="CORPUS", help="text to predict")
    add("--state", choices=("carry", "reset"), help="one stream, or every sentence alone (default: as it was trained)")
    add("--batch-size", type=int, default=32, metavar="B", help="sentences at once, with --state reset (default 32)")
    add("--per-sentence", metavar="FILE.tsv", help="write log p of every sentence")
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the model's corpus was)")
    add("--json", action="store_true", help="print JSON")

    add = command("embed", run_embed, "vectors of every word of a text").add_argument
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("input", metavar="INPUT", help="a text file, one sentence a line")
    add("--out", required=True, metavar="FILE.npz", help="one array a sentence: \"0\", \"1\", ...")
    add("--layer", default="all", metavar="LAYER", help="all (default), top, average, mix, or a number")
    add("--state", default="reset", choices=("reset", "warm", "carry"), help="where every sentence starts: alone "
        "(default), from one settled state, or where the one before it ended")
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the model's corpus was)")

    add = command("similar", run_similar, "occurrences in similar contexts").add_argument
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("word", metavar="WORD")
    add("--in", dest="sentence", required=True, metavar="SENTENCE", help="a sentence with WORD in it")
    add("--occurrence", type=int, metavar="N", help="which WORD of the sentence, from 1")
    add("--top", type=int, default=10, metavar="N", help="how many (default 10)")
    add("--corpus", metavar="CORPUS", help="where to look (default: what the model was trained on)")
    add("--any-word", action="store_true", help="look among all words, not among occurrences of WORD")

    add = command("gradcheck", run_gradcheck, "compare every gradient with central differences").add_argument
    add("--backend", choices=("numpy", "cython", "both"), default="both", help="default both")

    command("info", run_info, "backend, SIMD path, BLAS, threads, versions")
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code comes back."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In a log, lines of progress come between the right ones; a terminal that lacks a character shows "?".
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    return guarded("elmo-np", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int:
    args = parser().parse_args(argv)
    backend.require()
    try:
        code: int = args.run(args)
    except Interrupted as stopped:
        raise Interrupted(f"{stopped}; to go on: the same command{args.go_on}") from None
    return code


def guarded(program: str, command: Callable[[], int | None]) -> int:
    """The exit code of a command, 0 for None. What ends it before its time is one line on stderr, after `program`."""
    try:
        code = command()
        sys.stdout.flush()
        return code or 0
    except Interrupted as stopped:
        return failed(program, str(stopped), 130)
    except UserError as error:
        return failed(program, f"error: {error}", 2)
    except KeyboardInterrupt:
        return failed(program, "stopped", 130)
    except BrokenPipeError:         # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return failed(program, f"error: {error.filename or 'a file'}: {error.strerror or error}; check the path", 2)
    except MemoryError as error:
        return failed(program, f"error: out of memory ({error}); make the model, the batch or the corpus smaller", 2)


def failed(program: str, message: str, code: int) -> int:
    """Say in one line why the program ends; the exit code comes back."""
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
    return code


def entry() -> NoReturn:
    """What the installed command calls."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
