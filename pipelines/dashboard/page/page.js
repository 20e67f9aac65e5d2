// The page: header, filters, and the sections drawn anew whenever something is chosen.

const PRESETS = [[4, "4 weeks"], [13, "13 weeks"], [26, "26 weeks"], [52, "52 weeks"], [null, "All"]];
const at = (id) => document.getElementById(id);
const accounts = [...new Set([...Object.keys(CONTENT.accounts), ...Object.keys(CONTENT.health),
  ...Object.values(FACTS).flatMap((columns) => [...new Set(columns.account)].map((place) => CONTENT.keys[place]))])].sort();
// Partner, item and currency are places in CONTENT.keys, a period without weeks is all of them.
const chosen = {
  account: accounts[0] ?? null, from: null, to: null, partner: null, item: null, currency: null,
  get code() { return this.currency === null ? null : CONTENT.keys[this.currency]; },
};
const charts = new Map();
let [firstWeek, lastWeek] = [CONTENT.week, CONTENT.week];

function placesOf(account, split) {
  const place = PLACES.get(account);
  const found = new Set();
  for (const columns of Object.values(FACTS)) {
    if (columns[split]) columns[split].forEach((each, row) => columns.account[row] === place && found.add(each));
  }
  return [...found];
}

function currenciesOf(account) {
  if (!FACTS.sales) return [];
  const orders = new Map();
  FACTS.sales.currency.forEach((place, row) => {
    if (FACTS.sales.account[row] === PLACES.get(account)) orders.set(place, (orders.get(place) || 0) + FACTS.sales.orders[row]);
  });
  return [...orders].sort((left, right) => right[1] - left[1]).map(([place]) => place);
}

function enter(account) {
  chosen.account = account;
  chosen.partner = null;
  chosen.item = null;
  chosen.currency = null;
  const weeks = [CONTENT.week, CONTENT.week - 51, ...placesOf(account, "week").filter((week) => week !== null)];
  firstWeek = weeks.reduce((left, right) => Math.min(left, right));
  lastWeek = weeks.reduce((left, right) => Math.max(left, right));
  last(13);
  fillFilters();
  render();
}

function last(weeks) {
  chosen.to = weeks === null ? null : CONTENT.week;
  chosen.from = weeks === null ? null : Math.max(firstWeek, CONTENT.week - weeks + 1);
}

// Filters

function choice(id, label, options, value, listener, size = "") {
  const select = make("select", { id, on: { change: () => listener(select.value) } },
    ...options.map(([key, text]) => make("option", { value: key === null ? "" : String(key) }, text)));
  select.value = value === null ? "" : String(value);
  return make("div", { class: `field ${size}` }, make("label", { for: id }, label), select);
}

function named(split) {
  const order = (place) => [null, OTHER].indexOf(CONTENT.keys[place]);
  return placesOf(chosen.account, split)
    .map((place) => [place, nameOf(split, place)])
    .sort((left, right) => order(left[0]) - order(right[0]) || left[1].localeCompare(right[1]));
}

