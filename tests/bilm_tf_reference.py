"""Published weights once more: files with random numbers, and a pass that follows the format one step at a time.

It knows nothing of elmo_np: names, layouts and the order of gates are those of the file.
"""

import json

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")


def options(**changes):
    """An options file as a table; changes by dotted key, None leaves a key out."""
    table = {"lstm": {"dim": 7, "projection_dim": 5, "n_layers": 2, "use_skip_connections": True, "cell_clip": 0.5,
                      "proj_clip": 0.4},
             "char_cnn": {"embedding": {"dim": 3}, "filters": [[1, 4], [2, 3], [4, 5]], "n_highway": 2,
                          "n_characters": 262, "max_characters_per_token": 12, "activation": "relu"}}
    for key, value in changes.items():
        *path, last = key.split(".")
        place = table
        for part in path:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return table


def weights(table, V=None, rng=None, cnn_proj=True, rows=261):
    """{dataset: random numbers} for an options table; V: words by id, with a softmax if the table shares it."""
    rng, found = rng or np.random.default_rng(5), {}

    def draw(name, *shape):
        found[name] = rng.normal(size=shape).astype(np.float32)
    H, P, layers = table["lstm"]["dim"], table["lstm"]["projection_dim"], table["lstm"].get("n_layers", 1)
    if "char_cnn" in table:
        cnn = table["char_cnn"]
        F = sum(n for _, n in cnn["filters"])
        draw("char_embed", rows, cnn["embedding"]["dim"])
        for i, (w, n) in enumerate(cnn["filters"]):
            draw(f"CNN/W_cnn_{i}", 1, w, cnn["embedding"]["dim"], n)
            draw(f"CNN/b_cnn_{i}", n)
        for k in range(cnn.get("n_highway", 0)):
            for gate in "carry", "transform":
                draw(f"CNN_high_{k}/W_{gate}", F, F)
                draw(f"CNN_high_{k}/b_{gate}", F)
        if cnn_proj:
            draw("CNN_proj/W_proj", F, P)
            draw("CNN_proj/b_proj", P)
    else:
        draw("embedding", V, P)
    out = min(P, H)
    for d in 0, 1:
        for k in range(layers):
            cell = f"RNN_{d}/RNN/MultiRNNCell/Cell{k}/LSTMCell"
            draw(f"{cell}/W_0", (out if k else P) + out, 4 * H)
            draw(f"{cell}/B", 4 * H)
            if P < H:
                draw(f"{cell}/W_P_0", H, P)
    return found


def write(folder, table, arrays, **how):
    """options.json and weights.hdf5 -> their paths."""
    (folder / "options.json").write_text(json.dumps(table))
    with h5py.File(folder / "weights.hdf5", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **how)
    return folder / "options.json", folder / "weights.hdf5"


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def to_char_ids(word, K):
    """A word, or 256 or 257 for a mark, as characters counted from 0."""
    middle = [word] if isinstance(word, int) else list(word.encode("utf-8", "ignore")[:K - 2])
    return ([258, *middle, 259] + [260] * K)[:K]


def word_vector(table, w, word):
    """The vector of a word from its characters, at every place of all of them."""
    cnn, found = table["char_cnn"], []
    squashed = np.tanh if cnn["activation"] == "tanh" else lambda m: np.maximum(m, 0)
    x = w["char_embed"][to_char_ids(word, cnn["max_characters_per_token"])]
    for i, (width, _) in enumerate(cnn["filters"]):
        y = [np.einsum("kc,kcn->n", x[p:p + width], w[f"CNN/W_cnn_{i}"][0]) for p in range(len(x) - width + 1)]
        found.append(squashed(np.max(y, axis=0) + w[f"CNN/b_cnn_{i}"]))
    x = np.concatenate(found)
    for k in range(cnn.get("n_highway", 0)):
        carry = sigmoid(x @ w[f"CNN_high_{k}/W_carry"] + w[f"CNN_high_{k}/b_carry"])
        new = np.maximum(x @ w[f"CNN_high_{k}/W_transform"] + w[f"CNN_high_{k}/b_transform"], 0)
        x = carry * new + (1 - carry) * x
    return x @ w["CNN_proj/W_proj"] + w["CNN_proj/b_proj"] if "CNN_proj/W_proj" in w else x


def direction(table, w, d, x):
    """Outputs of every layer for the vectors of a sentence, in the order in which they are read."""
    lstm, outputs = table["lstm"], []
    for k in range(lstm.get("n_layers", 1)):
        cell = f"RNN_{d}/RNN/MultiRNNCell/Cell{k}/LSTMCell"
        W, B, projection = w[f"{cell}/W_0"], w[f"{cell}/B"], w.get(f"{cell}/W_P_0")
        c, h, y = np.zeros(lstm["dim"]), np.zeros(len(W) - len(x[0])), []
        for x_t in x:
            i, j, f, o = np.split(np.concatenate([x_t, h]) @ W + B, 4)
            c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
            if lstm.get("cell_clip"):
                c = np.clip(c, -lstm["cell_clip"], lstm["cell_clip"])
            h = sigmoid(o) * np.tanh(c)
            if projection is not None:
                h = h @ projection
                if lstm.get("proj_clip"):
                    h = np.clip(h, -lstm["proj_clip"], lstm["proj_clip"])
            y.append(h + x_t if k and lstm.get("use_skip_connections") else h)
        outputs.append(np.array(y))
        x = y
    return outputs


def layers(table, w, sentence, ids=None):
    """[layer 0, .., layer L] of a sentence from zero states, (tokens, width) each; ids: rows of `embedding`."""
    w = {name: array.astype(np.float64) for name, array in w.items()}
    if ids is not None:
        x = w["embedding"][ids]
    else:
        x = np.array([word_vector(table, w, word) for word in [256, *sentence, 257]])
    forward = direction(table, w, 0, x)
    backward = [y[::-1] for y in direction(table, w, 1, x[::-1])]
    both = [np.concatenate(pair, axis=1) for pair in zip([x, *forward], [x, *backward], strict=True)]
    return [layer[1:-1] for layer in both]


def cuts(size, count):
    """Places at which to cut a file of that size, the first and the last byte among them."""
    return [0, 1, *range(size // count, size - 1, size // count), size - 1]
