// Lineage as a layered picture: what the focus is made of to its left, what is made of it to its
// right. Layers by longest path, order by barycentre, heights by pulling neighbours together.

const BOX = { width: 196, height: 42, gapX: 64, gapY: 14 };
const MOST_BOXES = 44;

/**
 * Draws the lineage of `focus`. `graph` answers, for a key: `up(key)` and `down(key)` (keys),
 * `title(key)`, `sub(key)`, `href(key)` or null, `tint(key)`. Returns null where there is nothing
 * to draw.
 */
function lineagePicture(focus, graph, label) {
  let levels = 12;
  let layers = reach(focus, graph, levels);
  const whole = layers.size;
  while (layers.size > MOST_BOXES && levels > 1) {
    levels = levels > 4 ? 4 : levels - 1;
    layers = reach(focus, graph, levels);
  }
  if (layers.size < 2) return null;
  const hidden = whole - layers.size + trim(layers, focus);
  const picture = draw(focus, place(layers, graph), graph, label);
  const note = hidden > 0 ? el("p", { class: "note" }, several(hidden, "more", "more") + " further away; the lists name the neighbours.") : null;
  const scroll = el("div", { class: "lineage-scroll", tabindex: "0", role: "group", "aria-label": label }, picture);
  // Where the picture is wider than the page, the focus stands in the middle of what shows.
  requestAnimationFrame(() => {
    const here = picture.querySelector(".box-here").getBoundingClientRect();
    const view = scroll.getBoundingClientRect();
    scroll.scrollLeft += here.left + here.width / 2 - view.left - view.width / 2;
  });
  return el("figure", { class: "lineage" }, scroll, note);
}

/** Every key within `levels`, with its layer: negative upstream, positive downstream. */
function reach(focus, graph, levels) {
  const layers = new Map([[focus, 0]]);
  walk(focus, graph.up, levels, -1, layers);
  walk(focus, graph.down, levels, 1, layers);
  return layers;
}

function walk(focus, next, levels, sign, layers) {
  let frontier = [focus];
  const own = new Set([focus]);
  // A key met again further out moves there, so that every edge points one way; the bound on the
  // levels ends the walk even where a lineage should run in a circle.
  for (let level = 1; level <= levels && frontier.length; level += 1) {
    const found = new Set();
    for (const key of frontier) {
      for (const other of next(key)) {
        if (other === focus || (layers.has(other) && !own.has(other))) continue;
        own.add(other);
        layers.set(other, sign * level);
        found.add(other);
      }
    }
    frontier = [...found];
  }
}

/** Takes the last keys of overfull layers out; returns how many. */
function trim(layers, focus) {
  let taken = 0;
  const seen = new Map();
  for (const [key, layer] of [...layers]) {
    const n = (seen.get(layer) || 0) + 1;
    seen.set(layer, n);
    if (n > MOST_BOXES / 2 && key !== focus) {
      layers.delete(key);
      taken += 1;
    }
  }
  return taken;
}

/** Boxes and edges with coordinates. Edges over several layers pass through invisible boxes. */
function place(layers, graph) {
  const first = Math.min(...layers.values());
  const columns = [];
  const boxes = new Map();
  const put = (box) => {
    (columns[box.layer - first] = columns[box.layer - first] || []).push(box);
    return box;
  };
  for (const [key, layer] of layers) boxes.set(key, put({ key, layer, ins: [], outs: [], y: 0, height: BOX.height }));
  const edges = [];
  for (const [key, box] of boxes) {
    const from = new Set(graph.up(key));
    if (box.layer > 0) for (const other of boxes.keys()) if (graph.down(other).includes(key)) from.add(other);
    for (const other of from) {
      const source = boxes.get(other);
      if (!source || source.layer >= box.layer || (source.layer < 0 && box.layer > 0)) continue;
      edges.push(thread(source, box, put));
    }
  }
  order(columns);
  settle(columns);
  for (const column of columns) for (const box of column) box.x = (box.layer - first) * (BOX.width + BOX.gapX);
  return { boxes, edges, columns };
}

function thread(source, target, put) {
  const path = [source];
  for (let layer = source.layer + 1; layer < target.layer; layer += 1) {
    path.push(put({ key: null, layer, ins: [], outs: [], y: 0, height: 6 }));
  }
  path.push(target);
  for (let i = 1; i < path.length; i += 1) {
    path[i - 1].outs.push(path[i]);
    path[i].ins.push(path[i - 1]);
  }
  return path;
}

function order(columns) {
  const number = () => columns.forEach((column) => column.forEach((box, i) => (box.rank = i)));
  number();
  for (let sweep = 0; sweep < 8; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : [...columns].reverse()) {
      for (const box of column) {
        const near = forward ? box.ins : box.outs;
        box.pull = near.length ? near.reduce((sum, other) => sum + other.rank, 0) / near.length : box.rank;
      }
      column.sort((a, b) => a.pull - b.pull || a.rank - b.rank);
      column.forEach((box, i) => (box.rank = i));
    }
  }
}

