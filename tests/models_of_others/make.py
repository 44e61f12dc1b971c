"""How the files beside this one were made, once, by the programs themselves: python make.py, in this directory.

TensorFlow 2.21 wrote bilm_tf/model.ckpt-7.*, with the variables that bilm-tf trains, Adagrad's state among them.
PyTorch 2.13 wrote torch/*.pt, state dicts and whole modules in both containers; bits.json holds what PyTorch itself
computes in float64 for the sentences of TEXT: - log2 p of each word and of <eos>, from a zero state after <eos>.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
BILM_TF, TORCH = HERE / "bilm_tf", HERE / "torch"
WORDS = ["<S>", "</S>", "<UNK>", "the", "cat", "sat", "on", "a", "mat", ".", ",", "dog", "Ångström"]
V, C, P, H, FILTERS = len(WORDS), 2, 3, 4, [[1, 2], [2, 3]]
OPTIONS = {"bidirectional": True, "dropout": 0.1, "n_tokens_vocab": V, "n_negative_samples_batch": 4,
           "char_cnn": {"activation": "relu", "embedding": {"dim": C}, "filters": FILTERS, "n_highway": 1,
                        "max_characters_per_token": 12, "n_characters": 262},
           "lstm": {"cell_clip": 3, "dim": H, "n_layers": 2, "proj_clip": 3, "projection_dim": P,
                    "use_skip_connections": True}}
TORCH_WORDS = ["<unk>", "the", "cat", "<eos>", "sat", "on", "a", "mat", ".", ",", "dog", "Ångström"]
KEPT = ("lstm_legacy_state.pt", "lstm_tied_legacy_module.pt", "lstm_module.pt", "gru_tied_state.pt")
TEXT = [["the", "cat", "sat", "on", "a", "dog"], ["\u00c5ngstr\u00f6m", "zebra", "."], ["."]]


def shapes():
    """The variables of bilm-tf."""
    F = sum(n for _, n in FILTERS)
    yield "char_embed", (261, C)
    for i, (w, n) in enumerate(FILTERS):
        yield f"CNN/W_cnn_{i}", (1, w, C, n)
        yield f"CNN/b_cnn_{i}", (n,)
    for gate in "carry", "transform":
        yield f"CNN_high_0/W_{gate}", (F, F)
        yield f"CNN_high_0/b_{gate}", (F,)
    yield "CNN_proj/W_proj", (F, P)
    yield "CNN_proj/b_proj", (P,)
    for d in 0, 1:
        for k in 0, 1:
            cell = f"RNN_{d}/rnn/multi_rnn_cell/cell_{k}/lstm_cell"
            yield f"{cell}/kernel", (2 * P, 4 * H)
            yield f"{cell}/bias", (4 * H,)
            yield f"{cell}/projection/kernel", (H, P)
    yield "softmax/W", (V, P)
    yield "softmax/b", (V,)


def checkpoint():
    import tensorflow
    tf = tensorflow.compat.v1
    tf.disable_eager_execution()
    rng, sums = np.random.default_rng(19), {}
    with tf.variable_scope("lm"):
        for name, shape in shapes():
            values = rng.normal(0, 0.5, shape).astype(np.float32)
            sums[f"lm/{name}"] = [list(shape), float(values.astype(np.float64).sum())]
            tf.get_variable(name, initializer=values)
            tf.get_variable(f"{name}/Adagrad", initializer=np.ones(shape, np.float32), trainable=False)
    tf.get_variable("global_step", initializer=np.int64(7), trainable=False)
    BILM_TF.mkdir(exist_ok=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(BILM_TF / "model.ckpt"), global_step=7, write_meta_graph=False)
    (BILM_TF / "checkpoint").unlink()           # it names this directory
    (BILM_TF / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (BILM_TF / "options.json").write_text(json.dumps(OPTIONS))
    (BILM_TF / "sums.json").write_text(json.dumps(sums))


def language_model(torch, kind, tie):
    """That of word_language_model, without what only training needs."""
    class RNNModel(torch.nn.Module):
        def __init__(self):
            super().__init__()
            cells = 5 if tie else 4
            self.drop = torch.nn.Dropout(0.2)
            self.encoder = torch.nn.Embedding(len(TORCH_WORDS), 5)
            self.rnn = getattr(torch.nn, kind)(5, cells, 2, dropout=0.2)
            self.decoder = torch.nn.Linear(cells, len(TORCH_WORDS))
            if tie:
                self.decoder.weight = self.encoder.weight
            self.rnn_type, self.nhid, self.nlayers = kind, cells, 2

        def forward(self, x):
            return self.decoder(self.rnn(self.encoder(x))[0])
    RNNModel.__module__, RNNModel.__qualname__ = "model", "RNNModel"
    sys.modules["model"] = sys.modules[__name__]
    globals()["RNNModel"] = RNNModel
    return RNNModel()


def bits(torch, net):
    """- log2 p of each word of TEXT."""
    net = net.double().eval()
    for sentence in TEXT:
        ids = [TORCH_WORDS.index(word) if word in TORCH_WORDS else 0 for word in sentence]
        end = TORCH_WORDS.index("<eos>")
        log_p = torch.log_softmax(net(torch.tensor([[end, *ids]]).T)[:, 0], -1)
        yield [-log_p[t, id].item() / math.log(2) for t, id in enumerate([*ids, end])]


def torch_files(folder, kinds=(("LSTM", False), ("LSTM", True), ("GRU", False), ("GRU", True))):
    """Every kind of file; also made anew where PyTorch is installed."""
    import torch
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    expected = {}
    for kind, tie in kinds:
        net = language_model(torch, kind, tie)
        for legacy in False, True:
            name = f"{kind.lower()}{'_tied' * tie}{'_legacy' * legacy}"
            for what, value in ("state", net.state_dict()), ("module", net):
                torch.save(value, folder / f"{name}_{what}.pt", _use_new_zipfile_serialization=not legacy)
                expected[f"{name}_{what}.pt"] = None
        found = list(bits(torch, net))
        expected = {name: found if value is None else value for name, value in expected.items()}
    (folder / "vocab.txt").write_text("\n".join(TORCH_WORDS) + "\n", encoding="utf-8")
    (folder / "bits.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    checkpoint()
    torch_files(TORCH)
    for path in TORCH.glob("*"):        # one of each kind is enough to keep
        if path.suffix == ".pt" and path.name not in KEPT:
            path.unlink()
