"""ELMo in one file: the whole model in NumPy, to be read from top to bottom.

Two LSTM language models read each sentence, one from left to right and one from right to left, and each learns to
predict its next word. The vector of a word is made from both states at its position. So it depends on the sentence, and
two senses of a word get different vectors. `python tutorials/elmo.py` shows it after some ten seconds of training.

A tag at the end of a line, such as (L3), names the equation that the line computes; tutorials/equations.md derives its
gradient. dX is the gradient of the loss with respect to X. There are T words in a sentence, or T steps, B sentences in
a batch, V words in the vocabulary, D values in the vector by which an LSTM reads a word, and H cells.

A test finds the same losses, gradients, updates and vectors in the package elmo_np, which adds what real texts need:
unequal lengths, more layers, clips and projections, characters, large vocabularies, compiled loops. Tutorials 02 to 08
explain each part slowly: softmax, the LSTM, its gradient, gradient checks, two directions, training, the vector.
"""

import numpy as np

# ------------------------------------------------ the text; of "bank/river" the model sees only the word bank
SENSES = {
    "bank/money": {"WHO": "clerk merchant customer", "THING": "office cheque safe", "HOW": "rich honest"},
    "bank/river": {"WHO": "angler swimmer sailor", "THING": "water bridge boat", "HOW": "steep muddy"},
    "bat/sport": {"WHO": "player captain coach", "THING": "ball goal crowd", "HOW": "wooden heavy"},
    "bat/animal": {"WHO": "ranger farmer hunter", "THING": "cave barn moth", "HOW": "hungry blind"},
}
COMMON = {"SAW": "saw found liked remembered", "NAME": "anna peter lucy tom", "NEAR": "near behind"}
PATTERNS = [
    "the WHO SAW the NOUN NEAR the THING .", "NAME and the WHO SAW a HOW NOUN .", "the NOUN NEAR the THING was HOW .",
    "NAME SAW the NOUN NEAR the THING .", "NEAR the THING the WHO SAW the NOUN .", "a NOUN that the WHO SAW was HOW .",
]


def write_sentence(rng):
    """A sentence, drawn at random, and the sense of the word with two senses in it."""
    sense = str(rng.choice(list(SENSES)))
    lists = {**COMMON, **SENSES[sense], "NOUN": sense.split("/")[0]}
    pattern = rng.choice(PATTERNS).split()
    return " ".join(rng.choice(lists.get(part, part).split()) for part in pattern), sense


# ------------------------------------------------ vocabulary and batches
def build_vocabulary(sentences):
    """{word: id}, the special tokens first."""
    words = sorted(set(" ".join(sentences).split()))
    return {word: id for id, word in enumerate(["<S>", "</S>", "<UNK>", *words])}


def encode(sentence, ids):
    """The ids of a sentence between its special tokens: w_0 = <S>, w_1 .. w_T, w_{T+1} = </S>."""
    return [ids["<S>"], *(ids.get(word, ids["<UNK>"]) for word in sentence.split()), ids["</S>"]]


def batches(encoded, B, rng):
    """Arrays (T+2, B), one sentence per column, in random order: up to B sentences of the same length T."""
    by_length = {}
    for k in rng.permutation(len(encoded)):
        by_length.setdefault(len(encoded[k]), []).append(encoded[k])
    found = [np.array(same[k:k+B]).T for same in by_length.values() for k in range(0, len(same), B)]
    return [found[k] for k in rng.permutation(len(found))]


# ------------------------------------------------ the LSTM and back-propagation through time
def lstm_forward(x, lm):
    """x (T, B, D) -> h (T, B, H), where h[t] has read x[0] to x[t]; what backward needs."""
    T, B, _ = x.shape
    H = len(lm["Wh"])
    h = np.zeros((T + 1, B, H))                     # h[0], c[0]: the state before the first word; h[t+1]: after word t
    c = np.zeros((T + 1, B, H))
    gates = np.zeros((T, 4, B, H))
    for t in range(T):
        a = x[t] @ lm["Wx"] + h[t] @ lm["Wh"] + lm["b"]             # (L1)
        a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)
        i = 1 / (1 + np.exp(-a_i))                  # (L2) how much to write
        f = 1 / (1 + np.exp(-a_f))                  # (L2) how much to keep
        o = 1 / (1 + np.exp(-a_o))                  # (L2) how much to show
        g = np.tanh(a_g)                            # (L2) what to write
        c[t+1] = f * c[t] + i * g                   # (L3)
        h[t+1] = o * np.tanh(c[t+1])                # (L5)
        gates[t] = i, f, o, g
    return h[1:], (x, h, c, gates)


