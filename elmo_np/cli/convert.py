"""`elmo-np convert`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..config.schema import DataConfig, Settings
from ..config.toml_files import write_toml
from ..errors import UserError
from ..inference.elmo import ELMo, save_model
from ..io.run_directory import RunDirectory
from ..nn.parameter import parameters
from .common import Add

ABOUT = "published weights of the original ELMo to a run's folder"
TRAINED_ELSEWHERE = "# Published weights, converted: [train] does not say how they were trained.\n"


def arguments(add: Add) -> None:
    add("options", metavar="OPTIONS", help="their JSON file")
    add("weights", metavar="WEIGHTS", help="their HDF5 file")
    add("--out", required=True, metavar="DIR", help="folder to write, as a training would")
    add("--vocabulary", metavar="FILE", help="words, one a line: for a model that reads words by id, and for a softmax")
    add("--softmax", metavar="FILE.hdf5", help="their softmax, where it has a file of its own")
    add("--embedding", metavar="FILE.hdf5", help="a vector a word of the vocabulary, read in place of characters")
    add("--tokenize", action=argparse.BooleanOptionalAction, default=True,
        help="whether the texts that the model will be given are raw (default), or have a space between tokens")


def run(args: argparse.Namespace) -> int:
    folder = RunDirectory(Path(args.out))
    if not args.out:
        raise UserError("--out is empty: expected a folder's name")
    if folder.in_use():
        raise UserError(f"{args.out} already holds a run: give another --out, or remove it")
    elmo = ELMo.from_bilm_tf(args.options, args.weights, vocabulary=args.vocabulary, softmax=args.softmax,
                             embedding=args.embedding)
    elmo.tokenize = args.tokenize
    settings = Settings(DataConfig(tokenize=args.tokenize), elmo.model.config)
    folder.begin(elmo.vocabulary, TRAINED_ELSEWHERE + write_toml(settings))
    save_model(folder.model, elmo, settings)
    print(_summary(folder, elmo))
    print(f"try: elmo-np embed {args.out} SENTENCES --out vectors.npz\n"
          f"     elmo-np similar {args.out} WORD --in \"a sentence with WORD\" --corpus FILE"
          + (f"\n     elmo-np evaluate {args.out} FILE" if elmo.model.config.predict else ""))
    return 0


def _summary(folder: RunDirectory, elmo: ELMo) -> str:
    """What was converted, in a few lines."""
    config, words = elmo.model.config, len(elmo.vocabulary)
    size = sum(p.value.size for p in parameters(elmo.model).values())
    bytes_of_a_word = config.max_characters - 2
    rows = [
        ("reads", f"words as characters, any word, of each the first {bytes_of_a_word} bytes" if config.char_filters
         else f"the {words:,} words of vocabulary.txt by id; any other is <UNK>"),
        ("layers", f"{config.layers} a direction, with {config.hidden_dim:,} cells and {config.output_dim:,} outputs"
         + (", residual connections" if config.residual else "")),
        ("gives", f"{len(elmo.layers)} layers of {2 * config.output_dim:,} numbers a word"),
        ("predicts", f"{words:,} words" if config.predict else "nothing, for there is no softmax"),
        ("text", "is raw, and split into tokens" if elmo.tokenize else "has a space between tokens")]
    return "\n".join([f"{folder.model}: {size:,} parameters", *(f"  {name:9}{what}" for name, what in rows)])
