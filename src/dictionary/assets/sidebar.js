// The tree of tables and the search above it.

const GROUPINGS = {
  folder: { label: "Folder", of: (node) => node.group },
  kind: { label: "Kind", of: (node) => (node.isSource ? (node.kind === "seed" ? "seed" : "source") : plainWord(node.kind)) },
  role: { label: "Role", of: (node) => ROLE_WORDS[node.role] },
};
const OPEN_UP_TO = 60;
let grouping = GROUPINGS[remember("group")] ? remember("group") : "folder";

function buildTree() {
  const groups = new Map();
  for (const node of nodes.values()) {
    const name = GROUPINGS[grouping].of(node);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(node);
  }
  const names = [...groups.keys()].sort((a, b) => groupRank(groups.get(a)) - groupRank(groups.get(b)) || byName(a, b));
  const tree = document.getElementById("tree");
  tree.replaceChildren(...names.map((name) => treeGroup(name, groups.get(name))), ...guideGroup());
  const buttons = Object.entries(GROUPINGS).map(([key, { label }]) =>
    el("button", { type: "button", "aria-pressed": String(key === grouping), on: { click: () => regroup(key) } }, label));
  document.getElementById("group-by").replaceChildren(...buttons);
}

/** Models before sources; by role, in the order of roles. */
function groupRank(members) {
  if (grouping === "role") return ROLE_ORDER[members[0].role];
  return members[0].isSource ? 1 : 0;
}

function regroup(key) {
  grouping = key;
  remember("group", key);
  buildTree();
  markCurrent(currentTable);
  document.querySelector("#group-by [aria-pressed=true]").focus();
}

function treeGroup(name, members) {
  members.sort((a, b) => byName(a.model, b.model) || ROLE_ORDER[a.role] - ROLE_ORDER[b.role] || byName(a.name, b.name));
  const items = members.map((node) => {
    const nested = grouping !== "role" && (node.role === "companion" || node.role === "rejects");
    const tone = verdict(node).tone;
    const flag = tone === "bad" || tone === "warn" ? el("span", { class: "flag flag-" + tone, title: verdict(node).long }, el("span", { class: "sr" }, ", " + verdict(node).long)) : null;
    return el("li", nested ? { class: "nested" } : null,
      el("a", { href: hashOf(node.name), "data-table": node.name }, el("span", { class: "dot " + tint(node), "aria-hidden": "true" }), el("span", { class: "label" }, node.name), flag));
  });
  return el("details", { open: nodes.size <= OPEN_UP_TO }, el("summary", null, el("span", null, name), el("span", { class: "many" }, count(members.length))), el("ul", null, items));
}

function guideGroup() {
  if (!guides.size) return [];
  const items = [...guides.values()].map((guide) => el("li", null, el("a", { href: "#~" + encodeURIComponent(guide.kind), "data-table": "~" + guide.kind }, el("span", { class: "dot " + tint(guide), "aria-hidden": "true" }), el("span", { class: "label" }, plainWord(guide.kind)))));
  return [el("details", { open: nodes.size <= OPEN_UP_TO }, el("summary", null, "guides", el("span", { class: "many" }, count(items.length))), el("ul", null, items))];
}

let currentTable = null;

function markCurrent(name) {
  currentTable = name;
  for (const link of document.querySelectorAll("#tree [aria-current]")) link.removeAttribute("aria-current");
  const link = [...document.querySelectorAll("#tree a")].find((a) => a.dataset.table === name);
  if (!link) return;
  link.setAttribute("aria-current", "page");
  link.closest("details").open = true;
  link.scrollIntoView({ block: "nearest" });
}

// Search: every word must occur; names count more than descriptions.

const searchIndex = [];
for (const node of nodes.values()) {
  const extra = [node.description, node.owner, kindWords(node), (node.tags || []).join(" ")].join(" ");
  searchIndex.push({ node, column: null, name: node.name.toLowerCase(), path: node.name.toLowerCase(), text: extra.toLowerCase() });
  for (const column of node.columns) {
    const path = (node.name + "." + column.name).toLowerCase();
    searchIndex.push({ node, column, name: column.name.toLowerCase(), path, text: String(column.description).toLowerCase() });
  }
}

searchIndex.sort((a, b) => byName(a.path, b.path));

const MOST_RESULTS = 60;

