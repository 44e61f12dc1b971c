"""PyTorch's side of embedding, as AllenNLP's ElmoEmbedder does it: batches padded to their longest sentence, nn.Conv1d
over all positions of all words, and a loop over the steps, because nn.LSTM has no clips.

In two places it does less than AllenNLP: x Wx of all steps is one product, and nothing is kept for gradients.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from embed_batches import Ids, embed_batches
from embed_elmo_np import fingerprint
from embed_sizes import EmbedSizes
from jobs import Job
from torch import Tensor, nn
from works import Work

from elmo_np.nn.characters import N_CHARACTERS
from elmo_np.types import Array


class Words(nn.Module):
    """Characters (N, K) -> vectors (N, P)."""

    def __init__(self, sizes: EmbedSizes):
        super().__init__()
        self.embedding = nn.Embedding(N_CHARACTERS, sizes.C)
        self.convolutions = nn.ModuleList(nn.Conv1d(sizes.C, n, w) for w, n in sizes.filters)
        self.highways = nn.ModuleList(nn.Linear(sizes.F, 2 * sizes.F) for _ in range(sizes.highways))
        self.projection = nn.Linear(sizes.F, sizes.P)

    def forward(self, k: Tensor) -> Tensor:
        e = self.embedding(k).transpose(1, 2)
        x = torch.cat([torch.relu(convolution(e).amax(-1)) for convolution in self.convolutions], -1)
        for highway in self.highways:
            r, t = highway(x).chunk(2, -1)
            r = torch.sigmoid(r)
            x = r * torch.relu(t) + (1 - r) * x
        vectors: Tensor = self.projection(x)
        return vectors


class Layer(nn.Module):
    """One direction of a layer: x (B, T, P), lengths (B,) longest first -> h (B, T, P), zero past a sentence's end."""

    def __init__(self, sizes: EmbedSizes, turned: bool):
        super().__init__()
        self.input = nn.Linear(sizes.P, 4 * sizes.H)
        self.state = nn.Linear(sizes.P, 4 * sizes.H, bias=False)
        self.projection = nn.Linear(sizes.H, sizes.P, bias=False)
        self.clip, self.turned = sizes.clip, turned

    def forward(self, x: Tensor, lengths: Ids) -> Tensor:
        (B, T, P), H = x.shape, self.projection.in_features
        a, out = self.input(x), x.new_zeros(B, T, P)
        h, c = x.new_zeros(B, P), x.new_zeros(B, H)
        for t in reversed(range(T)) if self.turned else range(T):
            live = int((lengths > t).sum())
            i, f, o, g = (a[:live, t] + self.state(h[:live])).chunk(4, -1)
            cell = torch.sigmoid(f) * c[:live] + torch.sigmoid(i) * torch.tanh(g)
            c[:live] = cell.clamp(-self.clip, self.clip)
            m = torch.sigmoid(o) * torch.tanh(c[:live])
            h[:live] = self.projection(m).clamp(-self.clip, self.clip)
            out[:live, t] = h[:live]
        return out


class Embedder(nn.Module):
    def __init__(self, sizes: EmbedSizes):
        super().__init__()
        self.words, self.K = Words(sizes), sizes.K
        self.directions = nn.ModuleList(nn.ModuleList(Layer(sizes, turned) for _ in range(sizes.L))
                                        for turned in (False, True))

    def embed(self, text: list[list[str]]) -> list[Array]:
        """All layers (layers, tokens, 2P) of each sentence."""
        with torch.inference_mode():
            return embed_batches(text, self.K, self._layers)

    def _layers(self, k: Ids, lengths: Ids) -> Array:
        words = self.words(torch.from_numpy(k).view(-1, self.K)).view(*k.shape[:2], -1)
        sides = []
        for layers in self.directions:
            sides.append([words])
            for layer in layers:
                h = layer(sides[-1][-1], lengths)
                sides[-1].append(h + sides[-1][-1] if len(sides[-1]) > 1 else h)
        stack: Array = torch.stack([torch.cat(pair, -1) for pair in zip(*sides, strict=True)]).numpy()
        return stack


def embed(work: Work, arrays: Mapping[str, Array]) -> Job:
    sizes = work.sizes
    assert isinstance(sizes, EmbedSizes)
    model, text = Embedder(sizes), sizes.text()
    with torch.no_grad():
        put_words(model.words, arrays, sizes)
        for layers, name in zip(model.directions, ("forward_lm", "backward_lm"), strict=True):
            for k, layer in enumerate(layers):
                Wx, Wh, Wp, b = (arrays[f"{name}.layers.{k}.{part}"] for part in ("Wx", "Wh", "Wp", "b"))
                for linear, W in (layer.input, Wx), (layer.state, Wh), (layer.projection, Wp):
                    linear.weight.copy_(torch.from_numpy(W.T))
                layer.input.bias.copy_(torch.from_numpy(b))
    return Job(lambda: model.embed(text), lambda: fingerprint(model.embed(text)))


def put_words(words: Words, arrays: Mapping[str, Array], sizes: EmbedSizes) -> None:
    def of(name: str) -> Tensor:
        return torch.from_numpy(arrays[f"forward_lm.embedding.{name}"])

    words.embedding.weight.copy_(of("E"))
    for k, (convolution, (w, n)) in enumerate(zip(words.convolutions, sizes.filters, strict=True)):
        convolution.weight.copy_(of(f"filters.{k}.W").view(w, sizes.C, n).permute(2, 1, 0))
        convolution.bias.copy_(of(f"filters.{k}.b"))
    for k, highway in enumerate(words.highways):
        highway.weight.copy_(torch.cat([of(f"highways.{k}.Wr"), of(f"highways.{k}.Wt")], 1).T)
        highway.bias.copy_(torch.cat([of(f"highways.{k}.br"), of(f"highways.{k}.bt")]))
    words.projection.weight.copy_(of("Wp").T)
    words.projection.bias.copy_(of("bp"))
