"""PyTorch's side of every work: the model, optimiser and calls that a user would write, with default settings.

Where the peer is works.COMPILED, the loss is compiled by torch.compile.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from embed_torch import embed
from jobs import Job, Skipped
from torch import Tensor, nn
from torch.func import functional_call
from works import COMPILED, DECAY, PRODUCT, REGULARISERS, Sizes, Work

from elmo_np.types import Array

# It has no oneDNN path for them, and warns about it at each start.
warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")


def build(work: Work, arrays: Mapping[str, Array]) -> Job:
    """The job, starting from elmo_np's initial arrays."""
    torch.set_num_threads(work.threads)
    return {"step": step, "regularised": regularised, "lstm": lstm, "softmax": softmax, "product": product,
            "embed": embed}[work.kind](work, arrays)


class BiLM(nn.Module):
    """Word input, two independent LSTMs, full softmax in both directions; time-major, as elmo_np is."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.embedding = nn.Embedding(sizes.V, sizes.E)
        self.forward_lstm, self.backward_lstm = (stack(sizes) for _ in range(2))
        self.forward_out, self.backward_out = (nn.Linear(sizes.output, sizes.V) for _ in range(2))

    def loss(self, x: Tensor, after: Tensor, before: Tensor) -> Tensor:
        e = self.embedding(x)
        hf, _ = self.forward_lstm(e)
        hb, _ = self.backward_lstm(e.flip(0))
        V = self.forward_out.out_features
        return (F.cross_entropy(self.forward_out(hf).view(-1, V), after.view(-1))
                + F.cross_entropy(self.backward_out(hb.flip(0)).view(-1, V), before.view(-1)))


def stack(sizes: Sizes) -> nn.LSTM:
    """L layers. PyTorch's second bias stays zero and is not trained, since elmo_np has only one."""
    made = nn.LSTM(sizes.E, sizes.H, sizes.L, proj_size=sizes.P or 0)
    for k in range(sizes.L):
        nn.init.zeros_(getattr(made, f"bias_hh_l{k}")).requires_grad_(False)
    return made


def step(work: Work, arrays: Mapping[str, Array]) -> Job:
    model = BiLM(work.sizes)
    put_model(model, arrays)
    batch = [tensor(arrays[name]) for name in ("x", "after", "before")]
    loss_of = compiled(model.loss, batch) if work.peer == COMPILED else model.loss
    run = trained(model, lambda: (loss_of(*batch), torch.zeros(())))
    return Job(run, lambda: [run().item() for _ in range(3)])


def trained(model: nn.Module, loss_of: Callable[[], tuple[Tensor, Tensor]], decay: float = 0.0) -> Callable[[], Tensor]:
    """A training step: loss_of gives the loss, and penalties to minimise with it; the loss before the update."""
    over = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(over, lr=0.01, momentum=0.9, nesterov=True, weight_decay=decay)

    def run() -> Tensor:
        optimizer.zero_grad()
        loss, penalties = loss_of()
        (loss + penalties).backward()
        nn.utils.clip_grad_norm_(over, 5.0)
        optimizer.step()
        return loss.detach()
    return run


