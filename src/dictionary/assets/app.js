// Addresses, keys and the start.
//
// `#` is the overview, `#table` a table, `#table.column` a column of it, `#~kind` a guide, `#?q=words` a search.

function address() {
  const hash = location.hash.slice(1);
  if (hash.startsWith("?")) return { query: new URLSearchParams(hash.slice(1)).get("q") || "" };
  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch (_) {
      return text;
    }
  };
  const whole = decode(hash);
  // A source may have a dot in its name.
  if (!whole || nodes.has(whole)) return { table: whole };
  const dot = whole.lastIndexOf(".");
  return dot < 0 ? { table: whole } : { table: whole.slice(0, dot), column: whole.slice(dot + 1) };
}

let shown = null;

function route(event) {
  const { table, column, query } = address();
  if (query !== undefined) {
    document.getElementById("q").value = query;
    showResults(query);
    openMenu();
    if (shown === null) show("");
    return;
  }
  if (shown !== table) show(table);
  if (column) showColumn(column);
  else if (event) document.getElementById("main").focus({ preventScroll: true });
}

function show(name) {
  const main = document.getElementById("main");
  const node = nodes.get(name);
  const guide = name.startsWith("~") ? guides.get(name.slice(1)) : null;
  shown = name;
  markCurrent(node || guide ? name : null);
  main.replaceChildren(node ? tablePage(node) : guide ? guidePage(guide) : name ? missingPage(name) : overviewPage());
  document.title = (guide ? guide.title + " · " : name ? name + " · " : "") + data.project.name + " · Data dictionary";
  window.scrollTo(0, 0);
}

function showColumn(name) {
  for (const row of document.querySelectorAll("tr.column.target")) row.classList.remove("target");
  const row = document.getElementById("column-" + name);
  if (!row) return toast("This table has no column " + name);
  toggleColumn(name, true);
  row.classList.add("target");
  row.scrollIntoView({ block: "start" });
  row.querySelector(".column-name").focus({ preventScroll: true });
}

function keys(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    openMenu();
    const input = document.getElementById("q");
    input.focus();
    input.select();
  } else if (event.key === "Escape") {
    closeMenu();
  }
}

function openMenu() {
  document.body.classList.add("menu-open");
  document.getElementById("menu").setAttribute("aria-expanded", "true");
}

function closeMenu() {
  document.body.classList.remove("menu-open");
  document.getElementById("menu").setAttribute("aria-expanded", "false");
}

const THEMES = { auto: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };

function setTheme(theme) {
  const name = THEMES[theme] ? theme : "auto";
  if (name === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", name);
  const button = document.getElementById("theme");
  button.textContent = THEMES[name];
  button.onclick = () => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(name) + 1) % names.length];
    remember("theme", next);
    setTheme(next);
  };
}

function start() {
  document.getElementById("brand-name").textContent = data.project.name;
  document.querySelector(".bar-name").textContent = data.project.name;
  const input = document.getElementById("q");
  input.addEventListener("input", () => showResults(input.value));
  input.addEventListener("keydown", searchKeys);
  document.addEventListener("keydown", keys);
  document.getElementById("menu").addEventListener("click", () => (document.body.classList.contains("menu-open") ? closeMenu() : openMenu()));
  document.getElementById("tree").addEventListener("click", (event) => event.target.closest("a") && closeMenu());
  document.getElementById("csv-all").addEventListener("click", () => download("dictionary_columns.csv", csvOf([...nodes.values()])));
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  window.addEventListener("hashchange", route);
  setTheme(remember("theme"));
  buildTree();
  route();
}

start();
