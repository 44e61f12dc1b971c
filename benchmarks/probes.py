"""What a model of open text knows: of grammar, of reading times, and, layer by layer, of parts of speech and senses.

    python benchmarks/probes.py --out FOLDER [--data DIR] [--ewt DIR] [--model RUN] [--only NAME...]

A model is trained for about an hour on two cores from 4.6 million tokens of NLTK's corpora (set NLTK_DATA), or taken
from --model. Each part is one command; the page probes.md has its table. DIR has the folders blimp, agreement,
syntaxgym and naturalstories, with the files as they are published; what it lacks is left out. Parts of speech are those
of UD English EWT, from --ewt with its three .conllu files, or else those of CoNLL-2000 in NLTK, each with its own
training and test part. What is in FOLDER already is not computed again, so a run that was stopped can go on.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import open_text
import reading_times
from machine import describe
from report import decimals, markdown
from tasks import Bench, check_same_plan
from tasks_experiments import Experiment
from tasks_report import section

from elmo_np import ELMo
from elmo_np.cli.main import Parser, guarded
from elmo_np.cli.main import main as elmo_np
from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.data import nltk_data
from elmo_np.tasks.data.conll import read_conll
from elmo_np.tasks.models.task_model import fingerprint
from elmo_np.training.metrics import best_validation, read

HERE = Path(__file__).parent
TRAIN = ("--preset", "small", "--set", "direction=forward", "--set", "softmax=adaptive", "--set", "min_count=3",
         "--set", "dropout=0.2", "--set", "epochs=5", "--set", "decay_after=2")
EWT, CONLL2000 = "en_ewt-ud-{}.conllu", "conll2000-{}.txt"
PROBE, READING = "elmo-np probe", "python benchmarks/reading_times.py"
SENSES, POS = "senses", "pos"
Found = dict[str, Any]


class Goal(NamedTuple):
    """The share, in a row of a part's table, that a model of an hour should reach."""

    row: str
    share: float


class Part(NamedTuple):
    """A command whose result is JSON.

    needs       file or folder below --data
    arguments   of the command, after the model and that path
    """

    name: str
    about: str
    needs: str
    arguments: tuple[str, ...]
    goals: tuple[Goal, ...]
    notes: str
    command: str = PROBE


PARTS = (
    Part("blimp", "Grammar: BLiMP, by phenomenon", "blimp/BLiMP.zip", ("--tokenize",), (Goal("all", 0.62),),
         "Warstadt et al. 2020, 67 sets of 1,000 pairs, forward. Of language models of 10 million words, LSTMs were "
         "reported at 62.3% and 63.8%, GPT-2 at 65.1%, with ties counted as wrong; people agree with 88.6%."),
    Part("agreement", "Agreement of subject and verb: Gulordava et al. 2018, English",
         "agreement/english_generated.text", (), (Goal("original", 0.70), Goal("nonsense", 0.62)),
         "Sentences of a corpus, and the same with their content words replaced at random. The model of the paper, "
         "which had read 80 million words, was reported at 80.5% and 71.8%."),
    Part("syntaxgym", "SyntaxGym's suites", "syntaxgym", ("--tokenize",), (),
         "Hu et al. 2020; each suite by its own formula, which may join several comparisons."),
    Part("reading", "Reading times: Natural Stories", "naturalstories", (), (),
         "Futrell et al. 2021. Two regressions of a word's mean reading time are compared: on length and log frequency "
         "of the word and of the two before it, and on these with their three surprisals. The gain is per word, in "
         "nats, on stories that the regressions have not seen; its interval is drawn over sentences.",
         READING))


def experiments(out: Path, ewt: Path | None) -> list[Experiment]:
    """What each layer knows: of parts of speech, in EWT or else in CoNLL-2000, and of senses."""
    source = "UD English EWT" if ewt else "CoNLL-2000"
    train, valid, test = (str(ewt / EWT.format(part)) if ewt else str(out / CONLL2000.format(part))
                          for part in ("train", "dev", "test"))
    return [
        Experiment(POS, f"Parts of speech by layer: {source}", "tag", train, (), test=test,
                   valid=valid if ewt else None, settings=("hidden_dim=none", "epochs=5"), seeds=1,
                   notes="A linear layer and a CRF on the vectors of one layer."),
        Experiment(SENSES, "Word senses by layer: hard, interest, line, serve", "senses", "nltk:senseval", (), seeds=1)]


def write_conll2000(out: Path) -> None:
    """Write words and parts of speech of its training and test part, from NLTK, unless they are there."""
    for part in "train", "test":
        file = out / CONLL2000.format(part)
        if not file.exists():
            sentences = nltk_data.corpus("conll2000").tagged_sents(f"{part}.txt")
            rows = ["".join(f"{word}\t{tag}\n" for word, tag in sentence) for sentence in sentences]
            atomic_write_text(file, "\n".join(rows))