def lstm_backward(dy, cache, lm):
    """dy (T, B, H), the gradient of h as the softmax sees it -> the gradients of x, Wx, Wh and b."""
    x, h, c, gates = cache
    dx = np.zeros_like(x)
    dWx = np.zeros_like(lm["Wx"])
    dWh = np.zeros_like(lm["Wh"])
    db = np.zeros_like(lm["b"])
    dh = np.zeros_like(h[0])                        # what comes back from the step after t into h and c:
    dc = np.zeros_like(c[0])                        # nothing at the last step
    for t in reversed(range(len(x))):
        i, f, o, g = gates[t]
        tanh_c = np.tanh(c[t+1])
        dh = dy[t] + dh                             # (L6) two paths from h: the softmax at step t, and step t+1
        do = dh * tanh_c                            # (L5)
        dc = dc + dh * o * (1 - tanh_c**2)          # (L5) two paths from c: step t+1, and the output of step t
        di = dc * g                                 # (L3)
        df = dc * c[t]                              # (L3)
        dg = dc * i                                 # (L3)
        da = np.hstack([di * i*(1-i), df * f*(1-f), do * o*(1-o), dg * (1-g**2)])   # (L2)
        dWx += x[t].T @ da                          # (L1) the weights are used at every step: T paths
        dWh += h[t].T @ da                          # (L1)
        db += da.sum(axis=0)                        # (L1)
        dx[t] = da @ lm["Wx"].T                     # (L1)
        dh = da @ lm["Wh"].T                        # (L1) on to step t-1
        dc = dc * f                                 # (L3) on to step t-1
    return dx, dWx, dWh, db


# ------------------------------------------------ softmax and loss
def softmax_forward(h, y, W, b):
    """h (N, H), the next words y (N,), W (V, H), b (V,) -> mean loss in nats per word, probabilities p (N, V)."""
    z = h @ W.T + b                                 # (S1)
    z = z - z.max(axis=1, keepdims=True)            # the same p, and no exp can overflow
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))        # (S2)
    loss = -log_p[np.arange(len(y)), y].mean()      # (S3)
    return loss, np.exp(log_p)


def softmax_backward(h, y, W, p):
    """-> the gradients of h, W and b."""
    dz = p.copy()                                   # (S2) the prediction ...
    dz[np.arange(len(y)), y] -= 1                   # (S2) ... minus the truth
    dz = dz / len(y)                                # (S3)
    return dz @ W, dz.T @ h, dz.sum(axis=0)         # (S1)


# ------------------------------------------------ a language model of one direction
def new_language_model(V, D, H, rng):
    """Its arrays by name. Ws and bs are the W and b of the softmax."""
    return {
        "E": rng.uniform(-0.1, 0.1, (V, D)),
        "Wx": rng.uniform(-1, 1, (D, 4*H)) * np.sqrt(6 / (D + 4*H)),
        "Wh": rng.uniform(-1, 1, (H, 4*H)) * np.sqrt(6 / (H + 4*H)),
        "b": np.repeat([0.0, 1.0, 0.0, 0.0], H),    # i, f, o, g: the forget gates begin more open than shut
        "Ws": rng.normal(size=(V, H)) / np.sqrt(H),
        "bs": np.zeros(V),
    }


def loss_and_gradients(lm, words):
    """words (T+1, B): each predicts the next one -> the mean loss, and the gradient of every array of lm by name."""
    read = words[:-1]
    y = words[1:].reshape(-1)
    x = lm["E"][read]                               # (E1)
    h, cache = lstm_forward(x, lm)
    h_rows = h.reshape(len(y), -1)
    loss, p = softmax_forward(h_rows, y, lm["Ws"], lm["bs"])
    dh_rows, dWs, dbs = softmax_backward(h_rows, y, lm["Ws"], p)
    dx, dWx, dWh, db = lstm_backward(dh_rows.reshape(h.shape), cache, lm)
    dE = np.zeros_like(lm["E"])
    np.add.at(dE, read, dx)                         # (E1) a word that is read twice has two paths
    return loss, {"E": dE, "Wx": dWx, "Wh": dWh, "b": db, "Ws": dWs, "bs": dbs}


