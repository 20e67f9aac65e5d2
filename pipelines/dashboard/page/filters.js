// What is chosen. It stands in the address of the page, so that a link or a reload keeps it.

const at = (id) => document.getElementById(id);
const accounts = [...new Set([...Object.keys(CONTENT.accounts), ...Object.keys(CONTENT.health),
  ...Object.values(FACTS).flatMap((columns) => [...new Set(columns.account)].map((place) => CONTENT.keys[place]))])].sort();
const USUAL = 13; // full weeks that are chosen at first

// Partner, item and currency are places in CONTENT.keys; no account means all of them, and so do weeks of null and empty sets.
const filters = {
  account: accounts[0] ?? null, from: null, to: null, partner: new Set(), item: new Set(), currency: null, due: null, by: "week",
  get code() { return this.currency === null ? CONTENT.currency : CONTENT.keys[this.currency]; },
};
let [firstWeek, lastWeek] = [CONTENT.week, CONTENT.week];

function isOfAccount(columns, account) {
  const place = PLACES.get(account);
  return account === null ? () => true : (row) => columns.account[row] === place;
}

// Names in the lists, which may have no figures.
function listedIds(split) {
  const places = { partner: { actions: 4, departures: 4, changes: 1, contracts: 2, requests: 2, uninvoiced: 2, differences: 2 },
    item: { actions: 5, departures: 5, contracts: 3, requests: 3, leftovers: 1, uninvoiced: 3, differences: 3 } }[split] || {};
  return Object.entries(places).flatMap(([list, place]) => (CONTENT.lists[list] || []).map((each) => each[place])).filter(Boolean);
}

function placesOf(account, split) {
  const found = new Set();
  for (const columns of Object.values(FACTS)) {
    const fits = isOfAccount(columns, account);
    if (columns[split]) columns[split].forEach((each, row) => fits(row) && found.add(each));
  }
  return [...found];
}

// The most used currency first; one that only old orders without an invoice have comes last.
function currenciesOf(account) {
  if (!FACTS.sales) return [];
  const orders = new Map();
  for (const [columns, weight] of [[FACTS.sales, 1], [FACTS.invoices, 0]].filter(([each]) => each)) {
    const fits = isOfAccount(columns, account);
    columns.currency.forEach((place, row) => {
      if (fits(row)) orders.set(place, (orders.get(place) || 0) + weight * columns.orders[row]);
    });
  }
  return [...orders].sort((left, right) => right[1] - left[1]).map(([place]) => place);
}

// Another account: its weeks, names and currency, and none of the choices that need not exist in it.
function enter(account) {
  Object.assign(filters, { account, partner: new Set(), item: new Set(), currency: currenciesOf(account)[0] ?? null });
  const weeks = [CONTENT.week, CONTENT.week - 52, ...placesOf(account, "week").filter((week) => week !== null)];
  firstWeek = weeks.reduce((left, right) => Math.min(left, right));
  lastWeek = weeks.reduce((left, right) => Math.max(left, right));
  for (const split of Object.keys(CONTENT.names)) {
    tellApart(split, [...new Set([...placesOf(account, split).map((place) => CONTENT.keys[place]), ...listedIds(split)])]);
  }
  if (CONTENT.chosen.from === null || isOutside()) last(USUAL);
  else between(CONTENT.chosen.from, CONTENT.chosen.to);
}

// Whether the page has no data of the weeks that were asked for when it was made.
function isOutside() {
  const { from, to } = CONTENT.chosen;
  return from !== null && (to < firstWeek || from > lastWeek);
}

// The last full weeks: the running one would always look like a fall.
function last(weeks) {
  filters.to = weeks === null ? null : CONTENT.week - 1;
  filters.from = weeks === null ? null : Math.max(firstWeek, CONTENT.week - weeks);
}

function between(from, to) {
  filters.from = Math.max(firstWeek, Math.min(from, to, lastWeek));
  filters.to = Math.max(filters.from, Math.min(Math.max(from, to), lastWeek));
}

function isPreset(count) {
  const { from, to } = filters;
  last(count);
  const same = from === filters.from && to === filters.to;
  Object.assign(filters, { from, to });
  return same;
}

// A second choice of the same takes it back.
function toggle(split, place) {
  if (!filters[split].delete(place)) filters[split].add(place);
  refresh();
}

function chooseWeek(week) {
  if (week === null) return;
  if (filters.from === week && filters.to === week) last(USUAL);
  else between(week, week);
  refresh();
}

