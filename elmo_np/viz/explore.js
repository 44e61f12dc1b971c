"use strict";
// What is selected (word, layer, occurrence, filter), and all that shows it. Text becomes text nodes, never HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const id = (name) => document.getElementById(name);
const whole = new Intl.NumberFormat("en");
const NONE = 65535, ROUNDED = 10000;      // as in explore.py
const TIP = 15;                           // words on each side in the tooltip: more would cover the plot
const ROWS = 200;                         // of the list at a time
const sentences = data.sentences.map((text) => text.split(" "));
const lower = data.sentences.map((text) => text.toLowerCase());
const now = {word: null, layer: data.layers.length - 1, picked: -1, rows: ROWS};

const element = (tag, {text, ...attributes} = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...(text === undefined ? [] : [text]), ...children);
  return made;
};

const numbers = (base64, Kind) => new Kind(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);

// The arrays of a word, decoded when it is first selected.
const unpacked = new Map();
const open = (word) => {
  if (!unpacked.has(word)) {
    unpacked.set(word, {
      ...word,
      sentence: numbers(word.sentence, Uint32Array), position: numbers(word.position, Uint32Array),
      sense: numbers(word.sense, Uint16Array), layers: word.layers.map((layer) => ({
        share: layer.share, points: numbers(layer.points, Int16Array),
        near: layer.near === undefined ? null : numbers(layer.near, Uint16Array),
        similarity: layer.near === undefined ? null : numbers(layer.similarity, Int16Array),
      })),
    });
  }
  return unpacked.get(word);
};

const layer = () => now.word.layers[now.layer];
const kind = (i) => Math.max(0, now.word.sense[i] - 1);
const senseName = (i) => now.word.senses[now.word.sense[i] - 1] ?? "";

// The K nearest occurrences to one, nearest first: [index, cosine].
const nearest = (i) => {
  if (!layer().near) return [];
  const K = layer().near.length / now.word.sentence.length, found = [];
  for (let k = i * K; k < (i + 1) * K && layer().near[k] !== NONE; k++)
    found.push([layer().near[k], layer().similarity[k] / ROUNDED]);
  return found;
};

const colours = () => {
  const probe = element("span"), resolved = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  probe.style.forcedColorAdjust = "none";       // high contrast would make all of them one colour
  document.body.append(probe);
  const parts = (name) => resolved(name).match(/[\d.]+/g).slice(0, 3).map(Number);
  const senses = [0, 1, 2, 3, 4, 5].map((k) => parts(`--sense-${k}`));
  const found = {ink: resolved("--ink"), paper: parts("--tint"), senses};
  probe.remove();
  return found;
};
let palette = colours();

const scatter = new Scatter(id("points"), id("marks"), () => palette, tip, pick);

// The parts of the page

// The sentence, or as many words on each side of the word; … for those left out.
const inSentence = (i, context = Infinity) => {
  const words = sentences[now.word.sentence[i]], t = now.word.position[i];
  const start = Math.max(0, t - context), end = Math.min(words.length, t + 1 + context);
  const left = [...(start ? ["…"] : []), ...words.slice(start, t)];
  const right = [...words.slice(t + 1, end), ...(end < words.length ? ["…"] : [])];
  return [left.join(" ") + (left.length ? " " : ""), element("mark", {text: words[t]}),
    (right.length ? " " : "") + right.join(" ")];
};

const inLine = (i) => {
  const words = sentences[now.word.sentence[i]], t = now.word.position[i];
  return element("span", {class: "line", dir: "auto"},
    element("span", {}, element("span", {text: words.slice(Math.max(0, t - 30), t).join(" ")})),
    element("mark", {text: words[t]}), element("span", {text: words.slice(t + 1, t + 31).join(" ")}));
};

const sign = (k) => {
  const canvas = element("canvas", {class: "sign", "aria-hidden": "true", width: 26, height: 26});
  const pen = canvas.getContext("2d");
  pen.fillStyle = `rgb(${palette.senses[colourOf(k)]})`;
  pen.beginPath();
  SIGNS[signOf(k)](pen, 13, 13, 11);
  pen.fill();
  return canvas;
};

const row = (i, ...before) => {
  const button = element("button", {type: "button"}, ...before, now.word.senses.length ? sign(kind(i)) : "", inLine(i));
  if (senseName(i)) button.title = senseName(i);
  button.addEventListener("click", () => {
    pick(i);
    id("chosen").scrollIntoView({block: "nearest"});
    // The row of a neighbour has been replaced by its own neighbours: the keyboard continues at the first of them.
    if (!button.isConnected) id("nearest").querySelector("button")?.focus({preventScroll: true});
  });
  return element("li", {"data-occurrence": i}, button);
};

// What a change updates

function chooseWord(word) {
  now.word = open(word);
  now.picked = -1;
  id("word").textContent = `“${word.word}”`;
  const shown = now.word.sentence.length;
  id("about").textContent = shown === word.total ? `All ${whole.format(shown)} occurrences in ${data.corpus}.` :
    `${whole.format(shown)} of ${whole.format(word.total)} occurrences in ${data.corpus}, repeated sentences once.`;
  showSenses();
  showLayer(false);
  filter();
}

function showSenses() {
  id("senses").replaceChildren(...now.word.senses.map((name, k) => element("li", {}, sign(k), element("bdi", {text: name}), " ", element(
    "span", {class: "soft number", text: whole.format(now.word.sense.filter((s) => s === k + 1).length)}))));
}

