"""`elmo-np tune`."""

from __future__ import annotations

import argparse
import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..config.by_size import AUTO
from ..config.directions import from_directions
from ..config.toml_files import override, preset
from ..errors import UserError
from ..inference.evaluate import perplexity, perplexity_text
from ..runtime.progress import Progress
from ..training.search_space import FACTORS, VALUES, draw_trials, search_space
from ..training.tuning import Outcome, Search
from ..viz.plots import COLOURS, lines, save
from .common import (
    Add,
    add_corpus,
    add_json,
    check_directory_name,
    choice_for_corpus,
    json_text,
    setting_name,
    unread_notes,
)

MINUTES, TRIALS = 30, 8


def arguments(add: Add) -> None:
    add_corpus(add, "CORPUS")
    add("--valid", metavar="FILE", help="judge on this file; without it every 20th sentence is held out")
    add("--out", required=True, metavar="DIR", help="directory for the search; every trial is a run in it")
    add("--minutes", type=float, default=MINUTES, metavar="M",
        help=f"of training, what was used before --resume included (default {MINUTES})")
    add("--trials", type=int, default=TRIALS, metavar="N",
        help=f"settings to try in the first round (default {TRIALS})")
    add("--over", action="append", default=[], metavar="KEY=V,V,..",
        help="search over these values of a setting, such as dropout=0.2,0.4 or 'cutoffs=[900,4000],[2000,9000]'; "
             f"may be repeated (default: {', '.join([*FACTORS, *VALUES])})")
    add("--preset", metavar="NAME", default=AUTO, help="settings to start from (default auto: by the number of tokens)")
    add("--set", action="append", default=[], metavar="KEY=VALUE",
        help="change a setting in all trials; may be repeated")
    add("--seed", type=int, metavar="N", help="short for --set seed=N; also draws the trials")
    add("--resume", action="store_true", help="continue the search in DIR where it stopped")
    add("--quiet", action="store_true", help="do not show progress")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    check_directory_name(args.out)
    changes = args.set + ([] if args.seed is None else [f"seed={args.seed}"])
    name, progress = args.preset, Progress(quiet=args.quiet)
    if name == AUTO:
        choice, note = choice_for_corpus(args)
        progress.say(note)
        name, changes = choice.preset, [*choice.changes, *changes]
    base = override(preset(name), changes)
    trials = draw_trials(base, search_space(base, args.over), args.trials)
    for line in unread_notes(args, [*args.set, *args.over], [trial.settings for trial in trials]):
        progress.say(line)
    search = Search(args.corpus, args.valid, Path(args.out), trials, progress)
    finished = search.run(args.minutes, args.resume)
    ranking = search.ranking()
    best = ranking[0]
    if not (best.curve or finished):
        raise UserError(f"no trial was validated in {args.minutes:g} minutes: expected time for an epoch of each: give "
                        "more --minutes with --resume, or a smaller model")
    if not any(search.folder(trial).model.exists() for trial in trials):
        raise UserError(f"all trials in {args.out} diverged, so none is the best: start another search with a lower "
                        f"learning_rate (now {base.train.learning_rate:g}), or with clip_norm")
    _draw(ranking, search)
    _print(args, search, ranking, finished, _command(args, name, [*changes, *best.trial.changes]))
    return 0


def _command(args: argparse.Namespace, name: str, changes: Sequence[str]) -> str:
    """What trains the best settings to the end: a preset and its changes, of which the last of a setting counts."""
    valid = [] if args.valid is None else ["--valid", args.valid]
    last = {setting_name(change): change for change in changes}
    options = [word for change in last.values() for word in ("--set", change)]
    return shlex.join(["elmo-np", "train", args.corpus, *valid, "--preset", name, *options, "--out", "run"])


def _draw(ranking: Sequence[Outcome], search: Search) -> None:
    """tune.svg: the best trials' perplexities after each epoch."""
    shown = [found for found in ranking if found.curve][:len(COLOURS)]
    epochs = max(len(found.curve) for found in shown)
    missing = math.nan          # also where a trial has diverged
    curves = {f"trial {found.trial.number}": [value if math.isfinite(value := perplexity(loss, 1)) else missing
                                              for loss in found.curve] + [missing] * (epochs - len(found.curve))
              for found in shown}
    save(lines(range(1, epochs + 1), curves, title="The better half of the trials goes on in each round",
               xlabel="epochs", ylabel="validation perplexity", log="y"), search.picture)


def _print(args: argparse.Namespace, search: Search, ranking: Sequence[Outcome], finished: bool, command: str) -> None:
    if args.json:
        found = [{"trial": one.trial.number, "settings": list(one.trial.changes), "epochs": len(one.curve),
                  **from_directions({direction: perplexity(loss, 1) for direction, loss in one.best.items()}),
                  "run": str(search.folder(one.trial).path)} for one in ranking]
        print(json_text({"out": args.out, "finished": finished, "picture": str(search.picture),
                         "command": command, "trials": found}))
        return
    directions = list(ranking[0].best)
    print("  rank  trial  epochs" + "".join(f"{direction:>12}" for direction in directions) + "  settings")
    for rank, one in enumerate(ranking, 1):
        figures = [perplexity_text(perplexity(one.best[name], 1)) if one.best else "-" for name in directions]
        print(f"  {rank:4}  {one.trial.number:5}  {len(one.curve):6}" + "".join(f"{figure:>12}" for figure in figures)
              + f"  {one.trial}")
    if not finished:
        print(f"the {args.minutes:g} minutes were over before the end of round {len(search.rounds)}, the last; to go "
              "on: the same command with --resume and more --minutes")
    print(f"{search.picture}: perplexity after each epoch\nto train the best settings to the end:\n{command}")