function periodName(from, to) {
  if (from === null) return t("all weeks");
  return from === to ? weekName(from) : t("{from} to {to}", { from: weekName(from), to: weekName(to) });
}

// The account, where there are several.
function accountName() {
  return filters.account === null ? t("all accounts") : accounts.length > 1 && filters.account;
}

// What is chosen, in words; of a fact, only what has an effect on it. A list has a period of its own.
function choices(columns = null, period = periodName(filters.from, filters.to)) {
  const has = (split) => columns === null || columns[split];
  return [accountName(), period,
    has("partner") && chosenNames("partner"),
    has("item") && chosenNames("item"),
    has("currency") && filters.currency !== null && (filters.code || t("no currency given")),
  ].filter(Boolean).join(" · ");
}

const ALL = { partner: BUYS ? t("all growers") : t("all customers"), item: t("all trade items") };

// For the bar, which stays on the screen: the names first, and nothing about what is not limited.
function inShort() {
  const { from, to } = filters;
  const [first, last] = from === null ? [] : [isoWeek(from), isoWeek(to)];
  const period = from === null ? t("all weeks") : from === to ? weekName(from)
    : first.year === last.year ? t("week {first} to {last}, {year}", { first: first.week, last: last.week, year: last.year }) : periodName(from, to);
  return [...["partner", "item"].filter((split) => filters[split].size).map((split) => chosenNames(split)),
    filters.account === null && t("all accounts"), period, filters.currency !== null && (filters.code || t("no currency given")),
  ].filter(Boolean).join(" · ");
}

function countOf(split, number) {
  return counted(number, "", split === "item" ? t("trade items") : PARTNER.many);
}

function chosenNames(split, most = 3) {
  const places = [...filters[split]];
  if (places.length > most) return countOf(split, places.length);
  return places.length ? places.map((place) => nameOf(split, place)).join(", ") : ALL[split];
}

// The address

function address(andLanguage = true) {
  const query = new URLSearchParams();
  const preset = PRESETS.find(([count]) => isPreset(count));
  if (CHOSEN && andLanguage) query.set("language", LANGUAGE);
  if (filters.account !== (accounts[0] ?? null)) query.set("account", filters.account ?? "*");
  if (!preset) query.set("weeks", `${weekCode(filters.from)}~${weekCode(filters.to)}`);
  else if (preset[0] !== USUAL) query.set("weeks", preset[0] ?? "all");
  for (const split of ["partner", "item"]) for (const place of filters[split]) query.append(split, CONTENT.keys[place] ?? "");
  if (filters.currency !== null && filters.currency !== currenciesOf(filters.account)[0]) query.set("currency", filters.code ?? "");
  if (filters.due !== null) query.set("due", filters.due);
  if (filters.by !== "week") query.set("by", filters.by);
  return `#${query}`;
}

function readAddress(query = new URLSearchParams(window.location.hash.slice(1))) {
  const account = query.get("account");
  enter(account === "*" && accounts.length > 1 ? null : accounts.includes(account) ? account : accounts[0] ?? null);
  const weeks = query.get("weeks");
  const [from, to] = (weeks || "").split("~").map(weekOfCode);
  if (weeks === "all") last(null);
  else if (PRESETS.some(([count]) => String(count) === weeks)) last(Number(weeks));
  else if (from !== null && to !== undefined && to !== null) between(from, to);
  for (const split of ["partner", "item"]) {
    const known = new Set(placesOf(filters.account, split));
    const places = query.getAll(split).map((text) => PLACES.get(text === "" ? null : text));
    filters[split] = new Set(places.filter((place) => known.has(place)));
  }
  const currency = query.has("currency") ? PLACES.get(query.get("currency") || null) : undefined;
  if (currenciesOf(filters.account).includes(currency)) filters.currency = currency;
  filters.due = DUES.map(([due]) => due).find((due) => due === query.get("due")) ?? null;
  if (filters.due !== null) opened.add("departures");
  filters.by = SPANS.map(([by]) => by).find((by) => by === query.get("by")) ?? "week";
}

// Each choice is a step to go back to.
function remember() {
  if (address() !== (window.location.hash || "#")) window.history.pushState(null, "", address());
  markFiltered();
}

// Show what is chosen now.
function refresh() {
  remember();
  inPlace(() => {
    fillFilters();
    render();
  });
}
