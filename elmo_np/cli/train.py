"""`elmo-np train`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..config.by_size import AUTO
from ..config.schema import Settings
from ..config.toml_files import override, preset, read_toml, replaced
from ..data.corpus import check_shared
from ..errors import UserError
from ..io.run_directory import RunDirectory
from ..training.fine_tuning import settings_of
from ..training.processes import together
from ..training.trainer import train
from ..viz.page import check_target
from ..viz.reports import training_report
from . import info
from .common import Add, add_corpus, add_json, check_directory_name, choice_for_corpus, show, unread_notes


def arguments(add: Add) -> None:
    add_corpus(add, "CORPUS")
    add("--valid", metavar="FILE", help="validate on this file; without it every 20th sentence is held out")
    add("--out", required=True, metavar="DIR", help="directory to write the run to")
    add("--preset", metavar="NAME", default=AUTO, help="auto (default): chosen by the number of tokens; or article, "
        "small, fast, best, elmo, elmo-tiny or demo")
    add("--fine-tune", metavar="DIR", help="continue training the model of that run on this corpus, with its settings "
                                           "or those of --preset; one epoch unless --epochs is given")
    add("--config", metavar="FILE.toml", help="settings that override those of the preset")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; may be repeated")
    add("--epochs", type=int, metavar="N", help="short for --set epochs=N")
    add("--seed", type=int, metavar="N", help="short for --set seed=N")
    add("--resume", action="store_true", help="continue the run in DIR where it stopped")
    add("--quiet", action="store_true", help="do not show progress")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    folder = RunDirectory(Path(args.out))
    with together() as processes:
        settings, notes = processes.agreed(lambda: _checked(args, folder, processes.number))
        train(args.corpus, args.out, valid=args.valid, settings=settings, resume=args.resume, quiet=args.quiet,
              notes=notes)
    if processes.rank:      # the first reports
        return 0
    # Before anything is printed, since printing fails where nobody reads.
    # The config.toml of a finished run that is resumed stays as somebody may have sent it.
    training_report(folder, folder.report, info.rows(), quiet=args.quiet, named=not args.resume)
    show(args, None, f"{folder.model}: the best model on validation; try: elmo-np evaluate {args.out} FILE\n"
         f"{folder.report}: curves, perplexities, samples and neighbours, for a browser",
         {"out": args.out, "model": str(folder.model), "report": str(folder.report)})
    return 0


def _checked(args: argparse.Namespace, folder: RunDirectory, processes: int) -> tuple[Settings, list[str]]:
    """`_settings`, where so many processes can read the corpora, and the report can be written."""
    check_directory_name(args.out)
    check_shared(processes, args.corpus, args.valid)        # `_settings` may count its tokens
    if os.path.lexists(folder.report):      # before training, not after it
        check_target(folder.report)
    settings, notes = _settings(args, folder)
    return settings, [*notes, *unread_notes(args, args.set, [settings])]


def _settings(args: argparse.Namespace, folder: RunDirectory) -> tuple[Settings, list[str]]:
    """Those of the command line, on top of a run's, a preset's, or what is chosen for a text of this size, which is to
    be said."""
    chosen = None if args.preset == AUTO else preset(args.preset)
    if args.resume and chosen is None and folder.config.exists():
        return _changed(args, read_toml(folder.config, Settings())), []
    if args.fine_tune is not None:
        return _changed(args, settings_of(args.fine_tune, chosen)), []
    if chosen is not None:
        return _changed(args, chosen), []
    choice, note = choice_for_corpus(args)
    try:
        return _changed(args, choice.settings()), [note]
    except UserError as error:
        raise UserError(f"{error} (without --preset NAME, the settings are {' '.join(choice.options())})") from error


def _changed(args: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with those of --config, --set and the other options in their place."""
    if args.config:
        settings = read_toml(args.config, settings)
    settings = override(settings, args.set)
    # Every config.toml has these settings, so the options of the command line come last.
    direct = {"epochs": args.epochs, "seed": args.seed, "fine_tune": args.fine_tune}
    return replaced(settings, **{key: value for key, value in direct.items() if value is not None})
