// The tables behind the pictures: opened by a button, sorted by a click on a head, saved as CSV. A few rows come first: `few` of
// the table, or FEW; `paper` are those of a closed table on paper. Paper shows the rows and columns that are open, and the first ones of a closed table. A table may have `groups`: their
// cells stand above the rows of each.

const FEW = 12;
const ALMOST_FEW = 15; // so many rows are shown at once: a button for the last three is not worth it
const PAPER = 6;
const MANY_ROWS = 14; // more of them are printed below the chart, and may continue on the next sheet
const WIDE = 8; // more columns are printed in small type, below the chart
const CROWDED = 6; // more columns are printed in smaller type
const FREE_ROWS = 40; // so many are shown without a box of their own to scroll
const MOST = 500;
const opened = new Set(); // what is open, whole or sorted outlives a change of the filters
const whole = new Set();
const sorted = new Map();

// A column: numbers have a format, other values may have a function `show`; `byKey` sorts by the keys of the rows, `choose` makes
// its texts buttons that filter by them; a closed table is printed without those of the `screen`, and says so.
function column(name, format, more = {}) {
  return { name, format, number: Boolean(format), ...more };
}

// Of a column with days.
const inDays = { show: (day) => dayName(Date.parse(day)) };

function inOrder(id, { columns, rows }) {
  const order = sorted.get(id);
  if (!order || !columns[order.place]) return rows;
  const { place, falls } = order;
  const compare = (left, right) => (typeof left === "number" && typeof right === "number" ? left - right
    : String(left).localeCompare(String(right), LOCALE, { numeric: true }));
  const value = (row) => (columns[place].byKey ? row.key : row.cells[place]);
  const missing = (row) => value(row) === null || value(row) === undefined;
  return [...rows].sort((left, right) => missing(left) - missing(right) || compare(value(left), value(right)) * (falls ? -1 : 1));
}

function fewOf({ rows, few = FEW }) {
  return rows.length <= Math.max(few, ALMOST_FEW) ? rows.length : few;
}

function printedRows(id, table) {
  const { rows, few, paper } = table;
  const shown = opened.has(id) ? (whole.has(id) ? MOST : fewOf(table)) : paper ?? few ?? PAPER;
  return Math.min(rows.length, shown);
}

function tableOf(id, table, caption) {
  const { columns, whole: sum } = table;
  const head = make("tr", { role: "row" }, ...columns.map((each, place) => heading(id, each, place)));
  const first = columns.findIndex(({ number }) => !number);
  const cells = (values, row) => values.map((value, place) => cell(columns[place], value, place === first, row));
  // The name of a group may reach over the empty cell that follows.
  const sumsOf = ([name, ...sums]) => [make("th", { scope: "rowgroup", role: "rowheader", class: sums[0] === null ? "reaching" : null }, make("span", null, name)),
    ...sums.map((value, place) => cell(columns[place + 1], value, false))];
  const looks = (place, row) => [!row && "group", place >= fewOf(table) && "more"].filter(Boolean).join(" ") || null;
  const body = inGroups(id, table).map(({ place, row, cells: sums }) => make("tr", { role: "row", class: looks(place, row), "data-place": place }, ...(row ? cells(row.cells, row) : sumsOf(sums))));
  const part = make("tr", { role: "row", class: "part" }, make("td", { role: "cell", colspan: columns.length }, ""));
  const foot = sum ? make("tfoot", { role: "rowgroup" }, part, make("tr", { role: "row" }, ...cells(sum))) : null;
  return make("table", { role: "table" }, make("caption", null, caption), make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, ...body), foot);
}

