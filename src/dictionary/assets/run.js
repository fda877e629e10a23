// What a model counted in the last run: rows in against rows out, policies, rules.

const FACT_TITLES = { policy: "Policies", rule: "Rules", key_too_common: "Keys too common", block_too_large: "Blocks too large" };
const FACT_NOTES = {
  policy: "How many rows each named policy touched.",
  rule: "How many rows each rule decided.",
  key_too_common: "How many records share the largest of the keys that link nothing because too many share them. Values are masked.",
  block_too_large: "How many records share the largest of the blocks that are not compared because too many share them. Values are masked.",
};

function runSection(page) {
  if (!page.facts || !page.facts.length) return null;
  const by = new Map();
  for (const fact of page.facts) {
    if (!by.has(fact.fact)) by.set(fact.fact, []);
    by.get(fact.fact).push(fact);
  }
  const parts = [reconciliation(by)];
  for (const [name, facts] of by) {
    if (!["rows_in", "rows_out", "rows_rejected"].includes(name)) parts.push(factBars(name, facts));
  }
  return { id: "run", title: "The last run", body: el("div", { class: "run" }, parts) };
}

/** Totals in = totals out + rejects, laid out as a sum. */
function reconciliation(by) {
  const read = by.get("rows_in") || [];
  if (!read.length) return null;
  const total = (list) => list.reduce((sum, fact) => sum + fact.rows, 0);
  const out = by.get("rows_out") || [];
  const rejected = (by.get("rows_rejected") || []).filter((fact) => fact.rows);
  const rest = total(read) - total(out) - total(rejected);
  const line = (label, rows, kind) => el("tr", { class: kind || null }, el("th", { scope: "row" }, label), el("td", { class: "num" }, count(rows)));
  const source = (fact) => (nodes.has(fact.item) ? tableLink(fact.item) : fact.item);
  return el("div", null, el("h3", null, "Rows in, rows out"), el("table", { class: "sum" }, el("caption", { class: "sr" }, "Rows read against rows accounted for"), el("tbody", null,
    read.map((fact) => line(["Read from ", source(fact)], fact.rows)),
    read.length > 1 ? line("Read in all", total(read), "total") : null,
    out.map((fact) => line(["In ", source(fact)], fact.rows)),
    rejected.map((fact) => line(["Rejected: ", plainWord(fact.item)], fact.rows)),
    el("tr", { class: "total" }, el("th", { scope: "row" }, "Difference"), el("td", { class: "num" }, rest === 0 ? status("good", "0") : status("bad", count(rest)))))));
}

function factBars(name, facts) {
  const most = Math.max(...facts.map((fact) => fact.rows), 1);
  const rows = facts.map((fact) => el("li", { class: fact.rows ? null : "never" }, el("span", { class: "fact-item" }, fact.item), bar(fact.rows / most), el("span", { class: "num" }, fact.rows ? count(fact.rows) : "none")));
  return el("div", null, el("h3", null, FACT_TITLES[name] || plainWord(name)), FACT_NOTES[name] ? el("p", { class: "note" }, FACT_NOTES[name]) : null, el("ul", { class: "fact-bars" }, rows));
}
