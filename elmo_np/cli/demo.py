"""`elmo-np demo`: train, evaluate, embed and plot on built-in text."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..config.toml_files import preset, replaced
from ..data.corpus import Corpus, held_out, open_corpus
from ..data.grammar import STUDIED, fresh_sentences
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.evaluate import evaluate, unigram_perplexity
from ..inference.neighbours import in_context, nearest_neighbour_accuracy, principal_components, unit
from ..inference.occurrences import occurrences_of
from ..io.run_directory import RunDirectory
from ..training.metrics import read
from ..training.trainer import train
from ..viz import plots
from ..viz.geometry import opposite_ends
from .common import Add, add_json, check_directory_name, json_text

WORDS = ("string", "class", "match", "right", "order", "key")   # frequent in Python's prose, with more than one use
DRAWN = "play"      # the word in table 4 of Peters et al. 2018
FIGURES = {"pydoc": ("curves.png", "gates.png"), "grammar": ("curves.png", f"{DRAWN}.png")}


def arguments(add: Add) -> None:
    add("--out", required=True, metavar="DIR", help="directory to write to; an unfinished demo there is continued")
    add("--seed", type=int, default=0, help="random seed (default 0)")
    add_json(add, "print the results as one JSON object, and what is usually printed on stderr")


def run(args: argparse.Namespace) -> int:
    if args.json:
        with contextlib.redirect_stdout(sys.stderr):
            found = demo(args.out, args.seed)
        print(json_text(found, indent=2))
    else:
        demo(args.out, args.seed)
    return 0


def demo(out: str, seed: int = 0) -> dict[str, Any]:
    """Run the demo and write to `out`; an unfinished run there continues where it stopped. Prints the results, and
    returns the figures."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{out} is a file: expected a folder, or a name for a new one")
    check_directory_name(out)
    _check(folder)
    print("Part 1 of 2: a language model of the Python documentation\n")
    pydoc, valid, documentation = _train("pydoc", folder / "pydoc", seed, epochs=2)
    _show_words(pydoc, [list(sentence) for sentence in open_corpus("pydoc")])
    _draw_gates(pydoc, _sentence_of(valid), folder / "pydoc" / "gates.png")
    print("\nPart 2 of 2: ambiguous words with known senses (sentences from a grammar)\n")
    grammar, _, sentences = _train("grammar", folder / "grammar", seed, epochs=3)
    senses = _show_senses(grammar, folder / "grammar", seed)
    print(f"\nLook at   {folder}/pydoc/curves.png, {folder}/pydoc/gates.png, {folder}/grammar/{DRAWN}.png")
    print(f"Go on     elmo-np similar {folder}/grammar bank --in \"the bank of the river was steep .\"")
    print("          elmo-np train FILE.txt --out RUN --set tokenize=true      (your own text, one sentence per line)")
    return {"out": out, "pydoc": {"perplexity": documentation}, "grammar": {"perplexity": sentences, "senses": senses}}


def _check(folder: Path) -> None:
    """Raise UserError for a directory with files that the demo would overwrite and did not write."""
    for name, figures in FIGURES.items():
        run = RunDirectory(folder / name)
        there = run.in_use() or any(os.path.lexists(run.path / figure) for figure in figures)
        if there and not run.last.exists():
            raise UserError(f"{run.path} contains files of another run: give another --out, or remove it")


def _train(name: str, folder: Path, seed: int, epochs: int) -> tuple[ELMo, Corpus, dict[str, float]]:
    """The model, the held-out sentences, and the perplexities on them."""
    settings = replaced(preset("demo"), corpus=name, seed=seed, epochs=epochs)
    elmo = train(name, folder, settings=settings, resume=RunDirectory(folder).last.exists())
    _, valid = held_out(open_corpus(name, seed=seed), settings.data.held_out)
    found = evaluate(elmo.model, elmo.vocabulary, valid, state=settings.train.state)
    unigram = unigram_perplexity(elmo.vocabulary, valid)
    print(f"Perplexity on {found.targets:,} held-out tokens (lower is better):")
    print(f"  unigram model, no context  {unigram:7.1f}")
    for direction, value in found.perplexities.items():
        print(f"  {direction + ' language model':25}  {value:7.1f}   {unigram / value:.1f} times lower")
    plots.save(plots.training_curves(read(RunDirectory(folder).metrics), unigram), folder / "curves.png")
    return elmo, valid, {"targets": found.targets, "unigram": unigram, **found.perplexities}


