"""The embedder: sentences in, a vector for every word in its sentence out.

    ELMo(x_t, S) = v_t = W [h_t_forward ; h_t_backward] + b      (nn/representation.py)

A model of one direction has its states alone, half as wide: v_t = W h_t_forward + b.

Every word gets the vector of its own position, from hidden states and not from softmax outputs: tutorials/equations.md
shows where the article's code differs from its equations.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..config.schema import DataConfig, Settings
from ..config.toml_files import write_toml
from ..data.corpus import require_reiterable, splitter
from ..data.sentences import checked_sentences, checked_words
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..io.model_file import read_model, write_model
from ..io.run_directory import RunDirectory
from ..nn.bilm import BiLM, BiState
from ..nn.parameter import load_state_dict, parameters
from ..nn.representation import ScalarMix, WordVector
from ..runtime.files import all_or_none
from ..types import Array
from .encoder import Encoded, arrays_of, checked, encode, encode_rows, shapes_of, steps_of_a_window, warm_state
from .neighbours import Index, Neighbour
from .token_indexer import TokenIndexer, token_indexer
from .word_cache import WordCache

STATES = ("reset", "carry", "warm")
POOLINGS = ("mean", "max")
NAMED_LAYERS = ("top", "average", "sum", "mix")       # what `vectors` takes besides the numbers of layers


class ELMo:
    """A biLM, its vocabulary, and the layers that turn its hidden states into vectors.

    model, vocabulary   the biLM and the words of its ids; a model of characters embeds any word, and its vocabulary is
                        that of its softmax, or only the special tokens
    word_vector         W and b of v_t, learnt with a task through `backward`; new ones if None
    mix                 gamma and s of the layer mix, likewise
    tokenize            whether a sentence given as text is split by data.text.tokens or at spaces, as in training
    seed                draws W where it cannot be the identity
    """

    def __init__(self, model: BiLM, vocabulary: Vocabulary, *, word_vector: WordVector | None = None,
                 mix: ScalarMix | None = None, tokenize: bool = True, seed: int = 0):
        if len(vocabulary) != model.V:
            raise UserError(f"the vocabulary has {len(vocabulary)} words, the model {model.V}: expected equal numbers")
        config, dtype = model.config, next(iter(model.lms.values())).embedding.E.value.dtype
        rng, width = np.random.default_rng(seed), config.width(config.layers)
        self.model, self.vocabulary, self.tokenize = model, vocabulary, tokenize
        self.word_vector = word_vector or WordVector(width, config.vector_dim or width, rng=rng, dtype=dtype)
        self.mix = mix or ScalarMix(len(self.layers), dtype=dtype)
        self.carried: BiState | None = None         # one row per sentence of a call with state "carry"
        self.cache: WordCache | None = None         # words that a model of characters does not compute again
        self._index: Index | None = None

    @staticmethod
    def load(path: str | os.PathLike[str]) -> ELMo:
        """Load a directory that `train` wrote (its best model), or a model file with vocabulary.txt next to it.

        The model computes with a memory map of the file; learning does not change the file. Replace such a file, as
        `train` does; do not write into it. Raises UserError for a file that is missing, damaged or of another format.
        """
        return load_model(path)[0]

    def save(self, directory: str | os.PathLike[str], *, comment: str = "") -> None:
        """Write a run's directory, which `load` and every command read: the model, its vocabulary and its settings.

        comment     lines for the top of config.toml, each after "# "
        Raises UserError for a directory that already holds a run, or cannot be written.
        """
        folder = RunDirectory(Path(directory))
        if folder.in_use():
            raise UserError(f"{directory} already holds a run: give another directory, or remove it")
        settings = Settings(DataConfig(tokenize=self.tokenize), self.model.config)
        with all_or_none([folder.vocabulary, folder.config, folder.model]):
            folder.begin(self.vocabulary, comment + write_toml(settings))
            save_model(folder.model, self, settings)

    def __repr__(self) -> str:
        config = self.model.config
        words = "of any word, by its characters" if config.char_filters else f"of {len(self.vocabulary):,} words"
        cell = type(next(iter(self.model.lms.values())).layers[0]).__name__
        which = "per direction" if config.direction == "both" else f"{config.direction} only,"
        return (f"<ELMo {words}: {which} {config.layers} {cell} layer{'s' if config.layers > 1 else ''} with "
                f"{config.hidden_dim:,} cells; vectors of {self.width():,} values>")

    @staticmethod
    def from_bilm_tf(options: str | os.PathLike[str], weights: str | os.PathLike[str], *,
                     vocabulary: Vocabulary | str | os.PathLike[str] | None = None,
                     softmax: str | os.PathLike[str] | None = None,
                     embedding: str | os.PathLike[str] | None = None, dtype: npt.DTypeLike = np.float32) -> ELMo:
        """Load published weights, as `io.bilm_tf_reader.read` does: a model of characters, or of words by id."""
        from ..io import bilm_tf_reader

        return ELMo(*bilm_tf_reader.read(options, weights, vocabulary=vocabulary, softmax=softmax, embedding=embedding,
                                         dtype=dtype))

    def to_bilm_tf(self, options: str | os.PathLike[str], weights: str | os.PathLike[str],
                   vocabulary: str | os.PathLike[str] | None = None) -> None:
        """Write the language model for `from_bilm_tf` and other programs, as `elmo_np.io.bilm_tf_writer.write` does."""
        from ..io import bilm_tf_writer

        bilm_tf_writer.write(self.model, self.vocabulary, options, weights, vocabulary)

    @property
    def layers(self) -> list[int]:
        """The layers that `embed` stacks; 0, the word vectors, only if they are as wide as the others."""
        config = self.model.config
        return list(range(0 if config.embedding_dim == config.output_dim else 1, config.layers + 1))

    def embed(self, sentences: Iterable[Sequence[str]], state: str = "reset", *, marks: bool = False) -> list[Array]:
        """All layers of every word.

        sentences   lists of tokens
        state       "reset": every sentence on its own, from a zero state. "carry": sentence k goes on from the state in
                    which sentence k of the last call ended, as in the original programs, until `reset_state`. "warm":
                    every sentence from one settled state, the same for all
        marks       include <S> and </S>, which the model always reads: two more tokens per sentence
        -> one array (layers, tokens, 2P) per sentence, in the order given, with the layers that `layers` lists; P wide
           for a model of one direction. Layer 0, the word vectors of the directions side by side, is among them if it
           is as wide as the others
        Raises UserError for an empty sentence, a string in place of tokens, or another state.
        """
        return list(self.stream(sentences, "all", state, marks=marks))

    def vectors(self, sentences: Iterable[Sequence[str]], layer: str | int = "top", state: str = "reset", *,
                marks: bool = False) -> list[Array]:
        """Hidden states, without the W and b of `vector`, one per word: of the layer "top", the "average", "sum" or
        "mix" of `embed`'s layers, or one layer by its number.

        -> one array (tokens, dim) per sentence
        """
        return list(self.stream(sentences, layer, state, marks=marks))

    def sentence_vectors(self, sentences: Iterable[Sequence[str]], layer: str | int = "average",
                         state: str | BiState = "reset", pooling: str = "mean") -> list[Array]:
        """`vectors` pooled over the words of a sentence, without <S> and </S>.

        state       as in `stream`
        pooling     "mean", or "max" of each element
        -> one array (dim,) per sentence; (layers, dim) with layer "all"
        """
        if pooling not in POOLINGS:
            raise UserError(f"pooling {pooling!r}: expected one of {', '.join(POOLINGS)}")
        return [vectors.mean(axis=-2) if pooling == "mean" else vectors.max(axis=-2)
                for vectors in self.stream(sentences, layer, state)]

    def width(self, layer: str | int = "top") -> int:
        """The width of a vector of this layer: 2P, or 2D for the word vectors; P or D of a model of one direction."""
        config = self.model.config
        return config.width(0 if layer == 0 else config.layers)

    def stream(self, sentences: Iterable[Sequence[str]], layer: str | int = "top", state: str | BiState = "reset", *,
               marks: bool = False) -> Iterator[Array]:
        """`vectors`, or `embed` with layer "all", one sentence after another: memory does not grow with their number.

        State "carry" is the exception: each sentence has its own row of state, so all are needed at once.
        state   may also be one row of state that every sentence starts from, as `warm_state` returns it
        """
        return (_joined(list(parts)) for _, parts in self.parts(sentences, layer, state, marks=marks))

    def parts(self, sentences: Iterable[Sequence[str]], layer: str | int = "top", state: str | BiState = "reset", *,
              marks: bool = False) -> Iterator[tuple[int, Iterable[Array]]]:
        """`stream` with each sentence's array in parts, computed as they are read: memory does not grow with the length
        of a sentence either, except with state "carry" and for a mix with layer_norm.

        -> how many tokens a sentence has, and its parts, usually one; concatenated along the tokens they are its array
        """
        self.check(layer, state)
        # int: NumPy's integers, as a search over layers gives them, are layers too
        number = self.model.config.layers if layer == "top" else layer if isinstance(layer, str) else int(layer)
        return self._parts(sentences, number, state, marks)

    def check(self, layer: str | int, state: str | BiState = "reset") -> None:
        """Raise UserError for a layer or a state that this model does not have."""
        top = self.model.config.layers
        if layer not in ("all", *NAMED_LAYERS, *range(top + 1)):
            names = ", ".join(map(repr, ("all", *NAMED_LAYERS)))
            raise UserError(f"layer {layer!r:.60}: expected {names} or a number from 0 to {top}")
        if isinstance(state, tuple):
            if shapes_of(state) != shapes_of(self.model.zero_state(1)):
                raise UserError("the state is not one row of a state of this model: expected what its warm_state "
                                "returns, for its directions, layers and sizes")
        elif state not in STATES:
            raise UserError(f"state {state!r}: expected one of {', '.join(STATES)}")

    def _parts(self, sentences: Iterable[Sequence[str]], layer: str | int, state: str | BiState,
               marks: bool) -> Iterator[tuple[int, Iterable[Array]]]:
        for steps, parts in self._encoded(sentences, state):
            n = steps if marks else steps - 2
            if not marks:
                parts = _without_ends(steps, parts)
            if layer == "mix" and self.mix.layer_norm:      # its means are those of the whole sentence
                parts = [[np.concatenate(layers) for layers in zip(*parts, strict=True)]]
            yield n, (self._chosen(layers, layer) for layers in parts)

    def _encoded(self, sentences: Iterable[Sequence[str]], state: str | BiState) -> Iterator[Encoded]:
        words = token_indexer(self.model, self.vocabulary, self.cache)
        most = steps_of_a_window(self.model, self.width() * len(self.layers))
        if state == "carry":
            yield from self._carry(words, [words.encode(sentence) for sentence in checked(sentences)], most)
            return
        start = warm_state(words) if state == "warm" else None if isinstance(state, str) else state
        yield from encode(words, sentences, start, most)

    def _carry(self, words: TokenIndexer, sentences: list[list[int]], most: int) -> Iterator[Encoded]:
        """Sentence k goes on from row k of the carried state; rows beyond those given stay as they are."""
        carried, rows = self.carried, len(sentences)
        if carried is None or len(carried[0][0][0]) < rows:
            grown = self.model.zero_state(rows)
            for old, new in zip(arrays_of(carried or ()), arrays_of(grown), strict=False):
                new[:len(old)] = old
            self.carried = carried = grown
        for sentence, layers in zip(sentences, encode_rows(words, sentences, carried, most), strict=True):
            yield Encoded(len(sentence), [layers])

    def _chosen(self, layers: list[Array], layer: str | int) -> Array:
        """The layers 0 to L, (tokens, width) each -> what was asked for."""
        if isinstance(layer, int):
            return layers[layer]
        stack = np.stack([layers[j] for j in self.layers])
        if layer == "all":
            return stack
        pooled: Array = stack.mean(axis=0) if layer == "average" else stack.sum(axis=0) if layer == "sum" \
            else self.mix.forward(stack)[0]
        return pooled

    def vector(self, word: str, sentence: str | Sequence[str], occurrence: int | None = None) -> Array:
        """v_t = W h_t_bi + b of a word in its sentence, at the word's own position: (dim,).

        sentence    tokens, or text, which is split as the model's corpus was
        occurrence  which one, from 1, of a word that occurs more than once
        Raises UserError for a word that is not in the sentence or the vocabulary, or occurs twice without a choice.
        """
        words = self.words(sentence)
        position = self._position(word, words, occurrence)
        return self.word_vector.forward(self.vectors([words])[0][position])[0]

    def index(self, sentences: Iterable[Sequence[str]], words: Iterable[str] | None = None) -> int:
        """Keep v_t of every word of a corpus for `similar`; replaces what was indexed before.

        words   keep only occurrences of these; None keeps all, which takes 2P values per token
        -> how many occurrences were kept
        """
        wanted = None if words is None else set(words)
        sentences, index = require_reiterable(sentences), Index()

        def kept() -> Iterator[list[str]]:
            return (list(s) for s in checked_sentences(sentences) if wanted is None or not wanted.isdisjoint(s))
        for sentence, (_, parts) in zip(kept(), self.parts(kept()), strict=True):
            positions = [t for t, word in enumerate(sentence) if wanted is None or word in wanted]
            index.add(sentence, positions, self.word_vector.forward(picked(parts, positions))[0])
        self._index = index
        return len(index)

    def similar(self, word: str, sentence: str | Sequence[str], top: int = 10,
                occurrence: int | None = None) -> list[Neighbour]:
        """The occurrences in the indexed corpus whose v_t is nearest to that of `word` in `sentence`, by cosine.

        -> word, sentence, position and similarity of each, nearest first, without those in the sentence itself
        """
        if self._index is None:
            raise UserError("no corpus is indexed: call index(sentences) first")
        words = self.words(sentence)
        return self._index.nearest(self.vector(word, words, occurrence), top, exclude=words)

    def words(self, sentence: str | Sequence[str]) -> list[str]:
        """Tokens unchanged; text split as the model's corpus was."""
        if not isinstance(sentence, str):
            return list(checked_words(sentence))
        return splitter(self.tokenize)(sentence)

    def reset_state(self) -> None:
        """Drop what state "carry" has carried so far."""
        self.carried = None

    def _position(self, word: str, words: list[str], occurrence: int | None) -> int:
        position = position_of(word, words, occurrence)
        if word not in token_indexer(self.model, self.vocabulary, self.cache):
            raise UserError(f"{word!r} is not among the {len(self.vocabulary)} words of this model, so its vector "
                            "would be that of any unknown word: expected a word of vocabulary.txt")
        return position

    def warm_state(self) -> BiState:
        """One row of state, settled, that state "warm" starts every sentence from."""
        return warm_state(token_indexer(self.model, self.vocabulary, self.cache))


