// The columns of a table: one line each, and what lies behind it on demand.

const PII_WORDS = { indirect: "indirectly personal", direct: "personal", sensitive: "sensitive" };
const WITHHELD_WORDS = { personal: "Values withheld: personal", few_rows: "Values withheld: fewer than 5" };

function columnsSection(page) {
  const profiled = page.columns.some((c) => c.profile);
  const heads = [el("th", { scope: "col" }, "Column"), el("th", { scope: "col" }, "What it means")];
  if (profiled) {
    heads.push(el("th", { scope: "col", class: "num" }, "Null"), el("th", { scope: "col", class: "num" }, "Distinct"), el("th", { scope: "col" }, "Values"));
  }
  const rows = page.columns.flatMap((column) => columnRows(page, column, profiled));
  return el("table", { class: "columns" + (profiled ? "" : " columns-plain") },
    el("caption", { class: "sr" }, "Columns of " + page.name), el("thead", null, el("tr", null, heads)), el("tbody", null, rows));
}

function columnRows(page, column, profiled) {
  const detailId = "detail-" + column.name;
  const toggle = el("button", { type: "button", class: "column-name", "aria-expanded": "false", "aria-controls": detailId, on: { click: () => toggleColumn(column.name) } },
    el("span", { class: "chevron", "aria-hidden": "true" }), column.name);
  const badges = [];
  if ((page.grain || []).includes(column.name)) badges.push(el("span", { class: "badge badge-key", title: "Part of what identifies a row" }, "key"));
  if (PII_WORDS[column.pii]) badges.push(el("span", { class: "badge badge-pii" }, PII_WORDS[column.pii]));
  const cells = [
    el("th", { scope: "row" }, toggle, el("div", { class: "column-type" }, column.type, column.nullable ? null : ", not null"), badges.length ? el("div", { class: "badges" }, badges) : null),
    el("td", { class: "meaning" }, el("div", null, column.description ? words(column.description) : el("span", { class: "muted" }, "No description")), originLine(column)),
  ];
  if (profiled) cells.push(...profileCells(column.profile));
  const detail = el("tr", { class: "detail", id: detailId, hidden: true }, el("td", { colspan: cells.length }));
  return [el("tr", { id: "column-" + column.name, class: "column", "data-column": column.name }, cells), detail];
}

function originLine(column) {
  const made = column.lineage || [];
  if (!made.length) return null;
  const shown = made.slice(0, 3).map((link, i) => [i ? ", " : null, columnLink(link)]);
  return el("div", { class: "origin" }, "from ", shown, made.length > 3 ? " and " + (made.length - 3) + " more" : null);
}

function profileCells(profile) {
  if (!profile) return [el("td", { class: "num unknown" }, "–"), el("td", { class: "num unknown" }, "–"), el("td")];
  const share = profile.rows ? profile.nulls / profile.rows : 0;
  return [
    el("td", { class: "num", "data-label": "Null" }, percent(profile.nulls, profile.rows), share > 0 ? bar(share, "bar-null") : null),
    el("td", { class: "num", "data-label": "Distinct" }, distinctText(profile)),
    el("td", { class: "values" }, valuesBrief(profile)),
  ];
}

function distinctText(profile) {
  if (!profile.distinct) return "–";
  return (profile.distinct.exact ? "" : "> ") + count(profile.distinct.count);
}

function bar(share, extra) {
  // A share that is there stays visible.
  const width = share > 0 ? Math.max(share * 100, 1.5) : 0;
  return el("span", { class: "bar-track " + (extra || ""), "aria-hidden": "true" }, el("span", { class: "bar-fill", style: "width:" + width.toFixed(1) + "%" }));
}

function valuesBrief(profile) {
  if (profile.withheld) return el("span", { class: "muted" }, WITHHELD_WORDS[profile.withheld]);
  if (profile.min !== null && profile.min !== undefined) return rangeText(profile);
  if (!profile.top || !profile.top.length) return null;
  return topList(profile, 3);
}

function rangeText(profile) {
  if (profile.min === profile.max) return el("span", { class: "range" }, valueText(profile.min));
  return el("span", { class: "range" }, el("span", null, valueText(profile.min)), el("span", { class: "muted" }, " to "), el("span", null, valueText(profile.max)));
}