def trained(out: Path, one: Experiment) -> Path:
    """The model of an hour, of a text without the sentences of senseval and those that `one` tests on. Trains it unless
    it is there."""
    tested = (words for words in (*nltk_data.senseval().sentences, *read_conll(str(one.test)).sentences))
    with Progress() as progress:
        open_text.write(out, open_text.NLTK, tested, [math.inf], progress)
    if elmo_np([*train_command(out), *(["--resume"] if RunDirectory(out / "bilm").resumable() else [])]):
        raise UserError(f"training stopped in {out / 'bilm'}: run the same command again to go on")
    return out / "bilm"


def train_command(out: Path) -> list[str]:
    """The arguments of elmo-np."""
    return ["train", str(out / "all.txt"), "--valid", str(out / "valid.txt"), "--out", str(out / "bilm"), *TRAIN]


def result(part: Part, out: Path, model: Path, data: Path) -> Found:
    """What the command prints, which is kept in a file."""
    file = out / f"{part.name}.json"
    if not file.exists():
        arguments = [str(model), str(data / part.needs), *part.arguments, "--json"]
        text = io.StringIO()
        with redirect_stdout(text):
            status = elmo_np(["probe", *arguments]) if part.command == PROBE else reading_times.main(arguments)
        if status:
            raise UserError(f"{part.about}: no result, for the reason above")
        atomic_write_text(file, text.getvalue())
    found: Found = json.loads(file.read_text(encoding="utf-8"))
    return found


def lines(part: Part, found: Found) -> Iterator[str]:
    """The part's section of the page."""
    yield from (f"## {part.about}", "", part.notes, "", "```sh",
                " ".join([part.command, "FOLDER/bilm", f"DATA/{part.needs}", *part.arguments]), "```", "")
    if part.command == PROBE:
        yield markdown(table([*found["rows"], {**found, "name": "all"}]))
    else:
        yield from (f"- {line}" for line in reading_times.lines(found))
    yield ""


def table(rows: Sequence[Found]) -> dict[str, list[str]]:
    """The columns of a table of probes."""
    return {"": [row["name"].replace("_", " ") for row in rows],
            "items": [f"{row['items']:,}" for row in rows],
            "right": [f"{row['accuracy']:.1%}" for row in rows],
            "95 % interval": [f"{row['low']:.1%} to {row['high']:.1%}" for row in rows],
            "unigram": [share(row["unigram"]) for row in rows],
            "chance": [share(row["chance"]) for row in rows],
            "ties, wrong": ["" if row["ties"] is None else f"{row['ties']:,}" for row in rows],
            "unknown": [f"{row['unknown']:,}" for row in rows],
            "right without unknown": [share(row["accuracy_known"]) for row in rows]}


def share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def goals(found: dict[str, Found]) -> Iterator[tuple[str, str, str]]:
    """Each goal, what was reached, and whether that is enough."""
    for part in PARTS:
        for goal in part.goals if part.name in found else ():
            rows = {**{row["name"]: row for row in found[part.name]["rows"]}, "all": found[part.name]}
            reached = rows[goal.row]["accuracy"]
            digits = decimals(100 * reached, lambda value, goal=goal: value >= 100 * goal.share)
            yield f"{part.about}: {goal.row}, at least {goal.share:.0%}", f"{reached:.{digits}%}", \
                "yes" if reached >= goal.share else "**no**"
    if "reading" in found:
        low = found["reading"]["low"]
        yield "Reading times: a gain above 0, with its interval", f"{found['reading']['gain']:+.4f} nats, from " \
            f"{low:+.4f}", "yes" if low > 0 else "**no**"


def about_model(elmo: ELMo, folder: RunDirectory, given: bool) -> str:
    """What the model is, and how it came to be."""
    config = elmo.model.config
    found = [f"The model has {config.layers} layers of {config.hidden_dim} cells per direction ({config.direction}), "
             f"{len(elmo.vocabulary):,} words and {sum(p.value.size for p in parameters(elmo).values()):,} parameters."]
    if elmo.vocabulary.counts:
        found.append(f"It was trained on {sum(elmo.vocabulary.counts):,} tokens, ends of sentences included.")
    best = best_validation(read(folder.metrics)) if folder.metrics.exists() else None
    if best is not None:
        found.append(f"Perplexity on held-out text of the same kind: {float(best['forward_perplexity']):.1f} forward "
                     f"after epoch {best['epoch']}.")
    if given:
        found.append("**It was given with `--model`, and is not the one that the command below trains in about an "
                     "hour**, for which the goals are; what it has read was not compared with what is tested.")
    return " ".join(found)