def _show_words(elmo: ELMo, sentences: list[list[str]]) -> None:
    """Two contrasting uses of each of three words, each with its nearest occurrences."""
    print("\nOne word, several uses: an occurrence (>) and the ones nearest to it by v_t = W h_bi + b")
    handy = [s for s in sentences if 6 <= len(s) <= 30]
    frequent = [word for word in WORDS if sum(s.count(word) == 1 for s in handy) >= 40]
    for word in frequent[:3]:
        elmo.index(sentences, [word])
        for sentence, position in _contrasting_uses(elmo, handy, word):
            print(f"\n     > {in_context(sentence, position)}")
            _show_nearest(elmo, sentence, position)


def _show_nearest(elmo: ELMo, sentence: list[str], position: int) -> None:
    """The three nearest occurrences of a word in different phrases, since documentation repeats itself."""
    seen = {_window(sentence, position)}
    for near in elmo.similar(sentence[position], sentence, top=200):
        window = _window(near.sentence, near.position)
        if window not in seen and len(seen) < 4:
            seen.add(window)
            print(f"  {near.similarity:.2f} {in_context(near.sentence, near.position)}")


def _contrasting_uses(elmo: ELMo, sentences: list[list[str]], word: str) -> list[tuple[list[str], int]]:
    """Two occurrences of a word, near opposite ends of the first principal component of its vectors."""
    own = [s for s in sentences if s.count(word) == 1]
    uses = [(s, s.index(word)) for s in own]
    vectors = np.array([v[t].copy() for v, (_, t) in zip(elmo.stream(own), uses, strict=True)])
    points, _ = principal_components(unit(vectors))
    return [uses[i] for i in opposite_ends(points)]


def _window(sentence: list[str], position: int) -> tuple[str, ...]:
    return tuple(sentence[max(0, position - 2):position + 3])


def _sentence_of(corpus: Corpus) -> list[str]:
    """The first sentence that fits into a figure."""
    return next((list(s) for s in corpus if 8 <= len(s) <= 12), list(next(iter(corpus))))


def _draw_gates(elmo: ELMo, sentence: list[str], path: Path) -> None:
    ids = np.array(elmo.vocabulary.encode(sentence))[:-1, None]
    _, _, cache = elmo.model.forward_lm.encode(ids)
    plots.save(plots.gates(["<S>", *sentence], cache.layers[-1].ifog[:, 0]), path)


def _show_senses(elmo: ELMo, folder: Path, seed: int) -> dict[str, dict[str, float]]:
    """{word: figures}: how often the nearest occurrence has the same sense, for static and for contextual vectors."""
    print("\nHow often the nearest other occurrence has the same sense (sentences not seen in training):\n")
    print(f"  {'word':8} {'occurrences':>11}  {'senses':>6}  {'static':>7}  {'contextual':>10}")
    fresh, found = fresh_sentences(seed), {}
    for word in STUDIED:
        static, contextual, senses = occurrences_of(elmo, fresh, word)
        shares = nearest_neighbour_accuracy(static, senses), nearest_neighbour_accuracy(contextual, senses)
        print(f"  {word:8} {len(senses):11}  {len(set(senses)):6}  {shares[0]:7.0%}  {shares[1]:10.0%}")
        found[word] = {"occurrences": len(senses), "senses": len(set(senses)), "static": shares[0],
                       "contextual": shares[1]}
        if word == DRAWN:
            plots.save(plots.occurrences(word, static, contextual, senses), folder / f"{word}.png")
    return found
