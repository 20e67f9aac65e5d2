// Read the content, select rows and sum them. Facts are columns; texts in them are indexes of CONTENT.keys.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

document.getElementById("old").hidden = "DecompressionStream" in window;
// An object whose keys are texts of the content: without a prototype, "constructor" is a key like any other.
function dictionary(object) {
  return Object.assign(Object.create(null), object);
}

const CONTENT = await unpacked(document.getElementById("content").textContent.trim());
CONTENT.accounts = dictionary(CONTENT.accounts);
CONTENT.health = dictionary(CONTENT.health);
for (const split of Object.keys(CONTENT.names)) CONTENT.names[split] = dictionary(CONTENT.names[split]);
const FACTS = CONTENT.facts;
const BUYS = CONTENT.api === "customers";
const SPLITS = new Set(["account", "week", "partner", "item", "carrier", "channel", "instrument", "currency",
  "price_currency", "initiator", "reason"]);
const MEASURES = Object.fromEntries(
  Object.entries(FACTS).map(([name, columns]) => [name, Object.keys(columns).filter((each) => !SPLITS.has(each))]),
);
const PLACES = new Map(CONTENT.keys.map((text, place) => [text, place]));
const OTHER = "*";

for (const columns of Object.values(FACTS)) {
  columns.week = columns.week.map((week) => (week === null ? null : week + CONTENT.first));
}

const PARTNER = BUYS
  ? { one: "grower", many: "growers", One: "Grower", Many: "Growers" }
  : { one: "customer", many: "customers", One: "Customer", Many: "Customers" };

// Names of the chosen account's identifiers. Those of the same name get the first text that no other of them has: town or
// GLN of an organization, grower or article code of a trade item.
const labels = Object.create(null);

function tellApart(split, ids) {
  const names = CONTENT.names[split];
  const groups = new Map();
  for (const id of ids.filter((each) => names[each])) {
    const [name] = names[id];
    groups.set(name, [...(groups.get(name) || []), id]);
  }
  labels[split] = Object.create(null);
  for (const [name, group] of groups) {
    for (const id of group) {
      const difference = (place) => names[id][place]
        && group.every((other) => other === id || names[other][place] !== names[id][place]) && names[id][place];
      labels[split][id] = group.length === 1 ? name : `${name} (${difference(1) || difference(2) || id.slice(0, 8)})`;
    }
  }
}

function labelOf(split, id) {
  return labels[split]?.[id] || CONTENT.names[split][id]?.[0];
}

function nameOf(split, place) {
  const text = CONTENT.keys[place];
  const kind = split === "item" ? "trade item" : split === "carrier" ? "carrier" : PARTNER.one;
  if (text === null) return `No ${kind} given`;
  if (text === OTHER) return `All other ${kind === "trade item" ? "items" : PARTNER.many}`;
  return labelOf(split, text) || `Unknown ${kind} ${text.slice(0, 8)}`;
}

// Whether a row matches the filters; a filter has no effect on a fact without that split.
function chooser(columns, chosen, currency) {
  const account = PLACES.get(chosen.account);
  const tests = [(row) => columns.account[row] === account];
  if (chosen.from !== null) {
    tests.push((row) => columns.week[row] !== null && columns.week[row] >= chosen.from && columns.week[row] <= chosen.to);
  }
  for (const split of ["partner", "item"]) {
    if (columns[split] && chosen[split] !== null) tests.push((row) => columns[split][row] === chosen[split]);
  }
  if (chosen.currency !== null && columns[currency]) tests.push((row) => columns[currency][row] === chosen.currency);
  return (row) => tests.every((test) => test(row));
}

// The sums of a fact's measures for each combination of some splits, as objects with both.
function added(fact, chosen, by = [], currency = "currency") {
  const columns = FACTS[fact];
  if (!columns) return [];
  const measures = MEASURES[fact];
  const fits = chooser(columns, chosen, currency);
  const sums = new Map();
  for (let row = 0; row < columns.account.length; row += 1) {
    if (!fits(row)) continue;
    const key = by.map((split) => columns[split][row]).join();
    let sum = sums.get(key);
    if (!sum) {
      sum = Object.fromEntries([...by.map((split) => [split, columns[split][row]]), ...measures.map((each) => [each, 0])]);
      sums.set(key, sum);
    }
    for (const measure of measures) sum[measure] += columns[measure][row] || 0;
  }
  return [...sums.values()];
}

function total(fact, chosen, currency = "currency") {
  const [sum] = added(fact, chosen, [], currency);
  return sum || Object.fromEntries((MEASURES[fact] || []).map((each) => [each, 0]));
}

// The weeks in the chart of a fact: the chosen ones, from the first with data. After the last full week may come the running one.
function weeksOf(fact, chosen, andRunning = false) {
  const columns = FACTS[fact];
  const account = PLACES.get(chosen.account);
  const weeks = columns.week.filter((week, row) => week !== null && columns.account[row] === account);
  if (!weeks.length) return [];
  const least = weeks.reduce((left, right) => Math.min(left, right));
  const most = weeks.reduce((left, right) => Math.max(left, right));
  const from = chosen.from === null ? least : Math.max(chosen.from, least);
  const last = andRunning && chosen.to === CONTENT.week - 1 ? CONTENT.week : chosen.to;
  const to = chosen.from === null ? most : Math.min(last, Math.max(most, CONTENT.week));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, place) => from + place);
}

// The place of a value among all values of a split: it never changes with a filter, so neither does its colour.
const slots = new Map();

function slotOf(fact, split, measure, place) {
  const name = `${fact} ${split}`;
  if (!slots.has(name)) {
    const sums = new Map();
    FACTS[fact][split].forEach((each, row) => sums.set(each, (sums.get(each) || 0) + (FACTS[fact][measure][row] || 0)));
    const sorted = [...sums].sort((left, right) => right[1] - left[1] || left[0] - right[0]);
    slots.set(name, new Map(sorted.map(([each], slot) => [each, slot])));
  }
  return slots.get(name).get(place);
}

function isClock(place) {
  return (CONTENT.keys[place] || "").startsWith("CLOCK_");
}

// From most to least; what is shown together as others comes last.
function falling(measure) {
  const isOther = (sum) => [sum.partner, sum.item].some((place) => place !== undefined && CONTENT.keys[place] === OTHER);
  return (left, right) => isOther(left) - isOther(right) || right[measure] - left[measure];
}
