"""The building blocks of tasks: labels, pooling, bidirectional LSTM, CRF, attention, decoder, input."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator

from ..config.schema import BiLMConfig
from ..nn.bilm import BiLM
from ..nn.char_cnn import CharCNN
from ..nn.parameter import parameters
from ..nn.softmax import IGNORE_INDEX
from ..tasks.models.classifier import SentenceNetwork
from ..tasks.models.config import TaskConfig
from ..tasks.models.encoder_decoder import EncoderDecoder
from ..tasks.models.senses import SenseNetwork
from ..tasks.models.sentence_encoder import SourceBatch
from ..tasks.models.tagger import TagNetwork
from ..tasks.models.wic import PairNetwork
from ..tasks.nn import inputs
from ..tasks.nn.attention import AdditiveAttention, DotAttention
from ..tasks.nn.bilstm import BiLSTM
from ..tasks.nn.crf import CRF, bio, everything
from ..tasks.nn.decoder import Cache, Decoder, Sizes
from ..tasks.nn.inputs import LEARNT, BagOfWords, WordInput
from ..tasks.nn.linear import Linear, cross_entropy, cross_entropy_backward
from ..tasks.nn.pooling import SENTENCE_POOLING, Pooling
from ..tasks.nn.tuned_bilm import TunedBilm
from ..types import Array
from .characters import MARGIN, avoid_kinks, spelled, with_few_characters
from .registry import CASES, SCALE, Case, acts, case, case_of, case_of_loss, case_of_output

Layer = TypeVar("Layer")

LENGTHS = np.array([4, 1, 3])
CONFIG = TaskConfig(hidden_dim=2, penalty=0.2, input_dropout=0.3, dropout=0.3)


@case("linear layer and cross-entropy")
def _linear(rng: Generator) -> Case:
    layer = _random(Linear(3, 5, rng=rng, dtype=np.float64), rng)
    x = rng.normal(size=(4, 2, 3))
    y = rng.integers(0, 5, (4, 2))
    y[1, 1] = IGNORE_INDEX

    def loss() -> float:
        return SCALE * cross_entropy(layer.forward(x)[0], y)[0]

    def backward() -> dict[str, Array]:
        z, cache = layer.forward(x)
        dz = cross_entropy_backward(SCALE, cross_entropy(z, y)[1])
        return {"x": layer.backward(dz, cache)}
    return case_of(layer, loss, backward, {"x": x})


def _pooling(kind: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        layer = _random(Pooling(kind, 5, rng=rng, dtype=np.float64), rng)
        x, r = rng.normal(size=(4, 3, 5)), rng.normal(size=(3, layer.width))
        live = np.arange(4)[:, None] < LENGTHS
        acts(live, "padding")
        second, largest = np.sort(np.where(live[..., None], x, -np.inf), axis=0)[-2:]
        if (largest - second).min() < MARGIN:
            raise AssertionError("the point of this gradient check is near a tie of two maxima")
        return case_of_output(layer, lambda: layer.forward(x, LENGTHS), r, x=x)
    return make


for _kind in SENTENCE_POOLING:
    case(f"pooling, {_kind}")(_pooling(_kind))


@case("bidirectional LSTM over vectors")
def _bilstm(rng: Generator) -> Case:
    layer = BiLSTM(3, 2, rng=rng, dtype=np.float64)
    x, r = rng.normal(size=(4, 3, 3)), rng.normal(size=(4, 3, 4))
    return case_of_output(layer, lambda: layer.forward(x, LENGTHS), r, x=x)


def _crf(rng: Generator, constrained: bool) -> Case:
    labels = ["O", "B-a", "I-a", "B-b", "I-b"]
    allowed = bio(labels) if constrained else everything(5)
    layer = _random(CRF(5, allowed, dtype=np.float64), rng)
    z = rng.normal(size=(4, 3, 5))
    y = np.array([[1, 0, 3], [2, IGNORE_INDEX, 4], [2, IGNORE_INDEX, 1], [0, IGNORE_INDEX, IGNORE_INDEX]])
    if constrained:
        acts(allowed.pair, "an allowed transition")
        acts(allowed.start, "an allowed start")
    return case_of_loss(layer, lambda: layer.forward(z, y, LENGTHS), z=z)


CASES["CRF"] = lambda rng: _crf(rng, constrained=False)
CASES["CRF, BIO constraints"] = lambda rng: _crf(rng, constrained=True)


def _attention(rng: Generator, layer: AdditiveAttention | DotAttention) -> Case:
    _random(layer, rng)
    q, k, r = rng.normal(size=(2, 3, 3)), rng.normal(size=(4, 3, 5)), rng.normal(size=(2, 3, 5))
    return case_of_output(layer, lambda: layer.forward(q, k, LENGTHS), r, q=q, k=k)


CASES["attention, additive"] = lambda rng: _attention(rng, AdditiveAttention(3, 5, 2, rng=rng, dtype=np.float64))
CASES["attention, dot product"] = lambda rng: _attention(rng, DotAttention(3, 5, rng=rng, dtype=np.float64))


def _decoder(rng: Generator, kind: str) -> Case:
    layer = _random(Decoder(Sizes(V=6, W=3, H=4, U=2, D=5), kind=kind, dropout=0.3, rng=rng, dtype=np.float64), rng)
    u, keys = rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 5))
    words, targets = rng.integers(0, 6, (3, 3)), rng.integers(0, 6, (3, 3))
    targets[2, 1] = IGNORE_INDEX

    def forward() -> tuple[float, Cache]:
        return layer.forward(u, keys, LENGTHS, words, targets, np.random.default_rng(1))
    _, cache = forward()
    acts(np.asarray(cache.word_mask) == 0, "dropped elements of the words")
    acts(np.asarray(cache.a_mask) == 0, "dropped elements before the softmax")
    return case_of_loss(layer, forward, u=u, keys=keys)


CASES["decoder, additive attention"] = lambda rng: _decoder(rng, "additive")
CASES["decoder, dot-product attention"] = lambda rng: _decoder(rng, "dot")


def _input(rng: Generator, kind: str, J: int) -> Case:
    layer = _random(WordInput(kind, J, 4, dropout=0.3, penalty=0.2, rng=rng, dtype=np.float64), rng)
    layers, r = rng.normal(size=(J, 3, 2, 4)), rng.normal(size=(3, 2, 4))

    def forward() -> tuple[Array, inputs.Cache]:
        return layer.forward(layers, np.random.default_rng(1))

    def loss() -> float:
        return float((forward()[0] * r).sum()) + SCALE * layer.penalty()

    def backward() -> dict[str, Array]:
        dlayers = layer.backward(r, forward()[1])
        layer.penalty_backward(SCALE)
        return {"layers": dlayers}
    acts(np.asarray(forward()[1].mask) == 0, "dropped elements")
    return case_of(layer, loss, backward, {"layers": layers})


CASES["input of a task, layer mix with its penalty"] = lambda rng: _input(rng, "mix", 3)
CASES["input of a task, v_t = W h_bi + b"] = lambda rng: _input(rng, "vector", 1)
CASES["input of a task, one layer"] = lambda rng: _input(rng, "static", 1)


@case("bag of words")
def _bag(rng: Generator) -> Case:
    layer = _random(BagOfWords(6, 3, dropout=0.3, dtype=np.float64), rng)
    ids, r = np.array([[3, 1, -1], [3, 5, -1], [0, 2, 4], [2, -1, -1]]), rng.normal(size=(3, 3))

    def forward() -> tuple[Array, inputs.BagCache]:
        return layer.forward(ids, np.random.default_rng(1))
    acts(forward()[1].share[ids >= 0] == 0, "dropped words")

    def backward() -> dict[str, Array]:
        layer.backward(r, forward()[1])
        return {}
    return case_of(layer, lambda: float((forward()[0] * r).sum()), backward, {})


def _network(rng: Generator, layer: SentenceNetwork | TagNetwork, y: Array) -> Case:
    """A whole network: the loss that a task minimises, from the layers of a biLM on."""
    _random(layer, rng)
    layers = rng.normal(size=(2, 4, 3, 4))
    bag = np.array([[3, 1, -1], [3, 5, -1], [0, 2, 4], [2, -1, -1]])
    source = SourceBatch(layers, rng.integers(0, 5, (4, 3)), bag)

    def forward() -> tuple[float, Any]:
        return layer.forward(source, LENGTHS, y, np.random.default_rng(1))
    scores = forward()[1].scores
    words = scores.words if isinstance(layer, SentenceNetwork) else scores
    acts(np.asarray(words.mask) == 0, "dropped elements before the linear layer")
    return case_of_loss(layer, forward)


@case("sentence classifier")
def _classifier(rng: Generator) -> Case:
    config = replace(CONFIG, pooling="mean")
    return _network(rng, SentenceNetwork(2, 4, 3, config, rng=rng, dtype=np.float64), np.array([2, 0, 1]))


@case("sentence classifier without a BiLSTM")
def _classifier_plain(rng: Generator) -> Case:
    config = replace(CONFIG, pooling="ends", hidden_dim=None)
    return _network(rng, SentenceNetwork(2, 4, 3, config, rng=rng, dtype=np.float64), np.array([2, 0, 1]))


@case("sentence classifier, a bag of words and learnt embeddings beside the mix")
def _classifier_bag(rng: Generator) -> Case:
    config = replace(CONFIG, input="bag+learnt+mix", pooling="attention")
    network = SentenceNetwork(2, 4, 3, config, N=5, V=6, rng=rng, dtype=np.float64)
    return _network(rng, network, np.array([2, 0, 1]))


@case("tagger")
def _tagger(rng: Generator) -> Case:
    y = np.array([[1, 0, 1], [2, IGNORE_INDEX, 2], [0, IGNORE_INDEX, 0], [1, IGNORE_INDEX, IGNORE_INDEX]])
    return _network(rng, TagNetwork(2, 4, ["O", "B-a", "I-a"], CONFIG, rng=rng, dtype=np.float64), y)


@case("tagger, characters and learnt embeddings beside the mix")
def _tagger_characters(rng: Generator) -> Case:
    y = np.array([[1, 0, 1], [2, IGNORE_INDEX, 2], [0, IGNORE_INDEX, 0], [1, IGNORE_INDEX, IGNORE_INDEX]])
    config = replace(CONFIG, input="learnt+characters+mix", char_dim=3, input_dropout=0.4)
    network = TagNetwork(2, 4, ["O", "B-a", "I-a"], config, N=5, rng=rng, dtype=np.float64)
    assert network.characters is not None
    with_few_characters(network.characters)
    _random(network, rng)
    network.characters.filters[0].W.value *= 0.3        # its maxima are near the ends of tanh otherwise
    spelling = spelled(rng.integers(0, 7, (4, 3)), network.characters.K)
    avoid_kinks(network.characters, spelling)
    source = SourceBatch(rng.normal(size=(2, 4, 3, 4)), rng.integers(0, 5, (4, 3)), spelling=spelling)

    def forward() -> tuple[float, Any]:
        return network.forward(source, LENGTHS, y, np.random.default_rng(1))
    acts(np.asarray(forward()[1].scores.encoder.spelled) == 0, "dropped elements of the characters' vectors")
    return case_of_loss(network, forward)


@case("tagger with its biLM of characters")
def _tagger_tuned(rng: Generator) -> Case:
    y = np.array([[1, 0, 1], [2, IGNORE_INDEX, 2], [0, IGNORE_INDEX, 0], [1, IGNORE_INDEX, IGNORE_INDEX]])
    config = replace(CONFIG, hidden_dim=None)
    network = TagNetwork(3, 4, ["O", "B-a", "I-a"], config, rng=rng, dtype=np.float64)
    return _tuned(rng, network, y, embedding_dim=2, char_filters=((1, 2), (3, 3)), char_dim=1, max_characters=6,
                  char_highways=0, share_embedding=True)


@case("word senses")
def _senses(rng: Generator) -> Case:
    config = replace(CONFIG, weight_decay=0.1)
    layer = _random(SenseNetwork(2, 4, [0, 0, 0, 1, 1], config, rng=rng, dtype=np.float64), rng)
    layers, y = rng.normal(size=(2, 1, 4, 4)), np.array([2, 3, 0, 4])
    acts(layer.words[y] == 0, "the first word")

    def forward() -> tuple[float, Any]:
        return layer.forward(layers, np.ones(4, int), y, np.random.default_rng(1))
    return case_of_loss(layer, forward)


@case("word in two sentences")
def _pairs(rng: Generator) -> Case:
    config = replace(CONFIG, weight_decay=0.1)
    layer = _random(PairNetwork(2, 3, config, rng=rng, dtype=np.float64), rng)
    layers, y = rng.normal(size=(2, 2, 4, 3)), np.array([1, 0, 0, 1])

    def forward() -> tuple[float, Any]:
        return layer.forward(layers, np.full(4, 2), y, np.random.default_rng(1))
    u, v = forward()[1].x
    acts(u > v, "the sign of a difference")
    nearest = np.abs(u - v)[u != v].min()           # equal where both were dropped, whatever the weights
    if nearest < MARGIN:
        raise AssertionError("the point of this gradient check is near a difference of zero")
    return case_of_loss(layer, forward)


def _tuned(rng: Generator, layer: SentenceNetwork | TagNetwork, y: Array, **settings: Any) -> Case:
    """A network with a biLM that is trained with it: from its words to the loss of the task."""
    config = BiLMConfig(hidden_dim=2, layers=2, dropout=0.2, predict=False, **settings)
    layer.bilm = TunedBilm(BiLM(config, 7, rng=rng, dtype=np.float64), [0, 1, 2])
    lms = layer.bilm.model.lms.values()
    cnns = [lm.embedding for lm in lms if isinstance(lm.embedding, CharCNN)]
    with_few_characters(*cnns)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    words = rng.integers(0, 7, (6, 3))
    if cnns:
        words = spelled(words, config.max_characters)
        for cnn in cnns:
            avoid_kinks(cnn, words)

    def forward() -> tuple[float, Any]:
        return layer.forward(SourceBatch(None, words=words), LENGTHS, y, np.random.default_rng(1))
    return case_of_loss(layer, forward)


@case("task that trains its biLM")
def _tuned_bilm(rng: Generator) -> Case:
    """Its layers alone, with a gradient at the padding too, which must not reach anything."""
    config = BiLMConfig(embedding_dim=2, hidden_dim=2, layers=2, dropout=0.2, predict=False)
    layer = _random(TunedBilm(BiLM(config, 7, rng=rng, dtype=np.float64), [0, 2]), rng)
    words = rng.integers(0, 7, (6, 3))
    r = rng.normal(size=(2, 4, 3, 4))
    return case_of_output(layer, lambda: layer.forward(words, LENGTHS, np.random.default_rng(1)), r)


@case("sentence classifier with its biLM")
def _classifier_tuned(rng: Generator) -> Case:
    config = replace(CONFIG, pooling="mean", hidden_dim=None)
    network = SentenceNetwork(3, 4, 3, config, rng=rng, dtype=np.float64)
    return _tuned(rng, network, np.array([2, 0, 1]), embedding_dim=2)


def _translator(rng: Generator, config: TaskConfig, source: SourceBatch) -> Case:
    J = 1 if source.layers is None else len(source.layers)
    layer = _random(EncoderDecoder(J, 4, 5, 6, config, rng=rng, dtype=np.float64), rng)
    y = np.array([[3, 4, 5], [1, 5, 3], [IGNORE_INDEX, 1, 1]])

    def forward() -> tuple[float, Any]:
        return layer.forward(source, LENGTHS, y, np.random.default_rng(1))
    _, cache = forward()
    acts(np.asarray(cache.source.mask) == 0, "dropped elements of the source")
    if layer.embedding:
        acts(np.asarray(cache.source.encoder.learnt) == 0, "dropped elements of the learnt embedding")
    acts(np.asarray(cache.decoder.a_mask) == 0, "dropped elements before the softmax")
    return case_of_loss(layer, forward)


TRANSLATE = replace(CONFIG, word_dim=3, decoder_dim=4)


@case("translator")
def _translator_mix(rng: Generator) -> Case:
    return _translator(rng, TRANSLATE, SourceBatch(rng.normal(size=(2, 4, 3, 4)), None))


@case("translator, learnt embeddings beside the mix")
def _translator_joined(rng: Generator) -> Case:
    source = SourceBatch(rng.normal(size=(2, 4, 3, 4)), rng.integers(0, 5, (4, 3)))
    return _translator(rng, replace(TRANSLATE, input=f"{LEARNT}+mix"), source)


@case("translator, learnt embeddings, no BiLSTM, additive attention")
def _translator_learnt(rng: Generator) -> Case:
    config = replace(TRANSLATE, input=LEARNT, hidden_dim=None, attention="additive")
    return _translator(rng, config, SourceBatch(None, np.array([[1, 4, 2], [3, 0, 2], [0, 0, 1], [2, 0, 0]])))


def _random(layer: Layer, rng: Generator) -> Layer:
    """The layer with random values everywhere: a bias of zero hides where it is used."""
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape)
    return layer

