// The dictionary as data, and the few helpers everything else is built from. Text becomes part of
// the page only as text nodes and attributes; nothing here or elsewhere writes markup.

const data = JSON.parse(document.getElementById("dictionary").textContent);

/** Every table and source by name, with what the pages need worked out once. */
const nodes = new Map();
for (const table of data.tables) {
  nodes.set(table.name, Object.assign(table, { isSource: false, group: folderOf(table.path, "models") }));
}
for (const source of data.sources) {
  const group = source.kind === "seed" ? "seeds" : "sources" + (source.system ? "/" + source.system : "");
  nodes.set(source.name, Object.assign(source, { isSource: true, group, model: source.name, role: "source", upstream: [] }));
}
const ROLE_ORDER = { main: 0, companion: 1, rejects: 2, source: 3 };
const ROLE_WORDS = { main: "Main tables", companion: "Companions", rejects: "Rejects", source: "Sources and seeds" };

function folderOf(path, otherwise) {
  if (!path || !path.includes("/")) return otherwise;
  return path.slice(0, path.lastIndexOf("/")).replace(/^models\//, "");
}

/** Names sort by code unit, so that every browser shows the same order. */
function byName(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

function el(tag, props, ...children) {
  return dress(document.createElement(tag), props, children);
}

function svg(tag, props, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function dress(node, props, children) {
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else {
      node.setAttribute(key, value === true ? "" : value);
    }
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
}

/** A description's text, with what stands between backticks as code. */
function words(text) {
  const parts = String(text || "").split("`");
  if (parts.length % 2 === 0) parts.push("`" + parts.pop());
  return parts.map((part, i) => (i % 2 === 1 && part ? el("code", null, part) : part)).filter((part) => part !== "");
}

const grouped = new Intl.NumberFormat("en-US");

function count(value) {
  return value === null || value === undefined ? "–" : grouped.format(value);
}

/** A count with its noun; the plural is the noun and `s` unless it is given. */
function several(value, noun, plural) {
  return count(value) + " " + (value === 1 ? noun : plural || noun + "s");
}

/** Shares are rounded to tenths of a percent, but something is never said to be nothing. */
function percent(part, whole) {
  if (!whole || !part) return "0%";
  if (part === whole) return "100%";
  const tenths = Math.round((part / whole) * 1000);
  if (tenths === 0) return "< 0.1%";
  if (tenths === 1000) return "> 99.9%";
  return (tenths / 10).toFixed(1) + "%";
}

function size(bytes) {
  if (bytes === null || bytes === undefined) return null;
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return (unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)) + " " + units[unit];
}

/** An instant for reading: `2026-11-20 03:00 UTC`. What is not an instant stays as it is. */
function instant(text) {
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|\+00:00)$/.exec(text || "");
  if (!parts) return text;
  const seconds = parts[3] && parts[3] !== "00" ? ":" + parts[3] : "";
  return parts[1] + " " + parts[2] + seconds + " UTC";
}

function plainWord(text) {
  return text.replace(/_/g, " ");
}

/** A class that gives a kind its colour; kinds that the style does not know share one. */
function tint(node) {
  const kind = node && node.role === "rejects" ? "rejects" : node ? node.kind : "unknown";
  return "tint tint-" + String(kind).replace(/[^a-z_]/g, "");
}

function hashOf(table, column) {
  return "#" + encodeURIComponent(table) + (column ? "." + encodeURIComponent(column) : "");
}

function tableLink(name) {
  if (!nodes.has(name)) return el("code", null, name);
  return el("a", { href: hashOf(name), class: "name" }, name);
}

function columnLink(link) {
  const text = link.table + "." + link.column;
  if (!nodes.has(link.table)) return el("code", null, text);
  return el("a", { href: hashOf(link.table, link.column), class: "name" }, text);
}

/** How a table's checks went, worst first. */
function verdict(node) {
  const of = (test) => node.checks.filter(test).length;
  const failed = of((c) => c.status === "failed" && c.severity === "error");
  const warned = of((c) => c.status === "failed" && c.severity === "warn");
  const passed = of((c) => c.status === "passed");
  const total = node.checks.length;
  if (!total) return { tone: "none", short: "–", long: "no checks" };
  if (failed) return { tone: "bad", short: failed + " failed", long: failed + " of " + total + " failed" };
  if (warned) return { tone: "warn", short: several(warned, "warning"), long: several(warned, "warning") + ", " + passed + " of " + total + " passed" };
  if (passed === total) return { tone: "good", short: passed + " passed", long: total === 1 ? "passed" : "all " + passed + " passed" };
  return { tone: "none", short: passed ? passed + " passed" : "not run", long: passed + " of " + total + " passed" };
}

const MARKS = { good: "✓", warn: "!", bad: "✕", none: "–" };

/** A result as mark and word, so that it does not hang on colour. */
function status(tone, text) {
  return el("span", { class: "status status-" + tone }, el("span", { class: "mark", "aria-hidden": "true" }, MARKS[tone]), " " + text);
}

function toast(message) {
  const box = document.getElementById("toast");
  box.textContent = message;
  box.classList.add("on");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => box.classList.remove("on"), 1800);
}

/** Copies text; older browsers, and some for local files, only know the way over a text field. */
function copy(text, said) {
  const fallback = () => {
    const field = el("textarea", { class: "sr", "aria-hidden": "true", tabindex: "-1" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    toast(done ? said : "Copying is not allowed here");
  };
  if (navigator.clipboard && navigator.clipboard.writeText) {
    navigator.clipboard.writeText(text).then(() => toast(said), fallback);
  } else {
    fallback();
  }
}

/** One CSV cell. A spreadsheet must not take a description for a formula. */
function csvCell(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (/^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)) text = "'" + text;
  return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

const CSV_HEAD = ["table", "column", "type", "nullable", "pii", "description", "made_from", "source_columns", "null_share", "distinct", "min", "max"];

function csvOf(pages) {
  const links = (list) => (list || []).map((l) => l.table + "." + l.column).join(" ");
  const lines = [CSV_HEAD];
  for (const page of pages) {
    for (const c of page.columns) {
      const p = c.profile || {};
      const distinct = p.distinct ? (p.distinct.exact ? "" : ">") + p.distinct.count : "";
      lines.push([page.name, c.name, c.type, c.nullable, c.pii, c.description, links(c.lineage), links(c.sources), p.null_share, distinct, p.min, p.max]);
    }
  }
  return lines.map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv;charset=utf-8" }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Remembered between visits where the browser allows it. */
function remember(key, value) {
  try {
    if (value === undefined) return localStorage.getItem("marquetry-dictionary-" + key);
    localStorage.setItem("marquetry-dictionary-" + key, value);
  } catch (_) {
    // Storage may be forbidden for local files; the page works without.
  }
  return null;
}
