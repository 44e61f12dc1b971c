"use strict";
// Points on two canvases, one above the other. The lower one has the points and is drawn when they change; the upper
// one highlights what is pointed at, so that following the pointer costs the same for 20,000 points as for 20.

const SIGNS = [     // a shape per sense in addition to its colour, of equal areas: (pen, x, y, r)
  (p, x, y, r) => p.arc(x, y, r * 0.9, 0, 2 * Math.PI),
  (p, x, y, r) => polygon(p, x, y, r * 1.15, 3, -90),
  (p, x, y, r) => polygon(p, x, y, r * 1.12, 4, 45),
  (p, x, y, r) => polygon(p, x, y, r * 1.1, 4, 0),
  (p, x, y, r) => polygon(p, x, y, r * 1.15, 3, 90),
  (p, x, y, r) => polygon(p, x, y, r * 1.0, 6, 0),
];

function polygon(pen, x, y, r, corners, turn) {
  for (let k = 0; k < corners; k++) {
    const angle = (turn + 360 * k / corners) * Math.PI / 180;
    pen[k ? "lineTo" : "moveTo"](x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  pen.closePath();
}

// The colour and shape of a sense: six of each, paired differently after every six.
const colourOf = (kind) => kind % 6;
const signOf = (kind) => (kind + Math.floor(kind / 6)) % 6;

class Scatter {
  static REACH = 22;        // pixels from the pointer within which a point is found; also the cell of the grid
  static MOVE = 700;        // milliseconds that points take to move to another layer

  // colours: () => those of the current theme, {senses: six times [r, g, b], paper: [r, g, b], ink: a CSS colour};
  // hover, pick: called with the index of a point, or -1
  constructor(below, above, colours, hover, pick) {
    Object.assign(this, {below, above, colours, hover, pick});
    this.count = 0;
    this.picked = -1;
    this.hovered = -1;
    this.linked = [];
    this.look = {zoom: 1, x: 0, y: 0};
    this.listen();
    new ResizeObserver(() => this.resize()).observe(above);
  }

  // points: Int16Array, x and y in turn; kinds: the sense of each point; glide: animate the move from the last layer.
  show(points, kinds, glide) {
    const before = glide && this.xy?.length === points.length ? this.xy.slice() : null;
    Object.assign(this, {points, kinds, count: kinds.length});
    if (this.faint?.length !== this.count) this.faint = new Uint8Array(this.count);
    this.radius = this.count > 5000 ? 2.2 : this.count > 1000 ? 3.2 : 4.5;
    if (!before) this.look = {zoom: 1, x: 0, y: 0};
    this.place();
    cancelAnimationFrame(this.frame);
    if (before && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.glide(before, this.xy.slice());
    else this.settle();
  }

  // Points with faint[i] set are drawn faintly and cannot be selected.
  filter(faint) {
    this.faint = faint;
    this.settle();
  }

  mark(picked, linked = []) {
    Object.assign(this, {picked, linked});
    this.drawMarks();
  }

  resize() {
    const scale = devicePixelRatio || 1;
    this.width = this.above.clientWidth;
    this.height = this.above.clientHeight;
    for (const canvas of [this.below, this.above]) {
      canvas.width = Math.round(this.width * scale);
      canvas.height = Math.round(this.height * scale);
      canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }
    if (!this.count) return;
    cancelAnimationFrame(this.frame);
    this.place();
    this.settle();
  }

  // Where the points are on the screen: both axes have the same scale, the outermost points are at the edge.
  place() {
    const [left, right] = this.extent(0), [low, high] = this.extent(1);
    const fit = Math.min((this.width - 36) / Math.max(1, right - left), (this.height - 36) / Math.max(1, high - low)) *
      this.look.zoom;
    this.xy = new Float32Array(this.points.length);
    for (let i = 0; i < this.xy.length; i += 2) {
      this.xy[i] = this.width / 2 + (this.points[i] - (left + right) / 2) * fit + this.look.x;
      this.xy[i + 1] = this.height / 2 - (this.points[i + 1] - (low + high) / 2) * fit + this.look.y;
    }
  }

  extent(axis) {
    let least = Infinity, most = -Infinity;
    for (let i = axis; i < this.points.length; i += 2) {
      least = Math.min(least, this.points[i]);
      most = Math.max(most, this.points[i]);
    }
    return [least, most];
  }

  glide(from, to) {
    const start = performance.now();
    this.xy = from.slice();
    this.draw();
    const step = (now) => {
      const t = Math.min(1, (now - start) / Scatter.MOVE), s = t * t * (3 - 2 * t);
      for (let i = 0; i < to.length; i++) this.xy[i] = from[i] + s * (to[i] - from[i]);
      this.draw();
      this.drawMarks();
      if (t < 1) this.frame = requestAnimationFrame(step);
      else this.settle();
    };
    this.frame = requestAnimationFrame(step);
  }

  // The points no longer move: draw them, and sort them into the grid in which the pointer looks them up.
  settle() {
    if (!this.width) return;
    this.columns = Math.ceil(this.width / Scatter.REACH);
    this.first = new Int32Array(this.columns * Math.ceil(this.height / Scatter.REACH)).fill(-1);
    this.next = new Int32Array(this.count);
    for (let i = this.count - 1; i >= 0; i--) {
      const x = this.xy[2 * i], y = this.xy[2 * i + 1];
      if (this.faint[i] || x < 0 || y < 0 || x >= this.width || y >= this.height) continue;
      const cell = Math.floor(y / Scatter.REACH) * this.columns + Math.floor(x / Scatter.REACH);
      this.next[i] = this.first[cell];
      this.first[cell] = i;
    }
    this.draw();
    this.drawMarks();
  }

  // Every point is a stamp in the shape of its sense, blended into the image here: that takes a few milliseconds for
  // 20,000 points on any machine, while as many canvas calls take a hundred without a graphics card.
  draw() {
    const pen = this.below.getContext("2d"), colours = this.colours(), W = this.below.width, H = this.below.height;
    if (this.image?.width !== W || this.image.height !== H) this.image = pen.createImageData(W, H);
    const pixels = this.image.data, scale = devicePixelRatio || 1, stamps = new Map();
    const [red, green, blue] = colours.paper;
    new Uint32Array(pixels.buffer).fill(0xff000000 | blue << 16 | green << 8 | red);
    for (const faint of [1, 0]) {
      for (let i = 0; i < this.count; i++) {
        if (this.faint[i] !== faint) continue;
        const kind = this.kinds[i];
        if (!stamps.has(kind)) stamps.set(kind, this.stamp(kind, scale));
        const {half, places, alpha} = stamps.get(kind), [r, g, b] = colours.senses[colourOf(kind)];
        const x = Math.round(this.xy[2 * i] * scale), y = Math.round(this.xy[2 * i + 1] * scale);
        if (x < half || y < half || x >= W - half || y >= H - half) continue;
        const opacity = (faint ? 0.1 : 0.72) / 255;
        for (let k = 0; k < alpha.length; k++) {
          const p = 4 * ((y + places[2 * k + 1]) * W + x + places[2 * k]), a = alpha[k] * opacity;
          pixels[p] += (r - pixels[p]) * a;
          pixels[p + 1] += (g - pixels[p + 1]) * a;
          pixels[p + 2] += (b - pixels[p + 2]) * a;
        }
      }
    }
    pen.putImageData(this.image, 0, 0);
  }

  // The pixels of a shape around its centre, and how much of each it covers, out of 255.
  stamp(kind, scale) {
    const half = Math.ceil(this.radius * 1.3 * scale) + 1, side = 2 * half + 1;
    const pen = new OffscreenCanvas(side, side).getContext("2d"), places = [], alpha = [];
    pen.beginPath();
    SIGNS[signOf(kind)](pen, half + 0.5, half + 0.5, this.radius * scale);
    pen.fill();
    for (const [k, value] of pen.getImageData(0, 0, side, side).data.entries()) {
      if (k % 4 !== 3 || !value) continue;
      places.push((k - 3) / 4 % side - half, Math.floor(k / 4 / side) - half);
      alpha.push(value);
    }
    return {half, places: Int32Array.from(places), alpha: Float32Array.from(alpha)};
  }

  // Rings around the points that are selected and pointed at, and a line to each neighbour.
  drawMarks() {
    const pen = this.above.getContext("2d"), colours = this.colours();
    pen.clearRect(0, 0, this.width, this.height);
    const at = (i) => [this.xy[2 * i], this.xy[2 * i + 1]];
    const ring = (i, r, width) => {
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(...at(i), r, 0, 2 * Math.PI);
      pen.stroke();
    };
    pen.strokeStyle = colours.ink;
    if (this.picked >= 0) {
      pen.globalAlpha = 0.6;
      pen.lineWidth = 1;
      pen.beginPath();
      for (const i of this.linked) {
        pen.moveTo(...at(this.picked));
        pen.lineTo(...at(i));
      }
      pen.stroke();
      for (const i of this.linked) ring(i, this.radius + 2, 1.2);
      pen.globalAlpha = 1;
      ring(this.picked, this.radius + 4, 2.2);
    }
    if (this.hovered >= 0) ring(this.hovered, this.radius + 3, 1.5);
  }

  // The point nearest to a position on the screen, or -1: only cells within REACH are searched.
  find(x, y) {
    if (!this.first || x < 0 || y < 0 || x >= this.width || y >= this.height) return -1;
    let found = -1, least = Scatter.REACH ** 2;
    const row = Math.floor(y / Scatter.REACH), column = Math.floor(x / Scatter.REACH);
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        if (c < 0 || c >= this.columns) continue;
        for (let i = this.first[r * this.columns + c] ?? -1; i >= 0; i = this.next[i]) {
          const distance = (this.xy[2 * i] - x) ** 2 + (this.xy[2 * i + 1] - y) ** 2;
          if (distance < least) [found, least] = [i, distance];
        }
      }
    }
    return found;
  }

  // The next point from the selected one in a direction: near, and not far off the straight line.
  toward(dx, dy) {
    const start = this.picked >= 0 && !this.faint[this.picked] ? this.picked : -1;
    const [x, y] = start < 0 ? [this.width / 2, this.height / 2] : [this.xy[2 * start], this.xy[2 * start + 1]];
    let found = -1, least = Infinity;
    for (let i = 0; i < this.count; i++) {
      if (i === start || this.faint[i]) continue;
      const along = (this.xy[2 * i] - x) * dx + (this.xy[2 * i + 1] - y) * dy;
      const aside = Math.abs((this.xy[2 * i] - x) * dy) + Math.abs((this.xy[2 * i + 1] - y) * dx);
      if (start >= 0 && (along <= 0 || aside > 2 * along)) continue;
      const distance = start < 0 ? Math.hypot(along, aside) : along + 2 * aside;
      if (distance < least) [found, least] = [i, distance];
    }
    return found;
  }

  // by: a factor, or 0 to show all. The selected point, or else the centre, stays in the centre.
  zoom(by) {
    const {zoom, x, y} = this.look;
    const next = by ? Math.min(64, Math.max(1, zoom * by)) : 1;
    let [cx, cy] = [this.width / 2, this.height / 2];
    if (this.picked >= 0 && by > 1) [cx, cy] = [this.xy[2 * this.picked], this.xy[2 * this.picked + 1]];
    const grow = next / zoom;
    this.look = next === 1 ? {zoom: 1, x: 0, y: 0} :
      {zoom: next, x: (x + this.width / 2 - cx) * grow, y: (y + this.height / 2 - cy) * grow};
    this.moved();
  }

  moved() {
    this.above.style.touchAction = this.look.zoom > 1 ? "none" : "";    // dragging pans once there is something to pan
    cancelAnimationFrame(this.frame);
    this.point(-1);
    this.place();
    this.settle();
  }

  point(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.drawMarks();
    this.hover(i);
  }

  // Select a point and point at it as well: neither a finger nor a key hovers.
  choose(i) {
    this.pick(i);
    this.point(i);
  }

  listen() {
    let drag = null, panned = false;
    const place = (event) => {
      const box = this.above.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.above.addEventListener("pointerdown", (event) => {
      drag = {x: event.clientX, y: event.clientY, look: {...this.look}};
      panned = false;
    });
    this.above.addEventListener("pointermove", (event) => {
      if (drag && event.buttons && this.look.zoom > 1) {
        const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
        if (panned || Math.hypot(dx, dy) > 5) {
          if (!panned) this.above.setPointerCapture(event.pointerId);
          panned = true;
          this.look = {...drag.look, x: drag.look.x + dx, y: drag.look.y + dy};
          this.moved();
          return;
        }
      }
      if (event.pointerType !== "touch") this.point(this.find(...place(event)));
    });
    for (const end of ["pointerup", "pointercancel"]) this.above.addEventListener(end, () => { drag = null; });
    this.above.addEventListener("pointerleave", () => this.point(-1));
    this.above.addEventListener("click", (event) => {
      if (!panned) this.choose(this.find(...place(event)));
    });
    this.above.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in arrows) {
      const found = this.toward(...arrows[event.key]);
      if (found >= 0) this.choose(found);
    } else if (event.key === "Escape") this.choose(-1);
    else if (event.key === "+" || event.key === "=") this.zoom(2);
    else if (event.key === "-" || event.key === "_") this.zoom(0.5);
    else if (event.key === "0") this.zoom(0);
    else return;
    event.preventDefault();
  }
}