// The rows in order with their places, and before the first row of each group its heading. The first rows of an `even` table are
// the first ones of each group.
function inGroups(id, table, most = MOST) {
  const rows = inOrder(id, table);
  const groups = (table.groups || [{}]).map(({ group, cells }) => ({ cells, rows: rows.filter((each) => each.group === group).map((each, rank) => ({ each, rank })) }));
  const all = groups.flatMap((each) => each.rows);
  if (table.even) all.sort((left, right) => left.rank - right.rank);
  all.forEach((each, place) => { each.place = place; });
  return groups.flatMap(({ cells, rows: own }) => [...(cells && own.length ? [{ place: own[0].place, cells }] : []),
    ...own.map(({ each, place }) => ({ place, row: each }))]).filter(({ place }) => place < most);
}

function classOf({ number, screen, isEmpty }) {
  return [number && "number", screen && "screen", isEmpty && "void"].filter(Boolean).join(" ") || null;
}

// A column in which no row has a value is not printed.
function markEmpty({ columns, rows }) {
  columns.forEach((each, place) => { each.isEmpty = rows.every(({ cells }) => cells[place] === null || cells[place] === undefined); });
}

function heading(id, each, place) {
  const { name, number } = each;
  const order = sorted.get(id);
  const direction = order?.place === place ? (order.falls ? "descending" : "ascending") : null;
  const turn = () => {
    sorted.set(id, { place, falls: direction ? !order.falls : number });
    render();
    at(`${id}-table`).querySelectorAll("thead button")[place].focus();
  };
  return make("th", { scope: "col", role: "columnheader", class: classOf(each), "aria-sort": direction, "data-label": name },
    make("button", { type: "button", class: "sort", on: { click: turn } }, name));
}

// A narrow window shows each row as lines of text: every value then has the name of its column, and the roles keep it a table.
function cell(each, value, isHead, row = null) {
  const { name, format, show, choose } = each;
  const isDate = show === inDays.show;
  const plain = value === null || value === undefined ? NOTHING : (format || (row && show) || String)(value);
  const text = isDate ? plain.replace(" ", "\u00a0") : plain; // the year may stand on a second line
  const content = choose && row && row.key !== undefined
    ? make("button", { type: "button", class: "pick", title: t("Filter by this"), on: { click: () => choose(row.key) } }, text) : text;
  const looks = [classOf(each), text === NOTHING && "nothing", text.length < 14 && "short", TIMES.includes(show) && "time", isDate && "date"].filter(Boolean).join(" ");
  return make(isHead ? "th" : "td", { class: looks || null, scope: isHead ? "row" : null, role: isHead ? "rowheader" : "cell",
    "data-label": isHead ? null : name }, content);
}

// A narrow window has no heads of columns to sort by.
function sorting(id, { columns }) {
  const order = sorted.get(id);
  const option = (name, place, falls) => make("option", { value: `${place} ${falls}`, selected: order?.place === place && order.falls === falls }, `${name} ${falls ? "\u25bc" : "\u25b2"}`);
  const select = make("select", { id: `${id}-sort`, on: { change: () => {
    const [place, falls] = select.value.split(" ");
    if (place) sorted.set(id, { place: Number(place), falls: falls === "true" });
    else sorted.delete(id);
    render();
    at(`${id}-sort`).focus();
  } } }, make("option", { value: "" }, NOTHING), ...columns.flatMap(({ name, number }, place) => [option(name, place, number), option(name, place, !number)]));
  return make("div", { class: "sorting" }, make("label", { for: select.id }, t("Sort by")), select);
}