function showLayer(glide) {
  const {points, share, near} = layer(), n = now.word.sentence.length, percent = (x) => `${Math.round(100 * x)}%`;
  scatter.point(-1);
  scatter.show(points, Uint16Array.from({length: n}, (_, i) => kind(i)), glide);
  const name = data.layers[now.layer], one = n === 1;
  id("stacked").hidden = near !== null || one;
  id("stacked").textContent = `all ${whole.format(n)} occurrences are at this point`;
  const what = name === "0" ? "Layer 0 is the vector of the word itself, whatever its context. " :
    name === "v_t" ? "v_t = W h + b, where h are the states of the top layer. " :
    `Layer ${name} has read the sentence ${data.read}. `;
  const drawn = near && !one ? `The axes show ${percent(share[0])} and ${percent(share[1])} of the variance. ` : "";
  id("layer-says").textContent = what + drawn + agreement();
  id("marks").setAttribute("aria-label", `${n} occurrences of ${now.word.word}, layer ${name}`);
  pick(now.picked);
}

function agreement() {
  if (now.word.grouped) return "Colours: groups of similar occurrences, each with words that are frequent near the word there.";
  if (!layer().near || now.word.senses.length < 2) return "";
  let same = 0, all = 0;
  for (let i = 0; i < now.word.sentence.length; i++) {
    const [first] = nearest(i);
    if (first === undefined || !senseName(i)) continue;
    all += 1;
    same += now.word.sense[first[0]] === now.word.sense[i];
  }
  return all ? `For ${Math.round(100 * same / all)}% of the occurrences, the nearest one has the same sense.` : "";
}

function pick(i) {
  now.picked = i;
  id("hint").hidden = i >= 0;
  id("sentence").replaceChildren(...(i < 0 ? [] : inSentence(i)));
  id("sense").replaceChildren(...(i < 0 || !senseName(i) ? [] : [sign(kind(i)), senseName(i)]));
  const near = i < 0 ? [] : nearest(i);
  id("nearest-title").hidden = i < 0;
  id("no-nearest").hidden = i < 0 || near.length > 0;
  id("no-nearest").textContent = layer().near ? "No other sentence on this page contains the word." :
    "In this layer all occurrences have the same vector, so none is nearer than another. Choose a higher layer.";
  id("nearest").replaceChildren(...near.map(([other, cosine]) =>
    row(other, element("span", {class: "similarity", text: cosine.toFixed(3)}))));
  scatter.mark(i, near.map(([other]) => other));
  for (const item of id("list").children)
    item.setAttribute("aria-current", Number(item.dataset.occurrence) === i);
}

function tip(i) {
  const box = id("tip");
  box.hidden = i < 0;
  if (i < 0) return;
  box.replaceChildren(...inSentence(i, TIP));
  const x = scatter.xy[2 * i], y = scatter.xy[2 * i + 1], right = x > scatter.width / 2;
  const left = right ? Math.max(0, x - box.offsetWidth - 12) : Math.min(x + 12, scatter.width - box.offsetWidth);
  const top = y > scatter.height / 2 ? y - box.offsetHeight - 12 : y + 14;
  box.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
}

const matches = () => {
  const wanted = id("filter").value.trim().toLowerCase();
  return Array.from(now.word.sentence, (s) => lower[s].includes(wanted));
};

function filter() {
  const found = matches(), count = found.filter(Boolean).length;
  scatter.filter(Uint8Array.from(found, (match) => (match ? 0 : 1)));
  const asked = id("filter").value.trim() !== "";
  id("matches").textContent = asked ? `${whole.format(count)} of ${whole.format(found.length)}` : "";
  now.rows = ROWS;
  list();
}

// Only as many rows as were requested, and only while the list is open: 20,000 rows would be slow.
function list() {
  if (!id("all").open) return;
  const found = matches(), all = [...found.keys()].filter((i) => found[i]);
  id("list").replaceChildren(...all.slice(0, now.rows).map((i) => row(i)));
  id("more").hidden = all.length <= now.rows;
  id("more").textContent = `Show more of ${whole.format(all.length)}`;
}

// The controls

const choices = (name, labels, chosen, change) => {
  id(name).querySelector(".choices").append(...labels.map((label, k) => {
    const input = element("input", {type: "radio", name, value: k});
    input.checked = k === chosen;
    input.addEventListener("change", () => change(k));
    return element("label", {}, input, label);
  }));
};

choices("words", data.words.map(({word}) => element("span", {text: word})), 0, (k) => chooseWord(data.words[k]));
const vector = [element("i", {text: "v"}), element("sub", {text: "t"})];       // the last layer is v_t or equals it
choices("layers", data.layers.map((name, k) => element("span", {}, ...(name === "0" ? ["0, the word alone"] :
  k < data.layers.length - 1 ? [name] : name === "v_t" ? vector : [`${name}, `, ...vector]))), now.layer, (k) => {
  now.layer = k;
  showLayer(true);
});
id("find").hidden = data.words.length <= 24;
id("find").addEventListener("input", () => {
  const wanted = id("find").value.trim().toLowerCase();
  for (const [k, label] of id("words").querySelectorAll(".choices label").entries())
    label.hidden = !data.words[k].word.toLowerCase().includes(wanted);
});
id("controls").addEventListener("submit", (event) => event.preventDefault());
id("filter").addEventListener("input", filter);
id("all").addEventListener("toggle", list);
id("more").addEventListener("click", () => {
  const first = now.rows;
  now.rows += 5 * ROWS;
  list();
  id("list").children[first]?.querySelector("button").focus();
});
for (const button of id("zoom").children)
  button.addEventListener("click", () => scatter.zoom(Number(button.dataset.by)));
document.addEventListener("theme", () => {
  palette = colours();
  showSenses();
  scatter.settle();
  pick(now.picked);
  list();
});

chooseWord(data.words[0]);
