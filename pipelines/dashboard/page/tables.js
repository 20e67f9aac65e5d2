// The tables behind the pictures, opened by a button; a few rows first, more when asked for.

const FEW = 12;
const MOST = 500;

function tableOf({ columns, rows }, caption) {
  const head = make("tr", null, ...columns.map(({ name, number }) =>
    make("th", { scope: "col", class: number ? "number" : null }, name)));
  const body = rows.slice(0, MOST).map((row, place) => make("tr", { class: place >= FEW ? "more" : null },
    ...row.map((value, number) => cell(columns[number], value, number === firstName(columns)))));
  return make("table", null, make("caption", null, caption), make("thead", null, head), make("tbody", null, ...body));
}

function firstName(columns) {
  return columns.findIndex(({ number }) => !number);
}

function cell({ number, format }, value, isHead) {
  const text = format ? format(value) : String(value);
  return make(isHead ? "th" : "td", { class: number ? "number" : null, scope: isHead ? "row" : null }, text);
}

// A button and what it opens; whether it is open outlives a change of the filters.
const opened = new Set();
const whole = new Set();

function disclosure(id, label, table, rows) {
  const region = make("div", { class: "table", id: `${id}-table`, role: "region", "aria-label": label, tabindex: "0" }, table);
  const button = make("button", { type: "button", class: "open", "aria-controls": region.id }, "");
  const more = make("button", { type: "button", class: "open", hidden: rows <= FEW }, "");
  const show = () => {
    const isOpen = opened.has(id);
    button.setAttribute("aria-expanded", String(isOpen));
    button.textContent = isOpen ? "Hide the table" : `Table (${counted(rows, "row")})`;
    region.classList.toggle("closed", !isOpen);
    region.classList.toggle("whole", whole.has(id));
    more.classList.toggle("closed", !isOpen);
    more.setAttribute("aria-pressed", String(whole.has(id)));
    more.textContent = whole.has(id) ? `First ${FEW} rows` : `All ${grouped(Math.min(rows, MOST))} rows`;
  };
  const turn = (set) => () => {
    if (!set.delete(id)) set.add(id);
    show();
  };
  button.addEventListener("click", turn(opened));
  more.addEventListener("click", turn(whole));
  show();
  const cut = rows > MOST
    ? make("p", { class: "note" }, `The table has the first ${grouped(MOST)} of ${grouped(rows)} rows; `, make("code", null, "floriday report"), " has all.")
    : null;
  return [make("div", { class: "buttons" }, button, more), region, cut];
}
