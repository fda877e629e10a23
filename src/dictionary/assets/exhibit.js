// What a model shows of the rows of the last run: a worked example, a picture of its weights.

function exhibitSections(page) {
  return (page.exhibits || []).map((exhibit, i) => {
    const paragraphs = (texts, kind) => (texts || []).map((text) => el("p", { class: kind || null }, words(text)));
    return { id: "exhibit-" + i, title: exhibit.title, body: [
      el("div", { class: "prose" }, paragraphs(exhibit.text)),
      exhibit.chart ? chartFigure(exhibit.chart) : null,
      (exhibit.tables || []).map(exhibitTable),
      el("div", { class: "prose exhibit-notes" }, paragraphs(exhibit.notes, "note")),
    ] };
  });
}

function exhibitTable(table) {
  const head = el("thead", null, el("tr", null, table.columns.map((column) => el("th", { scope: "col", class: column.numeric ? "num" : null }, column.title))));
  const cellOf = (text, column, first) => el(first ? "th" : "td", { scope: first ? "row" : null, class: column.numeric ? "num" : null }, words(text));
  const rows = table.rows.map((row) => el("tr", null, row.map((text, i) => cellOf(text, table.columns[i] || {}, i === 0))));
  return el("div", { class: "exhibit-scroll", tabindex: "0", role: "region", "aria-label": table.caption }, el("table", { class: "exhibit" }, el("caption", null, table.caption), head, el("tbody", null, rows)));
}

const CHART = { width: 760, label: 250, zero: 500, reach: 185, row: 19, head: 27 };

/** Bars to both sides of zero: to the right what speaks for, to the left what speaks against. */
function chartFigure(chart) {
  const bars = chart.groups.flatMap((group) => group.bars);
  const most = Math.max(...bars.map((bar) => Math.abs(bar.value)), 1);
  const marks = [];
  let y = 4;
  for (const group of chart.groups) {
    marks.push(svg("text", { class: "chart-group", x: 0, y: y + 18 }, group.title));
    y += CHART.head;
    for (const bar of group.bars) {
      marks.push(chartBar(bar, most, y));
      y += CHART.row;
    }
  }
  const axis = svg("line", { class: "chart-axis", x1: CHART.zero, y1: 4, x2: CHART.zero, y2: y });
  const ends = [
    svg("text", { class: "chart-end", x: CHART.zero - 8, y: y + 20, "text-anchor": "end" }, "◂ " + chart.less),
    svg("text", { class: "chart-end", x: CHART.zero + 8, y: y + 20 }, chart.more + " ▸"),
  ];
  // What the picture says is in the table below it; a reader of screens is told its caption alone.
  return el("figure", { class: "chart" }, svg("svg", { viewBox: "0 0 " + CHART.width + " " + (y + 30), role: "img", "aria-label": chart.caption }, marks, axis, ends), el("figcaption", null, chart.caption));
}

function chartBar(bar, most, y) {
  const length = (Math.abs(bar.value) / most) * CHART.reach;
  const against = bar.value < 0;
  const end = against ? CHART.zero - length - 5 : CHART.zero + length + 5;
  return svg("g", null,
    svg("text", { class: "chart-label", x: 12, y: y + 13 }, bar.label),
    svg("rect", { class: against ? "chart-against" : "chart-for", x: against ? CHART.zero - length : CHART.zero, y: y + 3, width: length, height: CHART.row - 6 }),
    svg("text", { class: "chart-value", x: end, y: y + 13, "text-anchor": against ? "end" : "start" }, bar.shown));
}
