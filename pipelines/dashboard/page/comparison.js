// Compare weeks with those of the same number a year earlier: only weeks that are over and that both years have.

// The revenue of the chosen customers, items and currency, by account and week.
function revenueOfWeeks(chosen) {
  const sums = added("sales", { ...chosen, from: null, to: null }, ["account", "week"]);
  return new Map(sums.map(({ account, week, revenue }) => [`${account} ${week}`, revenue]));
}

// The first week of an account, if its data begin within it: it is not a full one. Undefined if that is not known.
function partialWeek(account) {
  const compared = CONTENT.incomplete[CONTENT.keys[account]];
  return compared === undefined ? undefined : yearEarlier(compared);
}

// The first full week of all chosen accounts; infinite if there is none.
function firstFullWeek(chosen) {
  const full = [...knownWeeks(chosen)].flatMap(([account, weeks]) => [...weeks].filter((week) => week !== partialWeek(account)));
  return full.reduce((left, right) => Math.min(left, right), Infinity);
}

// The weeks that are over and in which the account has any order, whatever else is chosen, by account.
function knownWeeks(chosen) {
  const { account, week } = FACTS.sales;
  const known = new Map();
  week.forEach((each, row) => {
    if (each === null || each >= CONTENT.week || (chosen.account !== null && CONTENT.keys[account[row]] !== chosen.account)) return;
    if (!known.has(account[row])) known.set(account[row], new Set());
    known.get(account[row]).add(each);
  });
  return known;
}

// By week, what both years brought in; of each account only weeks that it has in both, and as a whole in the earlier one. Null if
// no account has both.
function yearsOf(chosen) {
  const [revenue, known] = [revenueOfWeeks(chosen), knownWeeks(chosen)];
  const isWhole = (account, week) => CONTENT.incomplete[CONTENT.keys[account]] !== week;
  const sum = (week, shown) => [...known]
    .filter(([account, weeks]) => weeks.has(week) && weeks.has(yearEarlier(week)) && isWhole(account, week))
    .reduce((all, [account]) => (all ?? 0) + (revenue.get(`${account} ${shown}`) ?? 0), null);
  return {
    known: [...new Set([...known.values()].flatMap((weeks) => [...weeks]))],
    now: (week) => sum(week, week),
    before: (week) => sum(week, yearEarlier(week)),
  };
}

// The growth over the comparable ones of the chosen full weeks; null if there are none. Without a part if a year earlier there was nothing.
function comparison(chosen) {
  if (chosen.currency === null || !FACTS.sales) return null;
  const { known, now, before } = yearsOf(chosen);
  if (!known.length) return null;
  const from = chosen.from ?? firstFullWeek(chosen);
  const to = Math.min(chosen.from === null ? CONTENT.week : chosen.to, CONTENT.week - 1);
  const all = Array.from({ length: Math.max(0, to - from + 1) }, (_, place) => from + place);
  const weeks = all.filter((week) => before(week) !== null);
  const sum = (of) => weeks.reduce((whole, week) => whole + of(week), 0);
  const [value, growth] = [sum(before), sum(now)];
  if (!weeks.length) return null;
  const compared = t("{part} of {whole}", { part: grouped(weeks.length), whole: counted(all.length, t("week"), t("weeks")) });
  return { value, now: growth, part: value ? growth / value - 1 : null, text: change(growth, value) ?? t("nothing a year earlier"), weeks: compared };
}

// For each partner or item, its revenue in the comparable ones of the chosen weeks, and a year earlier; empty if there are none.
function comparisonBy(chosen, split) {
  const known = knownWeeks(chosen);
  const from = chosen.from ?? -Infinity;
  const to = Math.min(chosen.from === null ? CONTENT.week : chosen.to, CONTENT.week - 1);
  const isCompared = (account, week) => week >= from && week <= to && known.get(account)?.has(week) && known.get(account).has(yearEarlier(week))
    && CONTENT.incomplete[CONTENT.keys[account]] !== week;
  const sums = added("sales", { ...chosen, from: null, to: null }, ["account", "week", split]);
  const found = new Map(sums.map((each) => [each[split], { now: 0, before: 0 }]));
  if (![...known].some(([account, weeks]) => [...weeks].some((week) => isCompared(account, week)))) return new Map();
  for (const { account, week, revenue, [split]: place } of sums.filter((each) => each.week !== null)) {
    const sum = found.get(place);
    if (isCompared(account, week)) sum.now += revenue;
    // A week is the year before of at most one other.
    if ([week + 52, week + 53].some((later) => yearEarlier(later) === week && isCompared(account, later))) sum.before += revenue;
  }
  return found;
}

// The last full one of the chosen weeks against the week before it; null without anything to divide by, or if that is not a full one.
function weekBefore(chosen) {
  const week = Math.min(chosen.to ?? CONTENT.week, CONTENT.week - 1);
  const revenue = new Map(added("sales", { ...chosen, from: null }, ["week"]).map((each) => [each.week, each.revenue]));
  const [value, before] = [revenue.get(week) ?? 0, revenue.get(week - 1) ?? 0];
  return before && week - 1 >= firstFullWeek(chosen) ? { week, value, before, text: change(value, before) } : null;
}
