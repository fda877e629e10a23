// What the middle of the page shows: the overview, or one table.

function overviewPage() {
  const { project, release } = data;
  const when = release
    ? el("p", { class: "release" }, "Release " + release.number, el("span", { class: "sep" }), "as of " + instant(release.as_of), el("span", { class: "sep" }), "finished " + instant(release.finished_at), el("span", { class: "sep" }), el("code", null, release.run_id))
    : el("p", { class: "release" }, "Nothing has been published yet.");
  const conventions = "Dates are taken in " + project.reporting_timezone + ". Amounts without a currency of their own are in " + project.currency + ".";
  return el("article", null,
    el("header", { class: "page-head" }, el("p", { class: "eyebrow" }, "Data dictionary"), el("h1", { class: "title" }, project.name), project.description ? el("p", { class: "lead" }, words(project.description)) : null, when),
    figures(),
    attention(),
    overviewGroups(data.tables, tableColumns),
    overviewGroups(data.sources, sourceColumns),
    el("p", { class: "note" }, conventions));
}

function figures() {
  const main = data.tables.filter((t) => t.role !== "rejects");
  const sum = (list, of) => list.reduce((total, item) => total + (of(item) || 0), 0);
  const checks = data.tables.concat(data.sources).flatMap((t) => t.checks);
  const passed = checks.filter((c) => c.status === "passed").length;
  const rejected = sum(data.tables, (t) => t.rejects && t.rejects.rows);
  const shown = [
    [count(data.tables.length), data.tables.length === 1 ? "table" : "tables"],
    [count(sum(data.tables, (t) => t.columns.length)), "documented columns"],
    [count(data.sources.length), data.sources.length === 1 ? "source" : "sources"],
  ];
  if (data.release) {
    shown.push([count(sum(main, (t) => t.rows)), "rows"], [count(rejected), rejected === 1 ? "row rejected" : "rows rejected"]);
    if (checks.length) shown.push([passed + "/" + checks.length, "checks passed"]);
  }
  return el("dl", { class: "figures" }, shown.map(([value, label]) => el("div", null, el("dt", null, label), el("dd", null, value))));
}

const MOST_ATTENTION = 10;

/** Checks that did not hold, for whoever opens the page in the morning. */
function attention() {
  const found = [...nodes.values()].flatMap((node) => node.checks.filter((c) => c.status === "failed").map((check) => ({ node, check })));
  const late = [...nodes.values()].filter((node) => node.freshness && node.freshness.status === "failed");
  found.sort((a, b) => byName(a.check.severity, b.check.severity) || byName(a.node.name, b.node.name));
  const items = found.map(failureItem).concat(late.map((node) => el("li", null, status("warn", "late"), el("span", null, tableLink(node.name), " ", lateText(node.freshness)))));
  if (!items.length) return null;
  const rest = items.splice(MOST_ATTENTION);
  const more = rest.length ? el("details", null, el("summary", null, count(rest.length) + " more"), el("ul", null, rest)) : null;
  return el("section", { class: "attention", "aria-labelledby": "attention" }, el("h2", { id: "attention" }, "Worth a look"), el("ul", null, items), more);
}

function failureItem({ node, check }) {
  const rows = check.failures ? several(check.failures, "row") : null;
  const said = check.message ? [": ", words(check.message), rows ? " (" + rows + ")" : null] : rows ? ": " + rows : null;
  const where = check.column ? columnLink({ table: node.name, column: check.column }) : tableLink(node.name);
  const mark = check.severity === "error" ? status("bad", "failed") : status("warn", "warning");
  return el("li", null, mark, el("span", null, where, " ", el("span", { class: "muted" }, plainWord(check.name)), said));
}

function lateText({ latest, expected }) {
  return "has nothing newer than " + (latest ? instant(latest) : "is known") + (expected ? "; expected within " + expected : "") + ".";
}

const tableColumns = [
  { title: "Table", cell: (t) => el("th", { scope: "row" }, el("span", { class: "dot " + tint(t), "aria-hidden": "true" }), tableLink(t.name)) },
  { title: "What it is for", cell: (t) => el("td", { class: "meaning" }, words(t.description)) },
  { title: "Kind", cell: (t) => el("td", { class: "kind" }, kindWords(t)) },
  { title: "Rows", num: true, cell: (t) => el("td", { class: "num" }, count(t.rows)) },
  { title: "Checks", cell: (t) => el("td", { class: "checks-cell" }, verdict(t).tone === "none" ? el("span", { class: "muted" }, verdict(t).short) : status(verdict(t).tone, verdict(t).short)) },
];
const sourceColumns = [
  tableColumns[0],
  Object.assign({}, tableColumns[1], { title: "What it holds" }),
  { title: "Format", cell: (s) => el("td", { class: "kind" }, s.format || "") },
  tableColumns[3],
  tableColumns[4],
];

