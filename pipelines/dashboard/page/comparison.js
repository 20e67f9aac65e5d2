// Compare weeks with those of the same number a year earlier: only weeks that are over and that both years have.

// The revenue of the chosen customer, item and currency, by week.
function revenueOfWeeks(chosen) {
  const sums = added("sales", { ...chosen, from: null, to: null }, ["week"]);
  return new Map(sums.map(({ week, revenue }) => [week, revenue]));
}

// The weeks that are over and have any order of the account, whatever else is chosen.
function knownWeeks(account) {
  if (!FACTS.sales) return new Set();
  const place = PLACES.get(account);
  return new Set(FACTS.sales.week.filter((week, row) =>
    week !== null && week < CONTENT.week && FACTS.sales.account[row] === place));
}

// What the week a year earlier brought in; null if one of the two weeks is unknown.
function yearsOf(chosen) {
  const [revenue, known] = [revenueOfWeeks(chosen), knownWeeks(chosen.account)];
  const isComparable = (week) => known.has(week) && known.has(yearEarlier(week));
  return {
    known,
    now: (week) => (isComparable(week) ? revenue.get(week) ?? 0 : null),
    before: (week) => (isComparable(week) ? revenue.get(yearEarlier(week)) ?? 0 : null),
  };
}

// The growth over the comparable ones of the chosen full weeks; null if there are none, or nothing to divide by.
function comparison(chosen) {
  if (chosen.currency === null || !FACTS.sales) return null;
  const { known, now, before } = yearsOf(chosen);
  if (!known.size) return null;
  const from = chosen.from ?? [...known].reduce((left, right) => Math.min(left, right));
  const to = Math.min(chosen.from === null ? CONTENT.week : chosen.to, CONTENT.week - 1);
  const all = Array.from({ length: Math.max(0, to - from + 1) }, (_, place) => from + place);
  const weeks = all.filter((week) => before(week) !== null);
  const sum = (of) => weeks.reduce((total, week) => total + of(week), 0);
  const value = sum(before);
  if (!value) return null;
  return { value, text: change(sum(now), value), weeks: `${grouped(weeks.length)} of ${counted(all.length, "week")}` };
}