/** Numbers with their thousands set apart, instants for reading. */
function valueText(text) {
  const number = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  if (number) return (number[1] ? "−" : "") + number[2].replace(/\B(?=(\d{3})+$)/g, ",") + (number[3] || "");
  return instant(text);
}

function topList(profile, most) {
  const filled = profile.rows - profile.nulls;
  const rows = profile.top.slice(0, most).map((top) =>
    el("li", null,
      el("span", { class: "top-value" + (top.value.trim() ? "" : " muted"), title: top.value }, top.value.trim() ? top.value : "(blank)"),
      bar(top.rows / filled),
      el("span", { class: "top-share" }, most > 3 ? count(top.rows) + "  " : null, percent(top.rows, filled))));
  return el("ul", { class: "top" + (most > 3 ? " top-long" : "") }, rows);
}

function toggleColumn(name, open) {
  const row = document.getElementById("column-" + name);
  const detail = document.getElementById("detail-" + name);
  if (!row || !detail) return;
  const wanted = open === undefined ? detail.hidden : open;
  detail.hidden = !wanted;
  row.classList.toggle("open", wanted);
  row.querySelector(".column-name").setAttribute("aria-expanded", String(wanted));
  const cell = detail.firstElementChild;
  if (wanted && !cell.firstChild) cell.append(columnDetail(nodes.get(currentTable), name));
}

function columnDetail(page, name) {
  const column = page.columns.find((c) => c.name === name);
  const key = keyOf({ table: page.name, column: name });
  const picture = lineagePicture(key, columnGraph, "Where " + page.name + "." + name + " comes from and goes");
  return el("div", { class: "column-detail" },
    picture,
    el("div", { class: "detail-grid" },
      linkList("Made from", column.lineage, "Nothing: the model itself makes it."),
      linkList("Goes back to", column.sources, null),
      linkList("Used by", column.used_by, "No other table."),
      profileDetail(column.profile)),
    el("p", { class: "actions" },
      el("button", { type: "button", class: "quiet", on: { click: () => copy(addressOf(page.name, name), "Link copied") } }, "Copy link"),
      el("button", { type: "button", class: "quiet", on: { click: () => copy(page.name + "." + name, "Name copied") } }, "Copy name"),
      column.pii !== "none" ? null : el("button", { type: "button", class: "quiet", on: { click: () => copy(countsSql(page, name), "SQL copied") } }, "Copy counts as SQL")));
}

const MOST_LINKS = 12;

function linkList(title, links, nothing) {
  if (!links || !links.length) return nothing ? el("div", null, el("h4", null, title), el("p", { class: "muted" }, nothing)) : null;
  const rest = links.length > MOST_LINKS ? el("li", { class: "muted" }, "and " + (links.length - MOST_LINKS) + " more") : null;
  return el("div", null, el("h4", null, title), el("ul", { class: "plain" }, links.slice(0, MOST_LINKS).map((link) => el("li", null, columnLink(link))), rest));
}

function profileDetail(profile) {
  if (!profile) return null;
  const facts = [["Filled", count(profile.rows - profile.nulls) + " of " + count(profile.rows)], ["Null", percent(profile.nulls, profile.rows)]];
  if (profile.distinct) facts.push(["Distinct", distinctText(profile)]);
  if (profile.min !== null && profile.min !== undefined) facts.push(["Least", valueText(profile.min)], ["Greatest", valueText(profile.max)]);
  const list = el("dl", { class: "mini" }, facts.flatMap(([term, value]) => [el("dt", null, term), el("dd", null, value)]));
  const withheld = profile.withheld ? el("p", { class: "note" }, WITHHELD_WORDS[profile.withheld] + ".") : null;
  const brief = el("div", null, el("h4", null, "Profile"), list, withheld);
  if (!profile.top || !profile.top.length) return brief;
  return el("div", { class: "detail-wide" }, brief, el("div", null, el("h4", null, "Most frequent"), topList(profile, 10), el("p", { class: "note" }, "Only values that at least 5 rows share.")));
}

function countsSql(page, column) {
  return "SELECT " + column + ", COUNT(*) AS row_count\nFROM " + page.name + "\nGROUP BY " + column + "\nORDER BY row_count DESC;\n";
}
