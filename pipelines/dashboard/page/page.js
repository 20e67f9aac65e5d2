// The page: header, filters, and the sections drawn anew whenever something is chosen.

// Sections

function figure({ value, label }) {
  return make("p", { class: "figure" }, make("strong", null, value), " ", make("span", null, label));
}

function drawing(id, picture) {
  return [legendOf(picture), make("div", { class: "chart", id: `${id}-chart`, role: "img", "aria-label": picture.alt })];
}

function sectionOf({ id, fact, title, build, note, wide, every }) {
  const columns = FACTS[fact];
  const blind = ["partner", "item"].filter((split) => chosen[split] !== null && !columns[split]);
  const built = build(chosen);
  const notes = [note, every && chosen.currency !== null && currenciesOf(chosen.account).length > 1 ? "All currencies." : "",
    blind.length ? `Not split by ${blind.map((split) => (split === "partner" ? PARTNER.one : "trade item")).join(" and ")}:`
      + " these are the figures of all." : ""];
  const rows = built.table.rows.length;
  const content = rows
    ? [make("div", { class: "figures" }, ...built.figures.filter(Boolean).map(figure)),
      ...(built.picture ? drawing(id, built.picture) : []),
      ...disclosure(id, title, tableOf(built.table, `${title}: ${choices(columns)}`), rows)]
    : [make("p", { class: "empty" }, "Nothing in this selection.")];
  const section = make("section", { id, class: wide ? "card wide" : "card", "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, title), make("p", { class: "note" }, notes.filter(Boolean).join(" ")), ...content);
  return { section, picture: rows && built.picture ? { id: `${id}-chart`, ...built.picture } : null };
}

// What a reader should know before trusting the figures.
function notices() {
  const { partners, items: merged, older } = CONTENT.merged;
  const texts = [];
  const age = Math.floor((Date.now() - Date.parse(CONTENT.made)) / DAY);
  if (age >= 2) texts.push(`This page was made ${grouped(age)} days ago: \`floriday dashboard\` makes a new one.`);
  if (partners || merged) {
    texts.push(`To keep the file small, ${counted(partners, `smaller ${PARTNER.one}`, `smaller ${PARTNER.many}`)} and `
      + `${counted(merged, "smaller trade item")} are shown together as others; totals are complete. \`floriday report\` has them all.`);
  }
  if (older) texts.push(`${counted(older, "order")} from before ${weekName(CONTENT.first)} ${older === 1 ? "is" : "are"} left out.`);
  return texts.map((text) => make("p", { class: "notice" }, ...withCommands(text)));
}

function withCommands(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", null, part) : part));
}

function nothing() {
  return make("section", { class: "card wide", id: "nothing" }, make("h2", null, "There is nothing to show yet"),
    make("p", null, ...withCommands("No order, delivery or batch is in the warehouse yet. Once `floriday sync` has read some,"
      + " `floriday dashboard` makes this page with them.")));
}

function header() {
  at("kind").textContent = BUYS ? "Floriday purchases" : "Floriday sales";
  at("organization").textContent = CONTENT.accounts[chosen.account] || chosen.account || "Dashboard";
  document.title = `${at("organization").textContent} \u2013 Floriday dashboard`;
  const facts = [["Data as of", asOf() ? inAmsterdam(asOf()) : "never synced"], ["This week", weekName(CONTENT.week)],
    ["Currency", chosen.currency === null ? NOTHING : CONTENT.keys[chosen.currency] || "none given"]];
  at("facts").replaceChildren(...facts.map(([term, text]) => make("div", null, make("dt", null, term), make("dd", null, text))));
  at("foot").textContent = `Made ${inAmsterdam(CONTENT.made)} by floriday-warehouse. Days and weeks are those of Amsterdam, `
    + "currencies are never added together. Charts by Apache ECharts. This page sends no network requests.";
}

function render() {
  header();
  const sections = SECTIONS.filter(({ fact }) => FACTS[fact]);
  const isEmpty = !Object.values(FACTS).some((columns) => columns.account.some((place) => place === PLACES.get(chosen.account)));
  const built = isEmpty ? [] : sections.map(sectionOf);
  const state = health();
  for (const chart of charts.values()) chart.dispose();
  charts.clear();
  at("filters").hidden = isEmpty;
  at("figures").replaceChildren(...notices(), ...(isEmpty ? [] : [summary()]), ...(state ? [state.section] : []),
    ...(isEmpty ? [nothing()] : built.map(({ section }) => section)));
  pictures = [state, ...built].map((each) => each?.picture).filter(Boolean);
  draw();
  if (!isEmpty) {
    at("chosen").textContent = choices();
    at("shown").textContent = `Shown: ${choices()}.`;
  }
}

enter(chosen.account);