function fillFilters() {
  const focused = document.activeElement?.id;
  const weeks = Array.from({ length: lastWeek - firstWeek + 1 }, (_, place) => lastWeek - place)
    .map((week) => [week, weekName(week)]);
  const number = (text) => (text === "" ? null : Number(text));
  const take = (name) => (text) => {
    chosen[name] = number(text);
    render();
  };
  const week = (name) => (text) => {
    chosen[name] = number(text);
    if (chosen.from === null || chosen.to === null) Object.assign(chosen, number(text) === null
      ? { from: null, to: null } : { from: chosen.from ?? firstWeek, to: chosen.to ?? lastWeek });
    if (chosen.from > chosen.to) chosen[name === "from" ? "to" : "from"] = chosen[name];
    fillFilters();
    render();
  };
  const presets = PRESETS.map(([count, text]) => make("button", {
    type: "button", id: `last-${count ?? "all"}`, "aria-pressed": String(isPreset(count)),
    on: { click: () => { last(count); fillFilters(); render(); } },
  }, text));
  const currencies = currenciesOf(chosen.account);
  if (chosen.currency === null) chosen.currency = currencies[0] ?? null;
  const state = at("filters").querySelector("details")?.open ?? window.matchMedia("(min-width: 800px)").matches;
  const fields = make("div", { class: "fields" },
    accounts.length > 1 ? choice("account", "Account", accounts.map((name) => [name, name]), chosen.account, enter) : null,
    make("div", { class: "field fit" }, make("span", { class: "label", id: "period" }, "Last"),
      make("div", { class: "presets", role: "group", "aria-labelledby": "period" }, ...presets)),
    choice("from", "From week", [[null, "the beginning"], ...weeks], chosen.from, week("from"), "small"),
    choice("to", "To week", [[null, "the end"], ...weeks], chosen.to, week("to"), "small"),
    choice("partner", PARTNER.One, [[null, `All ${PARTNER.many}`], ...named("partner")], chosen.partner, take("partner")),
    choice("item", "Trade item", [[null, "All trade items"], ...named("item")], chosen.item, take("item")),
    currencies.length > 1 ? choice("currency", "Currency", currencies.map((place) => [place, CONTENT.keys[place] || "none given"]),
      chosen.currency, take("currency"), "small") : null,
  );
  at("filters").replaceChildren(make("details", { open: state },
    make("summary", null, make("strong", null, "Filters"), make("span", { id: "chosen" }, "")), fields));
  if (focused) at(focused)?.focus();
}

function isPreset(count) {
  const { from, to } = chosen;
  last(count);
  const same = from === chosen.from && to === chosen.to;
  Object.assign(chosen, { from, to });
  return same;
}