function find(query) {
  const tokens = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!tokens.length) return [];
  const hits = [];
  for (const entry of searchIndex) {
    let score = 0;
    for (const token of tokens) {
      const points = pointsFor(entry, token);
      if (!points) {
        score = 0;
        break;
      }
      score += points;
    }
    if (score) hits.push({ entry, score: score + (entry.column ? 0 : 5) - (entry.node.role === "rejects" ? 4 : 0) });
  }
  // A stable sort: equal scores keep the order of their names.
  hits.sort((a, b) => b.score - a.score);
  return hits.map((hit) => hit.entry);
}

function pointsFor(entry, token) {
  if (entry.name === token || entry.path === token) return 100;
  if (entry.name.startsWith(token)) return 70;
  const at = entry.name.indexOf(token);
  if (at > 0) return entry.name[at - 1] === "_" ? 55 : 40;
  if (entry.path.includes(token)) return token.includes(".") ? 60 : 15;
  if (entry.text.includes(token)) return 10;
  return 0;
}

let results = [];
let chosen = -1;

function showResults(query) {
  const searching = query.trim() !== "";
  document.getElementById("found").hidden = !searching;
  document.getElementById("browse").hidden = searching;
  const input = document.getElementById("q");
  input.setAttribute("aria-expanded", String(searching));
  const tokens = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = find(query);
  results = all.slice(0, MOST_RESULTS);
  document.getElementById("found-count").textContent = !searching ? "" : !all.length ? "Nothing is called that, and no description says it." : several(all.length, "match", "matches") + (all.length > MOST_RESULTS ? ", the first " + MOST_RESULTS + " shown" : "");
  document.getElementById("results").replaceChildren(...results.map((entry, i) => resultItem(entry, i, tokens)));
  choose(results.length ? 0 : -1);
}

function resultItem(entry, i, tokens) {
  const { node, column } = entry;
  const name = column ? [el("span", { class: "of" }, node.name + "."), marked(column.name, tokens)] : marked(node.name, tokens);
  const text = (column || node).description || "";
  return el("li", { id: "result-" + i, role: "option", "aria-selected": "false", on: { click: () => openResult(i) } },
    el("span", { class: "result-name" }, el("span", { class: "dot " + tint(node), "aria-hidden": "true" }), el("span", null, name)),
    el("span", { class: "result-text" }, marked(snippet(text, tokens), tokens)));
}

/** The part of a description in which the first word that occurs stands. */
function snippet(text, tokens) {
  const plain = text.replace(/`/g, "");
  const at = Math.min(...tokens.map((t) => plain.toLowerCase().indexOf(t)).filter((i) => i >= 0), Infinity);
  if (at === Infinity || at < 60) return clip(plain, 120);
  return "…" + clip(plain.slice(plain.lastIndexOf(" ", at - 30) + 1), 120);
}

function marked(text, tokens) {
  const lower = text.toLowerCase();
  // Where lower case has another length, positions do not carry over.
  if (lower.length !== text.length) return [text];
  const parts = [];
  let from = 0;
  while (from < text.length) {
    let at = -1;
    let length = 0;
    for (const token of tokens) {
      const found = lower.indexOf(token, from);
      if (found >= 0 && (at < 0 || found < at || (found === at && token.length > length))) {
        at = found;
        length = token.length;
      }
    }
    if (at < 0) break;
    parts.push(text.slice(from, at), el("mark", null, text.slice(at, at + length)));
    from = at + length;
  }
  parts.push(text.slice(from));
  return parts;
}

function choose(i) {
  const items = document.getElementById("results").children;
  if (items[chosen]) items[chosen].setAttribute("aria-selected", "false");
  chosen = i;
  const input = document.getElementById("q");
  if (items[i]) {
    items[i].setAttribute("aria-selected", "true");
    items[i].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[i].id);
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function openResult(i) {
  const entry = results[i];
  if (!entry) return;
  const hash = hashOf(entry.node.name, entry.column && entry.column.name);
  if (location.hash === hash) route();
  else location.hash = hash;
  closeMenu();
}

function searchKeys(event) {
  const last = results.length - 1;
  if (event.key === "ArrowDown") choose(chosen >= last ? 0 : chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen <= 0 ? last : chosen - 1);
  else if (event.key === "Enter") openResult(chosen);
  else if (event.key === "Escape") {
    if (event.target.value) {
      event.target.value = "";
      showResults("");
    } else {
      event.target.blur();
    }
  } else return;
  event.preventDefault();
}
