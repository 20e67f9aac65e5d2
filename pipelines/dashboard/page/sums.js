// Select rows of the facts and sum them.

// Names of the chosen accounts' identifiers. Those of the same name get the first text that no other of them has: town or
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

const KINDS = {
  partner: { none: BUYS ? t("No grower given") : t("No customer given"), others: BUYS ? t("All other growers") : t("All other customers"),
    unknown: (id) => (BUYS ? t("Unknown grower {id}", { id }) : t("Unknown customer {id}", { id })) },
  item: { none: t("No trade item given"), others: t("All other items"), unknown: (id) => t("Unknown trade item {id}", { id }) },
  carrier: { none: t("No carrier given"), others: "", unknown: (id) => t("Unknown carrier {id}", { id }) },
};

function labelOf(split, id) {
  return labels[split]?.[id] || CONTENT.names[split][id]?.[0] || KINDS[split].unknown(id.slice(0, 8));
}

function nameOf(split, place) {
  const text = CONTENT.keys[place];
  return text === null ? KINDS[split].none : text === OTHER ? KINDS[split].others : labelOf(split, text);
}

// Whether a row matches the filters; a filter has no effect on a fact without that split. No account means all of them.
function chooser(columns, chosen, currency) {
  const tests = [];
  if (chosen.account !== null) {
    const account = PLACES.get(chosen.account);
    tests.push((row) => columns.account[row] === account);
  }
  if (chosen.from !== null) {
    tests.push((row) => columns.week[row] !== null && columns.week[row] >= chosen.from && columns.week[row] <= chosen.to);
  }
  for (const split of ["partner", "item"]) {
    if (columns[split] && chosen[split].size) tests.push((row) => chosen[split].has(columns[split][row]));
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
  const fits = chooser({ account: columns.account }, { ...chosen, from: null, currency: null }, "currency");
  const weeks = columns.week.filter((week, row) => week !== null && fits(row));
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