// What is chosen, in words.
function choices() {
  const period = chosen.from === null ? "all weeks" : `${weekName(chosen.from)} to ${weekName(chosen.to)}`;
  return [period, chosen.partner === null ? `all ${PARTNER.many}` : nameOf("partner", chosen.partner),
    chosen.item === null ? "all trade items" : nameOf("item", chosen.item),
    ...(chosen.currency === null ? [] : [CONTENT.keys[chosen.currency] || "no currency given"])].join(" · ");
}

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
      ...disclosure(id, title, tableOf(built.table, `${title}: ${choices()}`), rows)]
    : [make("p", { class: "empty" }, "Nothing in this selection.")];
  const section = make("section", { id, class: wide ? "card wide" : "card", "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, title), make("p", { class: "note" }, notes.filter(Boolean).join(" ")), ...content);
  return { section, picture: rows && built.picture ? { id: `${id}-chart`, ...built.picture } : null };
}

function summary() {
  const tiles = [];
  const tile = (value, label, more, href) => tiles.push(make("a", { class: "tile", href },
    make("span", { class: "label" }, label), make("strong", null, value), make("span", { class: "more" }, more || "")));
  if (FACTS.sales) {
    const sums = total("sales", chosen);
    const year = comparison(chosen, sums);
    tile(money(sums.revenue, chosen.code), WORD, year ? `${year.text} on last year` : "", "#revenue");
    tile(grouped(sums.orders), "Orders", `${grouped(sums.pieces)} pieces`, "#partners");
  }
  if (FACTS.fill) {
    const sums = total("fill", chosen);
    tile(percent(quotient(sums.delivered, sums.ordered)), "Fill rate", `${grouped(sums.ordered - sums.delivered)} pieces short`, "#fill");
  }
  if (FACTS.deliveries) {
    const sums = total("deliveries", chosen);
    tile(percent(quotient(sums.on_time, sums.load_carriers)), "On time", counted(sums.load_carriers, "load carrier"), "#punctuality");
  }
  if (FACTS.invoices) {
    const sums = total("invoices", chosen);
    tile(money(sums.difference, chosen.code), "Not invoiced", counted(sums.orders, "order"), "#invoices");
  }
  if (FACTS.actions) tile(grouped(total("actions", chosen).orders), "Need action", "purchase orders", "#actions");
  return make("nav", { class: "tiles", "aria-label": "Key figures" }, ...tiles);
}

const STATES = [["current", "Read to the end"], ["behind", "Behind"], ["never", "Never read"], ["barred", "Not granted"]];

function stateOf(feed) {
  if (feed.cursor === null) return feed.is_granted === false ? "barred" : "never";
  return feed.current_at === null || feed.current_at < feed.last_synced_at ? "behind" : "current";
}

function health() {
  const feeds = CONTENT.health[chosen.account] || [];
  if (!feeds.length) return null;
  const count = (state) => feeds.filter((feed) => stateOf(feed) === state).length;
  const rejected = feeds.reduce((sum, feed) => sum + feed.rejected_open, 0);
  const reached = count("current");
  const groups = [...new Set(feeds.map(({ feed }) => feed.split(".")[0]))];
  const well = reached === feeds.length && rejected === 0;
  const series = STATES.map(([state, name]) => ({
    name, stack: "feeds",
    values: groups.map((group) => feeds.filter((feed) => feed.feed.startsWith(`${group}.`) && stateOf(feed) === state).length || null),
  })).filter(({ values }) => values.some(Boolean));
  const picture = horizontalBars({
    labels: groups.map(words), series, format: grouped, axis: { minInterval: 1 }, flat: true,
    alt: `Feeds by how far they are read. ${STATES.map(([state, name]) => `${name}: ${count(state)}`).join(", ")}.`,
  });
  const table = {
    columns: [column("Feed"), column("State"), column("Last read"), column("Last change"), column("Behind", grouped),
      column("Records", grouped), column("Rejected", grouped)],
    rows: feeds.map((feed) => [feed.feed, Object.fromEntries(STATES)[stateOf(feed)], inAmsterdam(feed.last_synced_at),
      inAmsterdam(feed.last_changed_at), feed.behind, feed.records, feed.rejected_open]),
  };
  const mark = make("span", { class: well ? "mark well" : "mark", "aria-hidden": "true" }, well ? "\u2713" : "!");
  const verdict = well ? "Fresh and complete" : rejected ? "Some records are missing" : "Not all is read";
  const section = make("section", { id: "health", class: "card wide health", "aria-labelledby": "health-title" },
    make("h2", { id: "health-title" }, mark, " ", verdict),
    make("div", { class: "side" }, make("div", { class: "figures" }, ...[
      { value: `${grouped(reached)} of ${grouped(feeds.length)}`, label: "feeds are read to their end" },
      { value: grouped(rejected), label: rejected === 1 ? "record was rejected" : "records were rejected" },
      { value: inAmsterdam(asOf()), label: "was the last sync, in Amsterdam" },
    ].map(figure)),
    make("div", null, ...drawing("health", picture))),
    ...disclosure("health", "Feeds", tableOf(table, "Feeds of the account"), feeds.length));
  return { section, picture: { id: "health-chart", ...picture } };
}

function asOf() {
  const moments = (CONTENT.health[chosen.account] || []).map((feed) => feed.last_synced_at).filter(Boolean);
  return moments.sort().at(-1) ?? null;
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

// Pictures

let pictures = [];
const printing = window.matchMedia("print");
let isPrinted = false;
// What fits on paper: the page is drawn before it is laid out.
const PRINTED = { whole: 660, half: 440, height: 0.65 };

function draw() {
  const look = colours();
  const onPaper = isPrinted || printing.matches;
  for (const picture of pictures) {
    const place = at(picture.id);
    const width = onPaper ? (place.closest(".side") ? PRINTED.half : PRINTED.whole) : place.clientWidth;
    const height = onPaper ? Math.round(picture.height * PRINTED.height) : picture.height;
    place.style.height = `${height}px`;
    let chart = charts.get(picture.id);
    if (!chart) {
      chart = echarts.init(place, null, { renderer: "svg", width, height });
      charts.set(picture.id, chart);
    } else chart.resize({ width, height });
    chart.setOption(picture.option(look, width), true);
  }
}

// Pages are counted before the media change, so sizes must be right by then; colours follow with it.
for (const [event, printed] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    isPrinted = printed;
    draw();
  });
}
let waiting = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(draw);
});
for (const query of [printing, window.matchMedia("(prefers-color-scheme: dark)")]) query.addEventListener("change", draw);
enter(chosen.account);