function overviewGroups(pages, columns) {
  const groups = new Map();
  for (const page of pages) {
    if (!groups.has(page.group)) groups.set(page.group, []);
    groups.get(page.group).push(page);
  }
  return [...groups.keys()].sort(byName).map((name) => {
    const members = groups.get(name).sort((a, b) => byName(a.model, b.model) || ROLE_ORDER[a.role] - ROLE_ORDER[b.role] || byName(a.name, b.name));
    const id = "group-" + name.replace(/[^a-z0-9]/gi, "-");
    return el("section", { "aria-labelledby": id }, el("h2", { id }, name.replace(/\//g, " / "), el("span", { class: "many" }, count(members.length))),
      el("table", { class: "list overview" }, el("thead", null, el("tr", null, columns.map((c) => el("th", { scope: "col", class: (c.num ? "num " : "") + "head-" + c.title.toLowerCase().split(" ")[0] }, c.title)))),
        el("tbody", null, members.map((page) => el("tr", null, columns.map((c) => c.cell(page)))))));
  });
}

function tablePage(page) {
  const parts = [
    methodologySection(page),
    ...exhibitSections(page),
    { id: "columns", title: "Columns", many: page.columns.length, body: columnsSection(page) },
    lineageSection(page),
    checksSection(page),
    runSection(page),
    definitionSection(page),
    storageSection(page),
  ].filter(Boolean);
  return el("article", null,
    pageHead(page),
    factStrip(page),
    el("nav", { class: "parts", "aria-label": "Parts of this page" }, parts.map((part) => el("button", { type: "button", on: { click: () => jump(part.id) } }, part.title, part.many ? el("span", { class: "many" }, count(part.many)) : null))),
    parts.map((part) => el("section", { id: "part-" + part.id, "aria-labelledby": "title-" + part.id }, el("h2", { id: "title-" + part.id, tabindex: "-1" }, part.title), part.body)));
}

function jump(id) {
  const title = document.getElementById("title-" + id);
  title.scrollIntoView({ block: "start" });
  title.focus({ preventScroll: true });
}

function pageHead(page) {
  const family = page.model !== page.name ? [" of ", tableLink(page.model)] : null;
  return el("header", { class: "page-head" },
    el("p", { class: "eyebrow" }, el("span", { class: "dot " + tint(page), "aria-hidden": "true" }), el("span", null, page.group.replace(/\//g, " / "), el("span", { class: "sep" }), guideLink(page.kind, kindWords(page)), family, page.published === false ? [el("span", { class: "sep" }), "not published, read by other models only"] : null)),
    el("h1", null, page.name),
    el("p", { class: "lead" }, page.description ? words(page.description) : el("span", { class: "muted" }, "No description.")),
    el("p", { class: "actions" },
      el("button", { type: "button", on: { click: () => copy(addressOf(page.name), "Link copied") } }, "Copy link"),
      el("button", { type: "button", on: { click: () => copy(selectSql(page), "SQL copied") } }, "Copy as SQL"),
      el("button", { type: "button", on: { click: () => download(page.name + "_columns.csv", csvOf([page])) } }, "Columns as CSV")));
}

function addressOf(table, column) {
  return location.href.replace(/#.*$/, "") + hashOf(table, column);
}

function selectSql(page) {
  return "SELECT\n" + page.columns.map((c) => "  " + c.name).join(",\n") + "\nFROM " + page.name + ";\n";
}

function factStrip(page) {
  const checks = verdict(page);
  const facts = [
    ["Rows", page.rows === null || page.rows === undefined ? null : el("span", { class: "big" }, count(page.rows))],
    ["One row per", page.grain && page.grain.length ? page.grain.map((name, i) => [i ? " × " : null, el("a", { class: "name", href: hashOf(page.name, name) }, name)]) : null],
    ["Also unique", page.keys && page.keys.length ? page.keys.map((key) => key.join(" × ")).join("; ") : null],
    ["Checks", page.checks.length ? status(checks.tone, checks.long) : null],
    ["Rejected rows", page.rejects ? [el("span", null, count(page.rejects.rows)), nodes.has(page.rejects.table) ? [" in ", tableLink(page.rejects.table)] : null] : null],
    ["Freshness", page.freshness ? freshnessText(page.freshness) : null],
    ["Owner", page.owner],
    ["Classification", page.classification],
    ["Tags", page.tags && page.tags.length ? page.tags.join(", ") : null],
  ];
  return el("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([term, value]) => el("div", null, el("dt", null, term), el("dd", null, value))));
}

function freshnessText(freshness) {
  const tone = { passed: "good", failed: "warn" }[freshness.status];
  const said = freshness.latest ? instant(freshness.latest) : "not known";
  const bound = freshness.expected ? el("small", null, "expected within " + freshness.expected) : null;
  return [tone ? status(tone, said) : said, bound];
}

function methodologySection(page) {
  const method = page.methodology;
  if (!method || !(method.summary.length + method.assumptions.length + method.limits.length)) return null;
  const points = (title, list) => (list.length ? el("div", null, el("h3", null, title), el("ul", null, list.map((point) => el("li", null, words(point))))) : null);
  const sides = method.assumptions.length + method.limits.length ? el("div", { class: "sides" }, points("What is assumed", method.assumptions), points("What it cannot tell", method.limits)) : null;
  return { id: "method", title: "How it is made", body: el("div", { class: "prose" }, method.summary.map((text) => el("p", null, words(text))), sides, guides.has(page.kind) ? el("p", { class: "note" }, guideLink(page.kind, "How models of the kind " + plainWord(page.kind) + " work")) : null) };
}

function lineageSection(page) {
  const picture = lineagePicture(page.name, tableGraph, "Lineage of " + page.name);
  if (!picture) return null;
  const list = (title, names) => (names.length ? el("div", null, el("dt", null, title), el("dd", null, names.map((name, i) => [i ? ", " : null, tableLink(name)]))) : null);
  return { id: "lineage", title: "Lineage", body: [picture, el("dl", { class: "neighbours" }, list("Reads", page.upstream), list("Read by", page.downstream))] };
}

const CHECK_WORDS = { passed: ["good", "passed"], not_run: ["none", "not run"] };

function checksSection(page) {
  if (!page.checks.length) return null;
  const rows = page.checks.map((check) => {
    const [tone, word] = CHECK_WORDS[check.status] || (check.severity === "error" ? ["bad", "failed"] : ["warn", "warning"]);
    return el("tr", null, el("th", { scope: "row" }, plainWord(check.name)), el("td", null, check.column ? el("a", { class: "name", href: hashOf(page.name, check.column) }, check.column) : null),
      el("td", null, status(tone, word)), el("td", { class: "num" }, check.failures === null || check.failures === undefined ? "" : count(check.failures)),
      el("td", { class: "meaning" }, check.message ? words(check.message) : null, check.severity === "warn" ? el("span", { class: "muted" }, check.message ? " (warns only)" : "Warns only") : null));
  });
  const heads = ["Check", "Column", "Result", "Failures", ""].map((title) => el("th", { scope: "col", class: title === "Failures" ? "num" : null }, title || el("span", { class: "sr" }, "What it says")));
  return { id: "checks", title: "Checks", many: page.checks.length, body: el("table", { class: "list checks" }, el("thead", null, el("tr", null, heads)), el("tbody", null, rows)) };
}

function definitionSection(page) {
  if (!page.definition) return null;
  const where = page.path ? el("p", { class: "code-head" }, el("code", null, page.path), el("button", { type: "button", class: "quiet", on: { click: () => copy(page.definition, "Definition copied") } }, "Copy")) : null;
  return { id: "definition", title: "Definition", body: el("div", { class: "code" }, where, el("pre", { tabindex: "0", "aria-label": "Definition of " + page.name }, el("code", null, yaml(page.definition)))) };
}

/** YAML with its keys and comments told apart. */
function yaml(text) {
  return text.replace(/\n+$/, "").split("\n").map((line) => {
    const comment = /^(\s*)(#.*)$/.exec(line);
    if (comment) return [comment[1], el("span", { class: "y-comment" }, comment[2]), "\n"];
    const key = /^(\s*(?:- )*)([A-Za-z_][\w.-]*)(:)(\s.*|)$/.exec(line);
    if (key) return [key[1], el("span", { class: "y-key" }, key[2]), key[3] + key[4], "\n"];
    return [line, "\n"];
  });
}

function storageSection(page) {
  const facts = [["Location", page.location && el("code", null, page.location)], ["Format", page.format], ["Size", size(page.bytes)], ["Content digest", page.digest && el("code", null, page.digest)], ["Declared in", page.path && el("code", null, page.path)]].filter(([, value]) => value);
  if (!facts.length) return null;
  return { id: "storage", title: "Where it lies", body: el("dl", { class: "rows" }, facts.flatMap(([term, value]) => [el("dt", null, term), el("dd", null, value)])) };
}

function missingPage(name) {
  return el("article", null, el("header", { class: "page-head" }, el("p", { class: "eyebrow" }, "Not here"), el("h1", null, name), el("p", { class: "lead" }, "This dictionary has no table of that name."), el("p", null, el("a", { href: "#" }, "All tables"))));
}
