// The guides to the kinds: Markdown, of which the few forms that the guides use are understood.
// What is not understood stays as it is written. `#~kind` is a guide's address.

const guides = new Map((data.guides || []).map((guide) => [guide.kind, guide]));

function guidePage(guide) {
  const users = data.tables.filter((table) => table.kind === guide.kind && table.role === "main").sort((a, b) => byName(a.name, b.name));
  const where = users.length ? el("p", { class: "note" }, "Used by ", users.map((table, i) => [i ? ", " : null, tableLink(table.name)]), ".") : null;
  const body = blocks(guide.text.replace(/^\s*# [^\n]*\n/, ""));
  return el("article", null, el("header", { class: "page-head" }, el("p", { class: "eyebrow" }, el("span", { class: "dot " + tint(guide), "aria-hidden": "true" }), "Guide to a kind of model"), el("h1", { class: "title" }, guide.title), where), el("div", { class: "prose guide" }, body));
}

function guideLink(kind, text) {
  return guides.has(kind) ? el("a", { href: "#~" + encodeURIComponent(kind) }, text) : text;
}

const BULLET = /^\s*(?:[-*]|\d+[.)])\s+/;

function blocks(text) {
  const lines = text.replace(/\r/g, "").split("\n");
  const out = [];
  let at = 0;
  const take = (test) => {
    const from = at;
    while (at < lines.length && test(lines[at])) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const fence = /^\s*(`{3,}|~{3,})/.exec(line);
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (!line.trim()) {
      at += 1;
    } else if (fence) {
      at += 1;
      const code = take((l) => !l.trim().startsWith(fence[1]));
      at += 1;
      out.push(el("div", { class: "code" }, el("pre", { tabindex: "0" }, el("code", null, yaml(code.join("\n"))))));
    } else if (heading) {
      at += 1;
      out.push(el("h" + Math.min(heading[1].length, 4), null, inline(heading[2])));
    } else if (line.trim().startsWith("|")) {
      out.push(guideTable(take((l) => l.trim().startsWith("|"))));
    } else if (BULLET.test(line)) {
      out.push(bullets(take((l) => BULLET.test(l) || /^\s+\S/.test(l))));
    } else {
      // At least one line, whatever it looks like, so that this always ends.
      at += 1;
      const rest = take((l) => l.trim() && !/^\s*(`{3,}|~{3,}|#{1,6}\s|\|)/.test(l) && !BULLET.test(l));
      out.push(el("p", null, inline([line, ...rest].join(" "))));
    }
  }
  return out;
}

function bullets(lines) {
  const items = [];
  for (const line of lines) {
    if (BULLET.test(line)) items.push(line.replace(BULLET, ""));
    else items[items.length - 1] += " " + line.trim();
  }
  const tag = /^\s*\d/.test(lines[0]) ? "ol" : "ul";
  return el(tag, null, items.map((item) => el("li", null, inline(item))));
}

function guideTable(lines) {
  // A pipe after a backslash belongs to its cell.
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));
  const ruled = lines.length > 1 && /^[\s|:-]+$/.test(lines[1]);
  const head = ruled ? el("thead", null, el("tr", null, cells(lines[0]).map((cell) => el("th", { scope: "col" }, inline(cell))))) : null;
  return el("table", { class: "list" }, head, el("tbody", null, lines.slice(ruled ? 2 : 0).map((line) => el("tr", null, cells(line).map((cell) => el("td", null, inline(cell)))))));
}

const SPAN = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)\s]+)\)/;

function inline(text) {
  const out = [];
  let rest = text;
  for (let found = SPAN.exec(rest); found; found = SPAN.exec(rest)) {
    out.push(rest.slice(0, found.index));
    if (found[1]) out.push(el("code", null, found[1]));
    else if (found[2]) out.push(el("b", null, inline(found[2])));
    else if (found[3]) out.push(el("em", null, inline(found[3])));
    else if (/^https?:\/\//.test(found[5])) out.push(el("a", { href: found[5], rel: "noopener noreferrer" }, inline(found[4])));
    else out.push(inline(found[4]));
    rest = rest.slice(found.index + found[0].length);
  }
  out.push(rest);
  return out;
}
