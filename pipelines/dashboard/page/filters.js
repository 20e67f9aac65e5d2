// What is chosen, and the form to choose it.

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
  const weeks = [CONTENT.week, CONTENT.week - 52, ...placesOf(account, "week").filter((week) => week !== null)];
  firstWeek = weeks.reduce((left, right) => Math.min(left, right));
  lastWeek = weeks.reduce((left, right) => Math.max(left, right));
  for (const split of Object.keys(CONTENT.names)) tellApart(split, placesOf(account, split).map((place) => CONTENT.keys[place]));
  last(13);
  fillFilters();
  render();
}

// The last full weeks: the running one would always look like a fall.
function last(weeks) {
  chosen.to = weeks === null ? null : CONTENT.week - 1;
  chosen.from = weeks === null ? null : Math.max(firstWeek, CONTENT.week - weeks);
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

// What is chosen, in words; of a fact, only what has an effect on it.
function choices(columns = null) {
  const period = chosen.from === null ? "all weeks" : `${weekName(chosen.from)} to ${weekName(chosen.to)}`;
  const has = (split) => columns === null || columns[split];
  return [period,
    has("partner") && (chosen.partner === null ? `all ${PARTNER.many}` : nameOf("partner", chosen.partner)),
    has("item") && (chosen.item === null ? "all trade items" : nameOf("item", chosen.item)),
    has("currency") && chosen.currency !== null && (CONTENT.keys[chosen.currency] || "no currency given"),
  ].filter(Boolean).join(" · ");
}