def page(model: str, sections: Sequence[str], found: dict[str, Found]) -> str:
    """The whole page."""
    head = ["# What a model knows", "",
            "Written by `python benchmarks/probes.py --out FOLDER --data DATA`, which trains the model, runs each "
            "command and writes this page.", "", model, "",
            "```sh", " ".join(["elmo-np", *train_command(Path("FOLDER"))]), "```", "",
            "The text is MASC, Brown, movie reviews, ABC, web text and State of the Union, 4.6 million tokens, as "
            "`benchmarks/open_text.py` cleans them, without the sentences that the last two tables test on.", ""]
    reached = [*goals(found)]
    summary = [markdown(dict(zip(("goal", "reached", "met"), zip(*reached, strict=True), strict=True))), ""] \
        if reached else []
    note = "Equal scores count as wrong. Unigram: a model that knows only how frequent words are; chance: random " \
           "surprisals; unknown: items with a critical word that is not in the vocabulary."
    return "\n".join([*head, *summary, note, "", *sections,
                      f"Measured on: {describe('').replace('no PyTorch; ', '')}. The machine may have been busy with "
                      "other work.", ""])


def parser() -> Parser:
    made = Parser(prog="probes.py", description="What a model of open text knows.")
    made.add_argument("--out", required=True, metavar="FOLDER", type=Path,
                      help="directory for the model and results, of one --data and one --ewt")
    made.add_argument("--data", metavar="DIR", type=Path, default=os.environ.get("ELMO_NP_DATA"),
                      help="directory with " + ", ".join(part.needs for part in PARTS) + " (default: $ELMO_NP_DATA)")
    made.add_argument("--ewt", metavar="DIR", type=Path, help=f"directory with {EWT.format('train')} and so on")
    made.add_argument("--model", metavar="RUN", type=Path, help="directory of a run, instead of training a model")
    made.add_argument("--page", metavar="FILE", type=Path,
                      help="page to write (default: benchmarks/probes.md; with --only, FOLDER/probes.md)")
    made.add_argument("--only", nargs="+", action="extend", default=[], metavar="NAME",
                      choices=[*(part.name for part in PARTS), POS, SENSES], help="only these parts")
    return made


def check_same_model(out: Path, elmo: ELMo) -> None:
    """Raise UserError if the results in `out` are another model's."""
    file, own = out / "model.txt", fingerprint(elmo)
    if file.exists() and file.read_text().strip() != own:
        raise UserError(f"{out} has results of another model: give another --out")
    atomic_write_text(file, own + "\n")


def checked(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options, with the parts that are wanted. Raises UserError for a directory that is not what it should be."""
    args = parser().parse_args(argv)
    if args.data is None or not Path(args.data).is_dir():
        raise UserError(f"--data {args.data or 'is not given'}: expected a directory with "
                        f"{', '.join(part.needs for part in PARTS)}")
    if args.ewt and not (args.ewt / EWT.format("train")).is_file():
        raise UserError(f"--ewt {args.ewt}: it does not contain {EWT.format('train')}")
    args.data, args.out, args.ewt = Path(args.data).resolve(), args.out.resolve(), args.ewt and args.ewt.absolute()
    args.page = args.page or (args.out if args.only else HERE) / "probes.md"
    args.only = args.only or [*(part.name for part in PARTS), POS, SENSES]
    return args


def run(argv: Sequence[str] | None) -> None:
    args = checked(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    todo = experiments(args.out, args.ewt)
    if args.ewt is None and (args.model is None or POS in args.only):
        write_conll2000(args.out)
    check_same_plan(args.out, [*(one.command() for one in todo), *(f"{args.data / part.needs}" for part in PARTS)])
    model = (args.model or trained(args.out, todo[0])).resolve()
    elmo = ELMo.load(model)
    elmo.model.lm("forward")
    check_same_model(args.out, elmo)
    about = about_model(elmo, RunDirectory(model), args.model is not None)
    inputs = ("static", *map(str, range(1, elmo.model.config.layers + 1)))
    found: dict[str, Found] = {}
    sections: list[str] = []
    with Progress() as progress:
        bench = Bench(args.out, False, progress, model=model)
        for one in (one for one in (*PARTS, *todo) if one.name in args.only):
            if isinstance(one, Experiment):
                sections += layers(bench, replace(one, inputs=inputs), args.ewt)
            elif (args.data / one.needs).exists():
                found[one.name] = result(one, args.out, model, args.data)
                sections += lines(one, found[one.name])
            else:
                progress.say(f"left out, because there is no {args.data / one.needs}: {one.about}")
                continue
            atomic_write_text(args.page, page(about, sections, found))


def layers(bench: Bench, one: Experiment, ewt: Path | None) -> list[str]:
    """The section of what each layer knows."""
    bench.data(one)
    found = bench.run(one)
    command, split = (text.replace(str(ewt), "EWT") for text in (found.command, found.split))
    return section(replace(found, command=command, split=split))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and return the exit code, 2 for a user error."""
    return guarded("probes.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
