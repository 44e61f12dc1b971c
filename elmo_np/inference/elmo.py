"""The embedder: sentences in, a vector for every word in its sentence out.

    ELMo(x_t, S) = v_t = W [h_t_forward ; h_t_backward] + b      (vectors.py)

Every word gets the vector of its own position, from hidden states and not from softmax outputs: tutorials/equations.md
says where the article's code differs from its equations.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..config.schema import Settings
from ..data.batches import length_buckets, sentence_windows
from ..data.corpus import require_reiterable
from ..data.text import tokens
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..io import bilm_tf_reader, bilm_tf_writer
from ..io.model_file import read_model, write_model
from ..nn.bilm import BiLM, BiState
from ..nn.parameter import SKIP_INIT, load_state_dict, parameters
from ..nn.representation import ScalarMix, WordVector, h_bi
from ..runtime.threads import one_blas_thread
from ..types import Array
from .long_sentences import in_parts
from .neighbours import Index, Neighbour
from .token_indexer import TokenIndexer, token_indexer
from .word_cache import WordCache

BATCH = 64              # sentences at once; the vectors do not depend on it
WINDOW = 1 << 22        # numbers of a window of sentences, which are held until all are there: 16 MB in float32
STATES = ("reset", "carry", "warm")
POOLINGS = ("mean", "max")
SETTLED = 1e-6          # largest change of a number of the state from one neutral sentence to the next
MOST_SENTENCES = 200    # a state that wanders on after so many is taken as it is: the same for all sentences still


class ELMo:
    """A biLM, its vocabulary, and what makes vectors of its hidden states.

    model, vocabulary   the biLM and the words that its ids stand for; a model of characters embeds any word, and its
                        vocabulary is that of its softmax, or only the marks
    word_vector         W and b of v_t, learnt with a task through `backward`; new ones if None
    mix                 gamma and s of the layer mix, likewise
    tokenize            whether a sentence given as text is split by data.text.tokens, or at spaces: as in training
    seed                draws W where it cannot be the identity
    """

    def __init__(self, model: BiLM, vocabulary: Vocabulary, *, word_vector: WordVector | None = None,
                 mix: ScalarMix | None = None, tokenize: bool = True, seed: int = 0):
        if len(vocabulary) != model.V:
            raise UserError(f"the vocabulary has {len(vocabulary)} words, the model {model.V}: expected as many")
        config, dtype = model.config, model.forward_lm.embedding.E.value.dtype
        rng, width = np.random.default_rng(seed), 2 * config.output_dim
        self.model, self.vocabulary, self.tokenize = model, vocabulary, tokenize
        self.word_vector = word_vector or WordVector(width, config.vector_dim or width, rng=rng, dtype=dtype)
        self.mix = mix or ScalarMix(len(self.layers), dtype=dtype)
        self.carried: BiState | None = None         # a row for each sentence of a call with state "carry"
        self.cache: WordCache | None = None         # words that a model of characters need not compute again
        self._index: Index | None = None

    @staticmethod
    def load(path: str | os.PathLike[str]) -> ELMo:
        """A folder that `train` wrote (its best model), or a model file with vocabulary.txt beside it.

        The model computes with a map of the file, which nothing that is learnt changes. Replace such a file, as `train`
        does; do not write into it. Raises UserError for a file that is missing, damaged or foreign.
        """
        return load_model(path)[0]

    @staticmethod
    def from_bilm_tf(options: str | os.PathLike[str], weights: str | os.PathLike[str], *,
                     vocabulary: Vocabulary | str | os.PathLike[str] | None = None,
                     softmax: str | os.PathLike[str] | None = None,
                     embedding: str | os.PathLike[str] | None = None, dtype: npt.DTypeLike = np.float32) -> ELMo:
        """Published weights, as `io.bilm_tf_reader.read` reads them: a model of characters, or of words by id."""
        return ELMo(*bilm_tf_reader.read(options, weights, vocabulary=vocabulary, softmax=softmax, embedding=embedding,
                                         dtype=dtype))

    def to_bilm_tf(self, options: str | os.PathLike[str], weights: str | os.PathLike[str],
                   vocabulary: str | os.PathLike[str] | None = None) -> None:
        """Write the language model for `from_bilm_tf` and other programs, as `elmo_np.io.bilm_tf_writer.write` does."""
        bilm_tf_writer.write(self.model, self.vocabulary, options, weights, vocabulary)

    @property
    def layers(self) -> list[int]:
        """The layers that `embed` stacks: 0, the word vectors, only where they are as wide as the others."""
        config = self.model.config
        return list(range(0 if config.embedding_dim == config.output_dim else 1, config.layers + 1))

    def embed(self, sentences: Iterable[Sequence[str]], state: str = "reset", *, marks: bool = False) -> list[Array]:
        """All layers of every word.

        sentences   lists of tokens
        state       "reset": every sentence alone, from a zero state. "carry": sentence k goes on from where sentence k
                    of the last call left the state, as the original programs do; `reset_state` ends that. "warm":
                    every sentence from one settled state, the same for all
        marks       with <S> before the words and </S> behind them, two tokens more: what the model reads always
        -> an array (layers, tokens, 2P) a sentence, in the order given; `layers` says which they are. Layer 0, the word
           vectors of both directions side by side, is among them where it is as wide as the others
        Raises UserError for an empty sentence, a string in place of tokens, or another state.
        """
        return list(self.stream(sentences, "all", state, marks=marks))

    def vectors(self, sentences: Iterable[Sequence[str]], layer: str | int = "top", state: str = "reset", *,
                marks: bool = False) -> list[Array]:
        """Hidden states, without the W and b of `vector`: one a word, of the layer "top", the "average" or "mix" of
        `embed`'s layers, or one layer by its number.

        -> an array (tokens, dim) a sentence
        """
        return list(self.stream(sentences, layer, state, marks=marks))

    def sentence_vectors(self, sentences: Iterable[Sequence[str]], layer: str | int = "average",
                         state: str = "reset", pooling: str = "mean") -> list[Array]:
        """The mean of `vectors` over the words of a sentence, and nothing but its words; or the largest of each number.

        pooling     "mean" or "max"
        -> an array (dim,) a sentence; (layers, dim) with layer "all"
        """
        if pooling not in POOLINGS:
            raise UserError(f"pooling {pooling!r}: expected one of {', '.join(POOLINGS)}")
        return [vectors.mean(axis=-2) if pooling == "mean" else vectors.max(axis=-2)
                for vectors in self.stream(sentences, layer, state)]

    def width(self, layer: str | int = "top") -> int:
        """How many numbers a vector of this layer has: 2P, or 2D for the word vectors."""
        return 2 * (self.model.config.embedding_dim if layer == 0 else self.model.config.output_dim)

    def stream(self, sentences: Iterable[Sequence[str]], layer: str | int = "top", state: str | BiState = "reset", *,
               marks: bool = False) -> Iterator[Array]:
        """`vectors`, or `embed` with layer "all", one sentence after another: memory does not grow with them.

        State "carry" is the exception: a sentence is a row of its own, so all are needed at once.
        state   may also be one row of state that every sentence starts from, as `warm_state` gives
        """
        return (_joined(list(parts)) for _, parts in self.parts(sentences, layer, state, marks=marks))

    def parts(self, sentences: Iterable[Sequence[str]], layer: str | int = "top", state: str | BiState = "reset", *,
              marks: bool = False) -> Iterator[tuple[int, Iterable[Array]]]:
        """`stream` with the array of each sentence in parts, to be read before the next sentence is asked for: memory
        does not grow with the length of a sentence either, but for state "carry" and a mix with layer_norm.

        -> how many tokens a sentence has, and its parts, mostly one: side by side along the tokens they are the array
        """
        top = self.model.config.layers
        if layer not in ("all", "top", "average", "mix", *range(top + 1)):
            raise UserError(f"layer {layer!r}: expected 'all', 'top', 'average', 'mix' or a number from 0 to {top}")
        if not isinstance(state, tuple) and state not in STATES:
            raise UserError(f"state {state!r}: expected one of {', '.join(STATES)}")
        # int: NumPy's whole numbers, as a search over layers gives them, are layers too
        number = top if layer == "top" else layer if isinstance(layer, str) else int(layer)
        return self._parts(sentences, number, state, marks)

    def _parts(self, sentences: Iterable[Sequence[str]], layer: str | int, state: str | BiState,
               marks: bool) -> Iterator[tuple[int, Iterable[Array]]]:
        for n, parts in self._all(sentences, state, marks):
            if layer == "mix" and self.mix.layer_norm:      # its means are those of the whole sentence
                parts = [[np.concatenate(layers) for layers in zip(*parts, strict=True)]]
            yield n, (self._chosen(layers, layer) for layers in parts)

    def _chosen(self, layers: list[Array], layer: str | int) -> Array:
        """The layers 0 to L, (tokens, width) each -> what was asked for."""
        if isinstance(layer, int):
            return layers[layer]
        stack = np.stack([layers[j] for j in self.layers])
        return stack if layer == "all" else stack.mean(axis=0) if layer == "average" else self.mix.forward(stack)[0]

    def vector(self, word: str, sentence: str | Sequence[str], occurrence: int | None = None) -> Array:
        """v_t = W h_t_bi + b of a word in its sentence, at the word's own position: (dim,).

        sentence    tokens, or text, which is split as the model's corpus was
        occurrence  which one, from 1, of a word that occurs more than once
        Raises UserError for a word that the sentence or the vocabulary lacks, or that occurs twice without a choice.
        """
        words = self.words(sentence)
        position = self._position(word, words, occurrence)
        return self.word_vector.forward(self.vectors([words])[0][position])[0]

    def index(self, sentences: Iterable[Sequence[str]], words: Iterable[str] | None = None) -> int:
        """Remember v_t of every word of a corpus for `similar`; replaces what was indexed before.

        words   keep only occurrences of these; None keeps all, which takes 2P numbers a token
        -> how many occurrences were kept
        """
        wanted = None if words is None else set(words)
        sentences, index = require_reiterable(sentences), Index()

        def kept() -> Iterator[list[str]]:
            return (list(s) for s in sentences if wanted is None or not wanted.isdisjoint(s))
        for sentence, h in zip(kept(), self.stream(kept()), strict=True):
            places = [t for t, word in enumerate(sentence) if wanted is None or word in wanted]
            index.add(sentence, places, self.word_vector.forward(h[places])[0])
        self._index = index
        return len(index)

    def similar(self, word: str, sentence: str | Sequence[str], top: int = 10,
                occurrence: int | None = None) -> list[Neighbour]:
        """The occurrences of the indexed corpus whose v_t is nearest to that of `word` in `sentence`, by cosine.

        -> word, sentence, position and similarity of each, nearest first; the sentence itself is left out
        """
        if self._index is None:
            raise UserError("no corpus is indexed: call index(sentences) first")
        words = self.words(sentence)
        return self._index.nearest(self.vector(word, words, occurrence), top, exclude=words)

    def words(self, sentence: str | Sequence[str]) -> list[str]:
        """Tokens as they are; text split as the model's corpus was."""
        if not isinstance(sentence, str):
            return list(sentence)
        return tokens(sentence) if self.tokenize else sentence.split()

    def reset_state(self) -> None:
        """Forget what state "carry" has carried so far."""
        self.carried = None

    def _position(self, word: str, words: list[str], occurrence: int | None) -> int:
        position = position_of(word, words, occurrence)
        if word not in token_indexer(self.model, self.vocabulary, self.cache):
            raise UserError(f"{word!r} is not among the {len(self.vocabulary)} words of this model, so its vector "
                            "would be that of any unknown word: expected a word of vocabulary.txt")
        return position

    def _all(self, sentences: Iterable[Sequence[str]], state: str | BiState,
             marks: bool) -> Iterator[tuple[int, Iterable[list[Array]]]]:
        """For every sentence, in order, how many tokens it has, and its parts from the first word to the last: the
        layers 0 to L, (tokens, width) each, both directions side by side."""
        words = token_indexer(self.model, self.vocabulary, self.cache)
        if state == "carry":
            numbers = [words.encode(sentence) for sentence in checked(sentences)]
            yield from (_trimmed(layers, marks) for layers in self._carry(words, numbers))
            return
        begin = self.warm_state() if state == "warm" else None if isinstance(state, str) else state
        most = max(1, WINDOW // (2 * self.model.config.output_dim * len(self.layers)))
        for window in sentence_windows(checked(sentences), BATCH, most):
            words.make_room()
            numbers, found = [words.encode(sentence) for sentence in window], dict[int, list[Array]]()
            for group in _groups(numbers, most):
                start = None if begin is None else _rows(begin, np.zeros(len(group), np.int64))
                layers, _ = self._batch(words, [numbers[k] for k in group], start)
                found.update(zip(group, layers, strict=True))
            for k, sentence in enumerate(numbers):
                if k in found:
                    yield _trimmed(found.pop(k), marks)
                else:
                    yield _trimmed_parts(in_parts(self.model, words, sentence, most, begin), len(sentence), marks)

    def _carry(self, words: TokenIndexer, sentences: list[list[int]]) -> Iterator[list[Array]]:
        """Row k goes on from row k; rows beyond those given stay as they are."""
        rows, carried = len(sentences), self.carried
        if carried is None or len(carried[0][0][0]) < rows:
            grown = _zero_state(self.model, rows)
            for old, new in zip(_arrays(carried), _arrays(grown), strict=False):
                new[:len(old)] = old
            self.carried = carried = grown
        for start in range(0, rows, BATCH):
            block = np.arange(start, min(start + BATCH, rows))
            layers, after = self._batch(words, sentences[start:start + BATCH], _rows(carried, block))
            for kept, new in zip(_arrays(carried), _arrays(after), strict=True):
                kept[block] = new
            yield from layers

    def _batch(self, words: TokenIndexer, sentences: list[list[int]],
               state: BiState | None) -> tuple[list[list[Array]], BiState]:
        """Sentences with their marks -> the layers of each, marks included, and the state after each."""
        lengths = np.array([len(sentence) for sentence in sentences])
        numbers = np.zeros((lengths.max(), len(sentences)), np.int64)
        for b, sentence in enumerate(sentences):
            numbers[:len(sentence), b] = sentence
        with one_blas_thread():
            forward, backward, after = self.model.encode_vectors(*words.lookup(numbers), lengths, state)
        layers: list[list[Array]] = [[] for _ in sentences]
        while forward:                              # one layer after another, each let go when it is copied
            whole = h_bi(forward.pop(0), backward.pop(0))
            for b, n in enumerate(lengths):
                layers[b].append(whole[:n, b].copy())
        return layers, after

    def warm_state(self) -> BiState:
        """One row of state after a neutral sentence (its marks, with a full stop if the model knows one), read until
        the state settles: what a sentence in the middle of a text starts from, the same for all."""
        words = token_indexer(self.model, self.vocabulary, self.cache)
        sentence = words.encode(["."] if "." in words else [])
        state = _zero_state(self.model, 1)
        for _ in range(MOST_SENTENCES):
            _, after = self._batch(words, [sentence], state)
            change = max(np.abs(a - b).max() for a, b in zip(_arrays(state), _arrays(after), strict=True))
            state = after
            if change < SETTLED:
                break
        return state


def position_of(word: str, words: Sequence[str], occurrence: int | None = None) -> int:
    """Where a word stands in its sentence, from 0. Raises UserError: nowhere, or twice without a choice."""
    places = [t for t, other in enumerate(words) if other == word]
    if not places:
        raise UserError(f"the sentence has no word {word!r}; its words: {' '.join(words)}")
    if occurrence is None and len(places) > 1:
        raise UserError(f"{word!r} occurs {len(places)} times in the sentence: say which, occurrence=1 to "
                        f"{len(places)}")
    if occurrence is not None and not 1 <= occurrence <= len(places):
        raise UserError(f"occurrence = {occurrence}, but {word!r} occurs {len(places)} times in the sentence")
    return places[(occurrence or 1) - 1]


def checked(sentences: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The sentences. Raises UserError for one without a token, or a string."""
    for number, sentence in enumerate(sentences):
        if isinstance(sentence, str):
            raise UserError(f"sentence {number} is the string {sentence[:40]!r}: expected a list of tokens; "
                            "elmo_np.data.text.tokens splits it")
        if not len(sentence):
            raise UserError(f"sentence {number} is empty: expected at least one token")
        yield sentence


def _joined(parts: list[Array]) -> Array:
    """The parts of a sentence's array side by side."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-2)


def _groups(sentences: list[list[int]], most: int) -> Iterator[list[int]]:
    """The places of sentences of about equal length, so many that they have at most `most` steps with their padding;
    those that are longer by themselves are left out."""
    for group in length_buckets(sentences, BATCH):
        fits: list[int] = []
        for k in group:                             # from the shortest to the longest
            if len(sentences[k]) > most:
                break
            if (len(fits) + 1) * len(sentences[k]) > most:
                yield fits
                fits = []
            fits.append(k)
        if fits:
            yield fits


def _trimmed(layers: list[Array], marks: bool) -> tuple[int, list[list[Array]]]:
    """A sentence in one part, with or without its marks."""
    layers = layers if marks else [layer[1:-1] for layer in layers]
    return len(layers[0]), [layers]


def _trimmed_parts(parts: Iterable[list[Array]], n: int, marks: bool) -> tuple[int, Iterator[list[Array]]]:
    """A sentence of n steps in several parts, with or without its marks."""
    first, last = (0, n) if marks else (1, n - 1)

    def kept() -> Iterator[list[Array]]:
        start = 0
        for layers in parts:
            end = start + len(layers[0])
            yield [layer[max(first - start, 0):last - start] for layer in layers]
            start = end
    return last - first, kept()


def _zero_state(model: BiLM, rows: int) -> BiState:
    return ([layer.zero_state(rows) for layer in model.forward_lm.layers],
            [layer.zero_state(rows) for layer in model.backward_lm.layers])


def _arrays(state: BiState | None) -> list[Array]:
    return [array for direction in state or ([], []) for layer in direction for array in layer]


def _rows(state: BiState, rows: Array) -> BiState:
    one, two = state
    return [(h[rows], c[rows]) for h, c in one], [(h[rows], c[rows]) for h, c in two]


def load_model(path: str | os.PathLike[str]) -> tuple[ELMo, dict[str, Array], dict[str, str]]:
    """A run's folder or a model file with vocabulary.txt beside it -> the model, and what more the file holds.

    The model computes with a map of the file, as safetensors_file.load describes it, and nothing is copied.
    Raises UserError: nothing there, a damaged or foreign file, another vocabulary, an array missing or misshapen.
    """
    stored = read_model(path, mmap=sys.platform != "win32")     # which does not replace a file that is mapped
    model = BiLM(stored.config, len(stored.vocabulary), rng=SKIP_INIT)
    elmo = ELMo(model, stored.vocabulary, tokenize=stored.tokenize)
    elmo.mix.layer_norm = stored.layer_norm
    load_state_dict(elmo, stored.take(elmo))
    return elmo, stored.tensors, stored.metadata


def save_model(path: Path, elmo: ELMo, settings: Settings, tensors: Mapping[str, Array] | None = None,
               metadata: Mapping[str, str] | None = None) -> None:
    """Write a model file; `tensors` and `metadata` are what more than the model it shall hold."""
    arrays = {name: p.value for name, p in parameters(elmo).items()}
    texts = {"tokenize": json.dumps(elmo.tokenize), **({"mix": "layer_norm"} if elmo.mix.layer_norm else {})}
    write_model(path, {**arrays, **(tensors or {})}, elmo.vocabulary, settings, {**texts, **(metadata or {})})