def layer_of(text: str | int) -> str | int:
    """A layer as a person writes it: its number as a whole number, if no longer than one can be."""
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 10 else text


def position_of(word: str, words: Sequence[str], occurrence: int | None = None) -> int:
    """The position of a word in its sentence, from 0. Raises UserError: no such word, or several without a choice."""
    positions = [t for t, other in enumerate(words) if other == word]
    if not positions:
        raise UserError(f"the sentence has no word {word!r}; its words: {' '.join(words)}")
    if occurrence is None and len(positions) > 1:
        raise UserError(f"{word!r} occurs {len(positions)} times in the sentence: say which, occurrence=1 to "
                        f"{len(positions)}")
    if occurrence is not None and not 1 <= occurrence <= len(positions):
        raise UserError(f"occurrence = {occurrence}, but {word!r} occurs {len(positions)} times in the sentence")
    return positions[(occurrence or 1) - 1]


def picked(parts: Iterable[Array], positions: Sequence[int]) -> Array:
    """The vectors at some positions of a sentence, in any order, while one part (.., tokens, dim) at a time is held."""
    at, start, found = np.array(positions, int), 0, np.empty(0)
    for part in parts:
        if not start:
            found = np.empty((*part.shape[:-2], len(at), part.shape[-1]), part.dtype)
        here = (start <= at) & (at < start + part.shape[-2])
        found[..., here, :] = part[..., at[here] - start, :]
        start += part.shape[-2]
    return found