class RegularisedBiLM(BiLM):
    """With the regularisers of AWD-LSTM: masks while it is in training, penalties always."""

    def __init__(self, sizes: Sizes, rates: Mapping[str, float]):
        super().__init__(sizes)
        self.rates = rates
        self.one_layer = nn.LSTM(sizes.E, sizes.H)      # H = E; its weights are replaced at each call

    def losses(self, x: Tensor, after: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of both directions, and their penalties."""
        forward = self.direction(self.forward_lstm, self.forward_out, x, after)
        backward = self.direction(self.backward_lstm, self.backward_out, x.flip(0), before.flip(0))
        return forward[0] + backward[0], forward[1] + backward[1]

    def direction(self, layers: nn.LSTM, out: nn.Linear, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        h = F.embedding(x, self.embedding.weight * self.mask(len(self.embedding.weight), 1, rate="embedding_dropout"))
        for k in range(layers.num_layers):
            h = h * self.mask(*h[:1].shape, rate="dropout" if k else "input_dropout")
            weights = {f"{name}_l0": getattr(layers, f"{name}_l{k}")
                       for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            dropped = F.dropout(weights["weight_hh_l0"], self.rates["weight_drop"], self.training)
            h, _ = functional_call(self.one_layer, {**weights, "weight_hh_l0": dropped}, (h,))
        top = h * self.mask(*h[:1].shape, rate="output_dropout")
        penalty = self.rates["ar"] * top.square().mean() + self.rates["tar"] * (h[1:] - h[:-1]).square().mean()
        return F.cross_entropy(out(top).flatten(0, 1), y.flatten()), penalty

    def mask(self, *shape: int, rate: str) -> Tensor:
        return F.dropout(torch.ones(shape), self.rates[rate], self.training)


def regularised(work: Work, arrays: Mapping[str, Array]) -> Job:
    model = RegularisedBiLM(work.sizes, REGULARISERS)
    model.one_layer.requires_grad_(False)
    put_model(model, arrays)
    batch = [tensor(arrays[name]) for name in ("x", "after", "before")]
    run = trained(model, lambda: model.losses(*batch), DECAY)

    def figures() -> list[float]:
        model.eval()
        found = [run().item() for _ in range(3)]
        model.train()
        return found
    return Job(run, figures)


def compiled(loss_of: Callable[..., Tensor], batch: list[Tensor]) -> Callable[..., Tensor]:
    """The same, compiled for this batch. Raises Skipped where that does not work, as without a C++ compiler."""
    made: Callable[..., Tensor] = torch.compile(loss_of)
    try:
        made(*batch).backward()
    except Exception as error:      # of many kinds, none of them public
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Skipped(f"torch.compile does not work here: {reason}") from error
    return made


def lstm(work: Work, arrays: Mapping[str, Array]) -> Job:
    model = stack(work.sizes)
    put_lstm(model, arrays, "")
    inputs = tensor(arrays["inputs"]).requires_grad_()

    def run() -> Tensor:
        model.zero_grad()
        inputs.grad = None
        y, _ = model(inputs)
        y.sum().backward()
        return y

    def figures() -> list[float]:
        y = run()
        gates = [f"{name}_l{k}" for k in range(work.sizes.L)
                 for name in ("weight_ih", "weight_hh", "bias_ih", *(["weight_hr"] if work.sizes.P else []))]
        return norms(y, inputs.grad, *(getattr(model, name).grad for name in gates))
    return Job(run, figures)


def softmax(work: Work, arrays: Mapping[str, Array]) -> Job:
    sizes = work.sizes
    out = nn.Linear(sizes.output, sizes.V)
    put(out.weight, arrays["W"])
    put(out.bias, arrays["b"])
    h, y = tensor(arrays["h"]).requires_grad_(), tensor(arrays["y"])

    def run() -> Tensor:
        out.zero_grad()
        h.grad = None
        loss = F.cross_entropy(out(h).view(-1, sizes.V), y.view(-1))
        loss.backward()
        return loss.detach()

    def figures() -> list[float]:
        return [run().item(), *norms(h.grad, out.weight.grad, out.bias.grad)]
    return Job(run, figures)


def product(work: Work, arrays: Mapping[str, Array]) -> Job:
    a, b = torch.randn(PRODUCT, PRODUCT), torch.randn(PRODUCT, PRODUCT)
    c = torch.empty_like(a)
    return Job(lambda: torch.mm(a, b, out=c), list)


def put_model(model: BiLM, arrays: Mapping[str, Array]) -> None:
    put(model.embedding.weight, arrays["forward_lm.embedding.E"])
    for direction in "forward", "backward":
        put_lstm(getattr(model, f"{direction}_lstm"), arrays, f"{direction}_lm.")
        out = getattr(model, f"{direction}_out")
        put(out.weight, arrays[f"{direction}_lm.softmax.W"])
        put(out.bias, arrays[f"{direction}_lm.softmax.b"])


def put_lstm(model: nn.LSTM, arrays: Mapping[str, Array], prefix: str) -> None:
    """elmo_np's gates are i f o g and its matrices are (inputs, outputs); PyTorch's are i f g o, and transposed."""
    def gates(array: Array) -> Array:
        i, f, o, g = np.split(array, 4, axis=-1)
        return np.concatenate([i, f, g, o], axis=-1).T

    for k in range(model.num_layers):
        layer = f"{prefix}layers.{k}."
        put(getattr(model, f"weight_ih_l{k}"), gates(arrays[layer + "Wx"]))
        put(getattr(model, f"weight_hh_l{k}"), gates(arrays[layer + "Wh"]))
        put(getattr(model, f"bias_ih_l{k}"), gates(arrays[layer + "b"]))
        if model.proj_size:
            put(getattr(model, f"weight_hr_l{k}"), arrays[layer + "Wp"].T)


def put(parameter: Tensor, array: Array) -> None:
    with torch.no_grad():
        parameter.copy_(tensor(array))


def tensor(array: Array) -> Tensor:
    """A tensor with its own memory: arrays of a file are freed, and PyTorch refuses the strides of a reversed one."""
    return torch.from_numpy(array.copy())


def norms(*tensors: Tensor | None) -> list[float]:
    return [float(t.detach().double().norm()) for t in tensors if t is not None]