// Buttons, and the table that they open.
function disclosure(id, label, table, caption) {
  const [rows, few] = [table.rows.length, fewOf(table)];
  markEmpty(table);
  const region = make("div", { class: "table", id: `${id}-table`, role: "region", "aria-label": label, tabindex: "0" }, tableOf(id, table, caption));
  const button = make("button", { type: "button", class: "open", "aria-controls": region.id }, "");
  const more = make("button", { type: "button", class: "open", hidden: rows <= few }, "");
  const save = make("button", { type: "button", class: "open save", on: { click: () => download(fileName(id), csvOf(id, table)) } }, "CSV");
  const onPaper = make("p", { class: "paper" }, "");
  const show = () => {
    const isOpen = opened.has(id);
    button.setAttribute("aria-expanded", String(isOpen));
    button.textContent = isOpen ? t("Hide the table") : t("Table ({rows})", { rows: counted(rows, t("row"), t("rows")) });
    region.classList.toggle("closed", !isOpen);
    region.classList.toggle("whole", whole.has(id));
    more.classList.toggle("closed", !isOpen);
    more.setAttribute("aria-pressed", String(whole.has(id)));
    more.textContent = whole.has(id) ? t("First {few} rows", { few: grouped(few) }) : t("All {rows} rows", { rows: grouped(Math.min(rows, MOST)) });
    const printed = printedRows(id, table);
    const filled = table.columns.filter(({ isEmpty }) => !isEmpty);
    const [columns, kept] = [filled.length, filled.filter(({ screen }) => isOpen || !screen).length];
    onPaper.textContent = [t("{part} of {whole}", { part: grouped(printed), whole: counted(rows, t("row"), t("rows")) }), table.whole && printed < rows && t("total of all"),
      kept < columns && t("{part} of {whole} columns", { part: grouped(kept), whole: grouped(columns) })].filter(Boolean).join(", ");
    for (const each of region.querySelectorAll("tbody tr")) {
      each.classList.toggle("unprinted", Number(each.dataset.place) >= printed);
      each.classList.toggle("last", Number(each.dataset.place) >= printed - 2);
    }
    const part = region.querySelector(".part td");
    if (part) {
      part.textContent = t("{part} of {whole}", { part: grouped(printed), whole: counted(rows, t("row"), t("rows")) });
      part.parentElement.hidden = printed >= rows;
    }
    region.closest("section")?.classList.toggle("opened", isOpen);
    region.classList.toggle("free", Math.min(rows, whole.has(id) ? MOST : few) <= FREE_ROWS);
    region.classList.toggle("long", printed > MANY_ROWS || kept > WIDE);
    region.classList.toggle("broad", kept > WIDE);
    region.classList.toggle("crowded", kept > CROWDED);
  };
  const turn = (set) => () => {
    if (!set.delete(id)) set.add(id);
    inPlace(() => {
      show();
      arrange();
      nameUnprinted();
      draw(); // a section with an open table is wider
    });
  };
  button.addEventListener("click", turn(opened));
  more.addEventListener("click", turn(whole));
  show();
  const cut = rows > MOST ? make("p", { class: "note" }, ...withCommands(t("The table has the first {most} of {rows} rows; CSV has all.",
    { most: grouped(MOST), rows: grouped(rows) }))) : null;
  return [make("div", { class: "buttons" }, button, more, save), sorting(id, table), region, onPaper, cut];
}

// All rows as CSV (RFC 4180), as spreadsheets of the page's language read it: Dutch ones expect semicolons, and a comma in numbers.
// Numbers have up to six decimals, times are those of Amsterdam. A text that a spreadsheet would take for a formula gets an
// apostrophe.
const SEPARATOR = { en: ",", nl: ";" }[LANGUAGE];
const POINT = { en: ".", nl: "," }[LANGUAGE];

function csvOf(id, table) {
  const field = (value, place) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(Number(value.toFixed(6))).replace(".", POINT);
    if (TIMES.includes(table.columns[place].show)) return sortable(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head = table.columns.map(({ name }) => `"${name.replaceAll('"', '""')}"`);
  const rows = inGroups(id, table, Infinity).filter(({ row }) => row).map(({ row: { cells } }) => cells.map(field));
  return `${[head, ...rows].map((row) => row.join(SEPARATOR)).join("\n")}\n`;
}

// With the account and the currency, where others of them have files of the same table.
function fileName(id) {
  const several = [accounts.length > 1 && (filters.account ?? "all"), currenciesOf(filters.account).length > 1 && (filters.code || "none")];
  return `${[id, ...several].filter(Boolean).join("-").replace(/[^\p{L}\p{N}_-]+/gu, "_")}.csv`;
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function withCommands(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", null, part) : part));
}