function settle(columns) {
  for (const column of columns) {
    let y = 0;
    for (const box of column) {
      box.y = y;
      y += box.height + BOX.gapY;
    }
  }
  for (let round = 0; round < 12; round += 1) {
    for (const column of round % 2 ? columns : [...columns].reverse()) pullTogether(column);
  }
  const top = Math.min(...columns.flat().map((box) => box.y));
  for (const box of columns.flat()) box.y -= top;
}

function pullTogether(column) {
  const middle = (box) => box.y + box.height / 2;
  const wanted = column.map((box) => {
    const near = [...box.ins, ...box.outs];
    return near.length ? near.reduce((sum, other) => sum + middle(other), 0) / near.length - box.height / 2 : box.y;
  });
  let floor = -Infinity;
  let drift = 0;
  column.forEach((box, i) => {
    box.y = Math.max(wanted[i], floor);
    drift += wanted[i] - box.y;
    floor = box.y + box.height + BOX.gapY;
  });
  const shift = drift / column.length;
  for (const box of column) box.y += shift;
}

function draw(focus, placed, graph, label) {
  const all = placed.columns.flat();
  const width = placed.columns.length * (BOX.width + BOX.gapX) - BOX.gapX;
  const height = Math.max(...all.map((box) => box.y + box.height));
  const paths = placed.edges.map((path) => {
    const near = path[0].key === focus || path[path.length - 1].key === focus;
    return svg("path", { class: near ? "edge edge-near" : "edge", d: curve(path) });
  });
  const shapes = [...placed.boxes.values()].sort((a, b) => a.layer - b.layer || a.y - b.y).map((box) => boxShape(box, focus, graph));
  // Wide pictures shrink a little, then scroll.
  const style = "width:" + width + "px;min-width:" + Math.round(width * 0.68) + "px";
  return svg("svg", { viewBox: "-2 -2 " + (width + 4) + " " + (height + 4), style, role: "group", "aria-label": label }, svg("g", { "aria-hidden": "true" }, paths), shapes);
}

function curve(path) {
  const start = path[0];
  let x = start.x + BOX.width;
  let y = start.y + start.height / 2;
  let d = "M" + round(x) + " " + round(y);
  for (const box of path.slice(1)) {
    const toX = box.x;
    const toY = box.y + box.height / 2;
    const bend = (toX - x) / 2;
    d += "C" + [x + bend, y, toX - bend, toY, toX, toY].map(round).join(" ");
    x = toX;
    y = toY;
    if (!box.key) {
      x += BOX.width;
      d += "H" + round(x);
    }
  }
  return d;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function boxShape(box, focus, graph) {
  const here = box.key === focus;
  const title = graph.title(box.key);
  const shape = svg(
    "g",
    { class: "box " + graph.tint(box.key) + (here ? " box-here" : ""), transform: "translate(" + round(box.x) + " " + round(box.y) + ")" },
    svg("title", null, title + " (" + graph.sub(box.key) + ")"),
    svg("rect", { class: "box-back", width: BOX.width, height: BOX.height, rx: 5 }),
    svg("path", { class: "box-side", d: "M5 0h-0a5 5 0 0 0-5 5v" + (BOX.height - 10) + "a5 5 0 0 0 5 5z" }),
    svg("text", { class: "box-title", x: 15, y: 18 }, clip(title, 25)),
    svg("text", { class: "box-sub", x: 15, y: 33 }, clip(graph.sub(box.key), 31)),
  );
  const href = here ? null : graph.href(box.key);
  return href ? svg("a", { href, "aria-label": title }, shape) : shape;
}

function clip(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

const tableGraph = {
  up: (name) => (nodes.has(name) ? nodes.get(name).upstream : []),
  down: (name) => (nodes.has(name) ? nodes.get(name).downstream : []),
  title: (name) => name,
  sub: (name) => (nodes.has(name) ? kindWords(nodes.get(name)) : "not in this dictionary"),
  href: (name) => (nodes.has(name) ? hashOf(name) : null),
  tint: (name) => tint(nodes.get(name)),
};

function kindWords(node) {
  if (node.isSource) return node.kind === "seed" ? "seed" : node.system ? "source · " + node.system : "source";
  const kind = plainWord(node.kind);
  return node.role === "rejects" ? kind + " · rejects" : node.role === "companion" ? kind + " · companion" : kind;
}

// Column keys join both names by a character that no name holds.
const keyOf = (link) => link.table + "\u0000" + link.column;
const partsOf = (key) => key.split("\u0000");

const columnsByKey = new Map();
for (const node of nodes.values()) {
  for (const column of node.columns) columnsByKey.set(keyOf({ table: node.name, column: column.name }), column);
}

const columnGraph = {
  up: (key) => (columnsByKey.has(key) ? columnsByKey.get(key).lineage.map(keyOf) : []),
  down: (key) => (columnsByKey.has(key) ? columnsByKey.get(key).used_by.map(keyOf) : []),
  title: (key) => partsOf(key)[1],
  sub: (key) => partsOf(key)[0],
  href: (key) => (columnsByKey.has(key) ? hashOf(...partsOf(key)) : null),
  tint: (key) => tint(nodes.get(partsOf(key)[0])),
};
