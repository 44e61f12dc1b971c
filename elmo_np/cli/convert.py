"""`elmo-np convert`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..inference.elmo import ELMo
from ..io import published
from ..io.foreign_models import is_hdf5
from ..io.run_directory import RunDirectory
from ..nn.parameter import parameters
from .common import Add, add_json, check_directory_name, json_text

TRAINED_ELSEWHERE = "# Published weights, converted: [train] does not describe how they were trained.\n"


def arguments(add: Add) -> None:
    add("options", metavar="MODEL", help="the model as it was published: a zip or a directory with options, weights "
        "and words; a checkpoint of bilm-tf; a file of torch.save beside its vocab.txt; or only the options, in JSON")
    add("weights", metavar="WEIGHTS", nargs="?", help="after options: HDF5, or a checkpoint such as model.ckpt-935588")
    add("--out", required=True, metavar="DIR", help="directory to write, like that of a training run")
    add("--vocabulary", metavar="FILE", help="words, one per line, perhaps in gzip: for models that read words by id, "
        "and for a softmax")
    add("--softmax", metavar="FILE", help="the softmax, if it has its own file")
    add("--embedding", metavar="FILE.hdf5", help="one vector per word of the vocabulary, read in place of characters")
    add("--tokenize", action=argparse.BooleanOptionalAction, default=True,
        help="whether texts for the model will be raw (default), or tokens separated by spaces")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    folder = RunDirectory(Path(args.out))
    check_directory_name(args.out)
    if folder.in_use():
        raise UserError(f"{args.out} already holds a run: give another --out, or remove it")
    if is_hdf5(args.options):
        raise UserError(f"{args.options} is an HDF5 file: expected the options first: elmo-np convert OPTIONS.json "
                        f"{args.options} --out {args.out}")
    elmo = _read(args)
    elmo.tokenize = args.tokenize
    elmo.save(args.out, comment=TRAINED_ELSEWHERE)
    if args.json:
        print(json_text(_as_json(args.out, elmo)))
        return 0
    print(_summary(folder, elmo))
    print(f"try: elmo-np embed {args.out} SENTENCES --out vectors.npz\n"
          f"     elmo-np similar {args.out} WORD --in \"a sentence with WORD\" --corpus FILE"
          + (f"\n     elmo-np evaluate {args.out} FILE" if elmo.model.config.predict else ""))
    return 0


def _read(args: argparse.Namespace) -> ELMo:
    files = {"vocabulary": args.vocabulary, "softmax": args.softmax, "embedding": args.embedding}
    if args.weights is not None:
        return ELMo.from_bilm_tf(args.options, args.weights, **files)
    if found := published.read(args.options, **files):
        return ELMo(*found)
    what = "is not a published model" if os.path.exists(args.options) else "does not exist"
    raise UserError(f"{args.options} {what}: expected a zip or a directory with its options and "
                    "weights, a checkpoint of bilm-tf or a file of torch.save; or the files themselves: elmo-np "
                    f"convert OPTIONS.json WEIGHTS.hdf5 --out {args.out}")


def _as_json(out: str, elmo: ELMo) -> dict[str, Any]:
    config, size = elmo.model.config, sum(p.value.size for p in parameters(elmo.model).values())
    return {"out": out, "parameters": size, "characters": config.char_filters is not None,
            "words": len(elmo.vocabulary), "layers": config.layers, "hidden_dim": config.hidden_dim,
            "output_dim": config.output_dim, "predict": config.predict, "tokenize": elmo.tokenize}


def _summary(folder: RunDirectory, elmo: ELMo) -> str:
    """A summary of the converted model, in a few lines."""
    config, words = elmo.model.config, len(elmo.vocabulary)
    size = sum(p.value.size for p in parameters(elmo.model).values())
    which = "per direction" if config.direction == "both" else f"that read {config.direction}"
    bytes_per_word = config.max_characters - 2
    rows = [
        ("reads", f"any word, as characters: its first {bytes_per_word} bytes" if config.char_filters
         else f"the {words:,} words of vocabulary.txt by id; any other is <UNK>"),
        ("layers", f"{config.layers} {which}, with {config.hidden_dim:,} cells and {config.output_dim:,} outputs"
         + (", residual connections" if config.residual else "")),
        ("gives", f"{len(elmo.layers)} layers of {elmo.width():,} values per word"),
        ("predicts", f"{words:,} words" if config.predict else "nothing, as there is no softmax with its words"),
        ("text", "is raw, and split into tokens" if elmo.tokenize else "is tokens separated by spaces")]
    return "\n".join([f"{folder.model}: {size:,} parameters", *(f"  {name:9}{what}" for name, what in rows)])
