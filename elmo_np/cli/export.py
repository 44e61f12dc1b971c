"""`elmo-np export`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..errors import UserError
from ..inference.elmo import ELMo
from ..io.bilm_tf_writer import check, readers
from ..runtime.files import all_or_none
from .common import Add, add_json, check_directory_name, show

FILES = ("options.json", "weights.hdf5", "vocabulary.txt")


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("--out", required=True, metavar="DIR", help=f"directory to write: {', '.join(FILES)}")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    check_directory_name(args.out)
    folder = Path(args.out)
    paths = [folder / name for name in FILES]
    if there := [path for path in paths if os.path.lexists(path)]:
        raise UserError(f"{there[0]} exists already: give another --out, or remove it")
    elmo = ELMo.load(args.dir)
    check(elmo.model.config)            # before a folder is made in vain
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    with all_or_none(paths):
        elmo.to_bilm_tf(*paths)
    config = elmo.model.config
    softmax = "without a softmax" if not config.predict else "with softmax/b" if config.tie else \
        "with softmax/W and softmax/b"
    show(args, None,
         f"{folder}: {', '.join(FILES)}; weights for {' and '.join(readers(config)) or 'elmo_np alone'}, {softmax}\n"
         f"to read them here: elmo-np convert {paths[0]} {paths[1]} --vocabulary {paths[2]} --out DIR",
         {"out": args.out, "files": FILES, "readers": readers(config), "softmax": config.predict})
    return 0