def gradient_errors(lm, words):
    """{name: largest error of the gradient}, compared with the slope of the loss found by moving each element."""
    _, gradients = loss_and_gradients(lm, words)
    errors = {}
    for name, w in lm.items():
        slopes = np.zeros_like(w)
        for k in np.ndindex(w.shape):
            kept = w[k]
            w[k] = kept + 1e-5
            up, _ = loss_and_gradients(lm, words)
            w[k] = kept - 1e-5
            down, _ = loss_and_gradients(lm, words)
            w[k] = kept
            slopes[k] = (up - down) / 2e-5
        errors[name] = np.abs(gradients[name] - slopes).max() / np.abs(slopes).max()
    return errors


# ------------------------------------------------ training
def update(lm, gradients, velocity, rate, momentum=0.9):
    """One step of SGD with Nesterov momentum, in place; the velocity starts empty, which counts as zero."""
    for name, w in lm.items():
        step = rate * gradients[name]
        velocity[name] = momentum * velocity.get(name, 0) - step    # (O2)
        w += momentum * velocity[name] - step       # (O4)


def perplexity(lm, found):
    losses = [loss_and_gradients(lm, words)[0] for words in found]
    return np.exp(np.average(losses, weights=[words[1:].size for words in found]))  # (P1)


def train(fwd, bwd, encoded, held_out, rng, epochs, rate=0.5):
    """Minimises (B3), a sum of two losses that share no array: each model descends on its own."""
    velocity_f = {}
    velocity_b = {}
    for epoch in range(1, epochs + 1):
        for words in batches(encoded, 32, rng):
            _, gradients_f = loss_and_gradients(fwd, words)         # (B1)
            _, gradients_b = loss_and_gradients(bwd, words[::-1])   # (B2) the same, with the sentences reversed
            update(fwd, gradients_f, velocity_f, rate)
            update(bwd, gradients_b, velocity_b, rate)
        forward = perplexity(fwd, batches(held_out, 32, rng))
        backward = perplexity(bwd, [words[::-1] for words in batches(held_out, 32, rng)])
        print(f"epoch {epoch:2}: perplexity of held-out sentences {forward:5.2f} forward, {backward:5.2f} backward")


# ------------------------------------------------ ELMo: the vector of a word in its sentence
def vector(word, sentence, ids, fwd, bwd, W, b):
    """ELMo(x_t, S): a word of a sentence, W (width, 2H), b (width,) -> v_t (width,)."""
    words = np.array([encode(sentence, ids)]).T     # (T+2, 1)
    t = 1 + sentence.split().index(word)
    h_forward, _ = lstm_forward(fwd["E"][words], fwd)
    h_backward, _ = lstm_forward(bwd["E"][words[::-1]], bwd)
    h_bi = np.concatenate([h_forward[t, 0], h_backward[::-1][t, 0]])    # (V1) reversed back: both have just read word t
    return W @ h_bi + b                             # (V2)


def show_senses(word, sentences, senses, v):
    """v (N, width): the vectors of a word in N sentences. For one sentence of each sense, print the three nearest."""
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)                    # an occurrence is not its own neighbour
    nearest = np.argsort(-cosine, axis=1)
    right = np.mean(senses[nearest[:, 0]] == senses)
    print(f"\n{word}: the nearest other occurrence has the same sense in {right:.0%} of {len(v)} held-out sentences")
    for sense in np.unique(senses):
        k = np.argmax(senses == sense)
        print(f"  {senses[k]:12} {sentences[k]}")
        for other in nearest[k, :3]:
            print(f"    {senses[other]:12} {sentences[other]}")


def main(number=4000, epochs=15, H=32):
    rng = np.random.default_rng(0)
    errors = gradient_errors(new_language_model(V=7, D=3, H=4, rng=rng), rng.integers(7, size=(6, 2)))
    print("relative errors of the gradients:", *(f"d{name} {error:.0e}" for name, error in errors.items()))
    text = dict(write_sentence(rng) for _ in range(number))         # {sentence: sense}, each sentence once
    ids = build_vocabulary(text)
    encoded = [encode(sentence, ids) for sentence in text]
    cut = len(text) // 5
    fwd = new_language_model(len(ids), H, H, rng)
    bwd = new_language_model(len(ids), H, H, rng)
    train(fwd, bwd, encoded[cut:], encoded[:cut], rng, epochs)
    W = np.eye(2*H)                                 # a task that uses the vectors would train W and b (tutorial 08)
    b = np.zeros(2*H)
    for word in "bank", "bat":
        sentences = [sentence for sentence in list(text)[:cut] if word in sentence.split()]
        senses = np.array([text[sentence] for sentence in sentences])
        v = np.array([vector(word, sentence, ids, fwd, bwd, W, b) for sentence in sentences])
        show_senses(word, sentences, senses, v)


if __name__ == "__main__":
    main()