def _joined(parts: list[Array]) -> Array:
    """The parts of a sentence's array, concatenated along the tokens."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-2)


def _without_ends(steps: int, parts: Iterable[list[Array]]) -> Iterator[list[Array]]:
    """The parts of a sentence of so many steps without the first and the last step, <S> and </S>."""
    start = 0
    for layers in parts:
        end = start + len(layers[0])
        yield [layer[max(1 - start, 0):steps - 1 - start] for layer in layers]
        start = end


def load_model(path: str | os.PathLike[str]) -> tuple[ELMo, dict[str, Array], dict[str, str]]:
    """A run's directory, or a model file with vocabulary.txt next to it -> the model, and what else the file holds.

    The model computes with a memory map of the file, see safetensors_file.load; nothing is copied.
    Raises UserError: no such file, a damaged or foreign one, another vocabulary, an array missing or of another shape.
    """
    stored = read_model(path, mmap=sys.platform != "win32")     # Windows cannot replace a mapped file
    model = BiLM(stored.config, len(stored.vocabulary), rng=None)
    elmo = ELMo(model, stored.vocabulary, tokenize=stored.tokenize)
    elmo.mix.layer_norm = stored.layer_norm
    load_state_dict(elmo, stored.take(elmo))
    return elmo, stored.tensors, stored.metadata


def save_model(path: Path, elmo: ELMo, settings: Settings, tensors: Mapping[str, Array] | None = None,
               metadata: Mapping[str, str] | None = None) -> None:
    """Write a model file, in float32 as it is read; `tensors` and `metadata` go into it besides the model."""
    arrays = {name: p.value.astype(np.float32, copy=False) for name, p in parameters(elmo).items()}
    texts = {"tokenize": json.dumps(elmo.tokenize), **({"mix": "layer_norm"} if elmo.mix.layer_norm else {})}
    write_model(path, {**arrays, **(tensors or {})}, elmo.vocabulary, settings, {**texts, **(metadata or {})})
