"""`elmo-np demo`: the main job from end to end on text that is at hand. Train, evaluate, embed, draw."""

from __future__ import annotations

import argparse
from pathlib import Path

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
from .common import Add

WORDS = ("string", "class", "match", "right", "order", "key")   # common in Python's prose, in more than one use
DRAWN = "play"      # the word of Peters et al. 2018, table 4

ABOUT = "the whole job on built-in text: train, evaluate, embed, draw"


def arguments(add: Add) -> None:
    add("--out", required=True, metavar="DIR", help="folder to write; a demo that is there already goes on")
    add("--seed", type=int, default=0, help="of every random number (default 0)")


def run(args: argparse.Namespace) -> int:
    demo(args.out, args.seed)
    return 0


def demo(out: str, seed: int = 0) -> None:
    """Do everything and write it below `out`; a run that is there already is taken up where it stopped."""
    folder = Path(out)
    if not out:
        raise UserError("--out is empty: expected a folder's name")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{out} is a file: expected a folder, or a name for one")
    print("Part 1 of 2: a language model of Python's own documentation\n")
    pydoc, valid = _train("pydoc", folder / "pydoc", seed, epochs=2)
    _show_words(pydoc, [list(sentence) for sentence in open_corpus("pydoc")])
    _draw_gates(pydoc, _sentence_of(valid), folder / "pydoc" / "gates.png")
    print("\nPart 2 of 2: ambiguous words whose senses are known (sentences of a grammar)\n")
    grammar, _ = _train("grammar", folder / "grammar", seed, epochs=3)
    _show_senses(grammar, folder / "grammar", seed)
    print(f"\nLook at   {folder}/pydoc/curves.png, {folder}/pydoc/gates.png, {folder}/grammar/{DRAWN}.png")
    print(f"Go on     elmo-np similar {folder}/grammar bank --in \"the bank of the river was steep .\"")
    print("          elmo-np train FILE.txt --out RUN --set tokenize=true      (your own text, a sentence a line)")


def _train(name: str, folder: Path, seed: int, epochs: int) -> tuple[ELMo, Corpus]:
    settings = replaced(preset("demo"), corpus=name, seed=seed, epochs=epochs)
    going_on = RunDirectory(folder).last.exists()
    if not going_on and RunDirectory(folder).in_use():
        raise UserError(f"{folder} holds files of another run: give another --out, or remove it")
    elmo = train(name, folder, settings=settings, resume=going_on)
    _, valid = held_out(open_corpus(name, seed=seed), settings.data.held_out)
    found = evaluate(elmo.model, elmo.vocabulary, valid, state=settings.train.state)
    unigram = unigram_perplexity(elmo.vocabulary, valid)
    print(f"Perplexity on {found.targets:,} held-out tokens (lower is better):")
    print(f"  unigram model, no context  {unigram:7.1f}")
    print(f"  forward language model     {found.forward:7.1f}   {unigram / found.forward:.1f} times lower")
    print(f"  backward language model    {found.backward:7.1f}   {unigram / found.backward:.1f} times lower")
    plots.save(plots.training_curves(read(RunDirectory(folder).metrics), unigram), folder / "curves.png")
    return elmo, valid


def _show_words(elmo: ELMo, sentences: list[list[str]]) -> None:
    """Two unlike uses of each of three words, each with the occurrences nearest to it."""
    print("\nOne word, several uses: an occurrence (>), and those nearest to it by v_t = W h_bi + b")
    handy = [s for s in sentences if 6 <= len(s) <= 30]
    common = [word for word in WORDS if sum(s.count(word) == 1 for s in handy) >= 40]
    for word in common[:3]:
        elmo.index(sentences, [word])
        for sentence, position in _unlike_uses(elmo, handy, word):
            print(f"\n     > {in_context(sentence, position)}")
            seen = {_window(sentence, position)}
            for near in elmo.similar(word, sentence, top=200):
                window = _window(near.sentence, near.position)
                if window not in seen and len(seen) < 4:        # documentation repeats itself: a phrase once
                    seen.add(window)
                    print(f"  {near.similarity:.2f} {in_context(near.sentence, near.position)}")


def _unlike_uses(elmo: ELMo, sentences: list[list[str]], word: str) -> list[tuple[list[str], int]]:
    """Two occurrences of a word, near the ends of the direction in which its occurrences differ most."""
    own = [s for s in sentences if s.count(word) == 1]
    places = [(s, s.index(word)) for s in own]
    vectors = np.array([v[t] for v, (_, t) in zip(elmo.vectors(own), places, strict=True)])
    order = principal_components(unit(vectors))[0][:, 0].argsort(kind="stable")
    inside = len(order) // 20           # the outermost occurrences are oddities
    return [places[order[inside]], places[order[-1 - inside]]]


def _window(sentence: list[str], position: int) -> tuple[str, ...]:
    return tuple(sentence[max(0, position - 2):position + 3])


def _sentence_of(corpus: Corpus) -> list[str]:
    """The first sentence that fits into a picture."""
    return next((list(s) for s in corpus if 8 <= len(s) <= 12), list(next(iter(corpus))))


def _draw_gates(elmo: ELMo, sentence: list[str], path: Path) -> None:
    ids = np.array(elmo.vocabulary.encode(sentence))[:-1, None]
    _, _, cache = elmo.model.forward_lm.encode(ids)
    plots.save(plots.gates(["<S>", *sentence], cache.layers[-1].ifog[:, 0]), path)


def _show_senses(elmo: ELMo, folder: Path, seed: int) -> None:
    """Whether the nearest occurrence has the same sense, for contextual and for static vectors."""
    print("\nThe nearest other occurrence has the same sense (sentences that were not trained on):\n")
    print(f"  {'word':8} {'occurrences':>11}  {'senses':>6}  {'static':>7}  {'contextual':>10}")
    fresh = fresh_sentences(seed)
    for word in STUDIED:
        static, contextual, senses = occurrences_of(elmo, fresh, word)
        print(f"  {word:8} {len(senses):11}  {len(set(senses)):6}  {nearest_neighbour_accuracy(static, senses):7.0%}  "
              f"{nearest_neighbour_accuracy(contextual, senses):10.0%}")
        if word == DRAWN:
            plots.save(plots.occurrences(word, static, contextual, senses), folder / f"{word}.png")
