// Sections on orders: for what is chosen, each gives its figures, its picture and its table.

const MOST_BARS = 12;
const MOST_PARTNERS = 40; // bars at most, where more than MOST_BARS partners make up 80 %
const OTHERS = 5; // the place of the last colour, shared by all further ways of trading

const amount = (chosen, decimals = 0) => (value) => money(value, chosen.code, decimals);
const price = (chosen) => (value) => money(value, chosen.code, 3);
const worth = (name, chosen, decimals = 2, more = {}) => column(name, amount(chosen, decimals), more);
const differing = (name, chosen) => column(name, (value) => money(value, chosen.code, 2, { signDisplay: "exceptZero" }));

// The columns of a comparison with a year earlier. If not all that is shown can be compared, they begin with the amount that is, of which
// the change is made.
function yearColumns(chosen, apart, more = {}) {
  return [...(apart ? [worth(t("In the weeks compared"), chosen, 2, more)] : []), worth(t("A year earlier"), chosen, 2, more), column(t("Change"), (part) => change(1 + part, 1), more)];
}

function yearCells(years, apart) {
  const { now, before } = years ?? { now: null, before: null };
  return [...(apart ? [now] : []), before, before ? now / before - 1 : null];
}

function isApart(year, whole) {
  return Boolean(year) && Math.abs(year.now - whole.revenue) >= 0.005;
}

const row = (cells, key) => ({ cells, key });
const perPiece = () => t("{currency} per piece", { currency: filters.code || "?" });

function revenueByWeek(chosen) {
  const weeks = weeksOf("sales", chosen, true);
  const revenue = new Map(added("sales", { ...chosen, from: null }, ["week"]).map((each) => [each.week, each.revenue]));
  const years = yearsOf(chosen);
  const [isOver, first] = [(week) => week < CONTENT.week, firstFullWeek(chosen)];
  const values = (fits) => weeks.map((week) => (fits(week) ? revenue.get(week) ?? 0 : null));
  const running = weeks.length && !isOver(weeks.at(-1));
  const whole = total("sales", chosen);
  const year = comparison(chosen);
  const before = weekBefore(chosen);
  const apart = isApart(year, whole);
  const rows = tableWeeks(chosen, weeks).map(({ week, orders, pieces, revenue: value }) => {
    const earlier = week === null ? null : years.before(week);
    const name = week === CONTENT.week ? t("{week} (running)", { week: weekName(week) }) : weekName(week);
    const last = week === null || !isOver(week) || week - 1 < first ? null : revenue.get(week - 1);
    return row([name, week === null ? null : monday(week), orders, pieces, value, ...yearCells(earlier === null ? null : { now: years.now(week), before: earlier }, apart),
      last ? value / last - 1 : null], week);
  });
  return {
    choices: spanButtons(),
    figures: [
      { value: money(whole.revenue, chosen.code), label: BUYS ? t("spend in the period") : t("revenue in the period") },
      year && { value: year.text, label: t("{now} against {value} a year earlier, in {weeks}",
        { now: money(year.now, chosen.code), value: money(year.value, chosen.code), weeks: year.weeks }) },
      running && weeks.includes(CONTENT.week) && {
        value: money(revenue.get(CONTENT.week) ?? 0, chosen.code),
        label: chosen.from !== null && chosen.to < CONTENT.week ? t("in the running week so far, not in the period") : t("in the running week so far"),
      },
      before && { value: before.text, label: t("in {week} on the week before ({value})", { week: weekName(before.week), value: money(before.before, chosen.code) }) },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [
        { name: WORD, stack: "weeks", slot: 0, values: values(isOver) },
        running && { name: t("Not over yet"), stack: "weeks", slot: 0, hatched: true, values: values((week) => !isOver(week)) },
        { name: t("A year earlier"), values: weeks.map(years.before), line: true, dashed: true, colour: "before" },
      ].filter(Boolean),
      format: amount(chosen),
      unit: chosen.code || "",
      alt: `${t("Value by week of delivery, with the year before.")} ${extremes(weeks.map(weekName), values(isOver), amount(chosen))}`,
    }),
    table: {
      columns: [column(t("Week"), null, { choose: chooseWeek, byKey: true }), column(t("From"), null, { byKey: true }), column(t("Orders"), grouped), column(t("Pieces"), grouped),
        worth(WORD, chosen), ...yearColumns(chosen, apart), column(t("On the week before"), (part) => change(1 + part, 1), { screen: true })],
      rows,
      whole: [t("Total"), null, whole.orders, whole.pieces, whole.revenue, ...yearCells(year && { now: year.now, before: year.value }, apart), null],
    },
    ...(chosen.by === "week" ? {} : revenueBySpan(chosen)),
  };
}

// The sums of all chosen weeks, the last one first, also of those without orders; at the end, of orders without a week.
function tableWeeks(chosen, weeks) {
  const found = new Map(added("sales", chosen, ["week"]).map((each) => [each.week, each]));
  if (!found.size) return [];
  const wanted = weeks.filter((week) => chosen.from === null || week <= chosen.to);
  const none = (week) => ({ week, orders: 0, pieces: 0, revenue: 0 });
  return [...wanted.reverse().map((week) => found.get(week) ?? none(week)), ...(found.has(null) ? [found.get(null)] : [])];
}

function pareto(chosen) {
  const whole = total("sales", chosen);
  const ranked = added("sales", chosen, ["partner"]).sort(falling("revenue"));
  const [years, year] = [comparisonBy(chosen, "partner"), comparison(chosen)];
  const apart = isApart(year, whole);
  const every = total("sales", { ...chosen, partner: new Set() }).revenue;
  const ofAll = (value) => (chosen.partner.size ? [quotient(value, every)] : []);
  let sum = 0;
  const rows = ranked.map((each, place) => {
    sum += each.revenue;
    return row([place + 1, nameOf("partner", each.partner), each.orders, each.pieces, each.revenue,
      quotient(each.revenue, whole.revenue), quotient(sum, whole.revenue), ...ofAll(each.revenue), ...yearCells(years.get(each.partner), apart)], each.partner);
  });
  const gone = rows.length ? [...years].filter(([partner, { before }]) => before && !ranked.some((each) => each.partner === partner)) : [];
  const goneRows = gone.map(([partner, both], place) => row([rows.length + place + 1, nameOf("partner", partner), 0, 0, 0, 0, quotient(sum, whole.revenue), ...ofAll(0), ...yearCells(both, apart)], partner));
  const most = rows.filter((_, place) => place === 0 || rows[place - 1].cells[6] < 0.8).length;
  const few = Math.max(MOST_BARS, Math.min(most, MOST_PARTNERS));
  const rest = rows.slice(few).reduce((all, { cells }) => all + cells[4], 0);
  const others = rest > 0 && most > MOST_BARS ? [{ cells: [null, `${KINDS.partner.others} (${grouped(rows.length - few)})`, null, null, rest, null, 1] }] : [];
  const shown = [...rows.slice(0, few), ...others];
  const names = shown.map(({ cells }) => cells[1]);
  return {
    figures: [
      { value: grouped(rows.length), label: rows.length === 1 ? PARTNER.one : PARTNER.many },
      gone.length > 0 && { value: grouped(gone.length), label: t("others, only a year earlier, also in the table"), hint: true },
      most < rows.length && whole.revenue > 0 && { value: grouped(most), label: t("together make up {part}", { part: percent(0.8, 0) }) },
      chosen.partner.size > 0 && every > 0 && { value: percent(whole.revenue / every), label: BUYS ? t("of the spend with all growers ({value})", { value: money(every, chosen.code) })
        : t("of the revenue of all customers ({value})", { value: money(every, chosen.code) }) },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [
        { name: WORD, values: shown.map(({ cells }) => cells[4]) },
        { name: t("Cumulative share"), values: shown.map(({ cells }) => cells[6]), line: true, second: true, colour: "muted" },
      ],
      format: amount(chosen),
      unit: chosen.code || "",
      secondFormat: percent,
      secondUnit: t("share of all"),
      choose: (place) => shown[place].key !== undefined && toggle("partner", shown[place].key),
      alt: `${t("The largest ones by value, and their cumulative share.")} ${extremes(names, shown.map(({ cells }) => cells[4]), amount(chosen))}`,
    }),
    table: {
      columns: [column(t("Rank"), grouped), column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Orders"), grouped),
        column(t("Pieces"), grouped), worth(WORD, chosen), column(t("Share"), percent), column(t("Cumulative"), percent),
        ...(chosen.partner.size ? [column(BUYS ? t("Share of all growers") : t("Share of all customers"), percent)] : []), ...yearColumns(chosen, apart, { screen: true })],
      rows: [...rows, ...goneRows],
      few,
      paper: PAPER,
      whole: [null, t("Total"), whole.orders, whole.pieces, whole.revenue, whole.revenue ? 1 : null, null, ...ofAll(whole.revenue),
        ...yearCells(year && { now: year.now, before: year.value }, apart)],
    },
  };
}

function items(chosen) {
  const whole = total("sales", chosen);
  const ranked = added("sales", chosen, ["item"]).sort(falling("revenue"));
  const shown = ranked.slice(0, MOST_BARS);
  const years = comparisonBy(chosen, "item");
  const sold = new Set(ranked.map((each) => each.item));
  const gone = [...years].filter(([item, { before }]) => before && !sold.has(item)).map(([item]) => ({ item, orders: 0, pieces: 0, revenue: 0 }));
  const year = comparison(chosen);
  const apart = isApart(year, whole);
  const names = shown.map((each) => nameOf("item", each.item));
  const line = (each) => [each.orders, each.pieces, each.revenue, quotient(each.revenue, each.pieces), quotient(each.revenue, whole.revenue)];
  return {
    figures: [
      { value: grouped(ranked.length), label: ranked.length === 1 ? t("trade item") : t("trade items") },
      sold.size > 0 && gone.length > 0 && { value: grouped(gone.length), label: t("others, sold only a year earlier, also in the table"), hint: true },
      { value: grouped(whole.pieces), label: t("pieces") },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [{ name: WORD, values: shown.map((each) => each.revenue) }],
      format: amount(chosen),
      unit: chosen.code || "",
      choose: (place) => toggle("item", shown[place].item),
      alt: `${t("The largest trade items by value.")} ${extremes(names, shown.map((each) => each.revenue), amount(chosen))}`,
    }),
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Orders"), grouped), column(t("Pieces"), grouped),
        worth(WORD, chosen), worth(t("Per piece"), chosen, 3), column(t("Share"), percent), ...yearColumns(chosen, apart, { screen: true })],
      rows: [...ranked, ...(sold.size ? gone : [])].map((each) => row([nameOf("item", each.item), ...line(each), ...yearCells(years.get(each.item), apart)], each.item)),
      whole: [t("Total"), ...line(whole), ...yearCells(year && { now: year.now, before: year.value }, apart)],
    },
  };
}

// Trade items by what they sold more or less of than a year earlier, in the comparable weeks.
function movers(chosen) {
  const found = [...comparisonBy(chosen, "item")].map(([item, { now, before }]) => ({ item, now, before, difference: now - before, group: now < before ? "falling" : "growing" }))
    .filter(({ difference }) => Math.abs(difference) >= 0.005);
  found.sort((left, right) => Math.abs(right.difference) - Math.abs(left.difference));
  const part = (group) => found.filter((each) => each.group === group);
  const line = ({ now, before, difference }) => [now, before, difference, before ? now / before - 1 : null];
  const whole = (some) => line(addedUp(some, ["now", "before", "difference"]));
  const groups = [["growing", t("Growing")], ["falling", t("Falling")]].filter(([group]) => part(group).length)
    .map(([group, name]) => ({ group, cells: [`${name}: ${counted(part(group).length, t("trade item"), t("trade items"))}`, ...whole(part(group))] }));
  const signed = (value) => money(value, chosen.code, 0, { signDisplay: "exceptZero" });
  return {
    figures: groups.map(({ group, cells }) => ({ value: signed(cells[3]), label: group === "growing" ? t("of items that are growing") : t("of items that are falling") })),
    table: {
      groups,
      even: true,
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), worth(WORD, chosen), worth(t("A year earlier"), chosen),
        differing(t("Difference"), chosen), column(t("Change"), (part) => change(1 + part, 1))],
      rows: found.map((each) => ({ ...row([nameOf("item", each.item), ...line(each)], each.item), group: each.group })),
      whole: [t("Total"), ...whole(found)],
    },
  };
}

function channels(chosen) {
  const whole = total("sales", chosen);
  const mix = added("sales", chosen, ["channel", "instrument"]).sort(falling("revenue"));
  const all = added("sales", chosen, ["channel"]).sort(falling("revenue"));
  const shown = all.slice(0, 8);
  const names = shown.map((each) => words(CONTENT.keys[each.channel]));
  const slot = (way) => Math.min(slotOf("sales", "instrument", "orders", way), OTHERS);
  const ways = [...new Set(mix.map((each) => each.instrument))].sort((left, right) => slot(left) - slot(right));
  const kinds = [...new Set(ways.map(slot))];
  const value = (channel, kind) => mix.filter((each) => each.channel === channel && slot(each.instrument) === kind)
    .reduce((sum, each) => sum + each.revenue, 0) || null;
  const nameOfKind = (kind) => (kind === OTHERS && ways.filter((way) => slot(way) === OTHERS).length > 1 ? t("Other") : words(CONTENT.keys[ways.find((way) => slot(way) === kind)]));
  return {
    figures: [
      all.length && { value: percent(quotient(all[0].revenue, whole.revenue)), label: t("through {name}", { name: names[0] }) },
      { value: grouped(all.length), label: all.length === 1 ? t("sales channel") : t("sales channels") },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: kinds.map((kind) => ({
        name: nameOfKind(kind), stack: "ways", slot: kind, values: shown.map((each) => value(each.channel, kind)),
      })),
      format: amount(chosen),
      unit: chosen.code || "",
      alt: `${t("Value by sales channel and way of trading.")} ${extremes(names, shown.map((each) => each.revenue), amount(chosen))}`,
    }),
    table: {
      columns: [column(t("Sales channel")), column(t("Way of trading")), column(t("Orders"), grouped), column(t("Pieces"), grouped),
        worth(WORD, chosen), column(t("Share"), percent)],
      rows: mix.map((each) => row([words(CONTENT.keys[each.channel]), words(CONTENT.keys[each.instrument]), each.orders,
        each.pieces, each.revenue, quotient(each.revenue, whole.revenue)])),
      whole: [t("Total"), null, whole.orders, whole.pieces, whole.revenue, whole.revenue ? 1 : null],
    },
  };
}

function clockAndDirect(chosen) {
  const weeks = weeksOf("sales", chosen);
  const ways = added("sales", chosen, ["instrument"], "price_currency").sort(falling("pieces"));
  const whole = total("sales", chosen, "price_currency");
  const average = (some) => {
    const sum = (measure) => some.reduce((all, each) => all + each[measure], 0);
    return quotient(sum("paid"), sum("priced_pieces"));
  };
  const clock = average(ways.filter((each) => isClock(each.instrument)));
  const direct = average(ways.filter((each) => !isClock(each.instrument)));
  const same = addedUp(soldBothWays(chosen), ["pieces", "paid", "due"]);
  const fetched = (sum) => price(chosen)(quotient(sum, same.pieces));
  const byWeek = added("sales", chosen, ["week", "instrument"], "price_currency");
  const line = (wanted) => weeks.map((week) =>
    average(byWeek.filter((each) => each.week === week && isClock(each.instrument) === wanted)));
  const [atClock, beside] = [line(true), line(false)];
  return {
    figures: [
      same.paid > 0 && { value: change(same.due, same.paid), label: t("like for like: {direct} direct against {clock} at the clock, same items and weeks",
        { direct: fetched(same.due), clock: fetched(same.paid) }) },
      clock && direct && { value: change(direct, clock), label: t("of all sold: {direct} direct against {clock} at the clock; partly because other items were sold direct than at the clock",
        { direct: price(chosen)(direct), clock: price(chosen)(clock) }) },
      !(clock && direct) && { value: price(chosen)(clock ?? direct), label: clock ? t("a piece at the clock") : t("a piece direct") },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [{ name: t("Clock"), values: atClock, line: true }, { name: t("Direct"), values: beside, line: true }],
      format: price(chosen),
      unit: perPiece(),
      axis: { min: 0 },
      alt: `${t("Average price of a bare piece by week, at the clock.")} ${extremes(weeks.map(weekName), atClock, price(chosen))} `
        + `${t("Direct:")} ${extremes(weeks.map(weekName), beside, price(chosen))}`,
    }),
    table: {
      columns: [column(t("Way of trading")), column(t("Orders"), grouped), column(t("Pieces"), grouped), worth(t("Average price"), chosen, 3)],
      rows: ways.map((each) => row([words(CONTENT.keys[each.instrument]), each.orders, each.pieces, quotient(each.paid, each.priced_pieces)])),
      whole: [t("Total"), whole.orders, whole.pieces, quotient(whole.paid, whole.priced_pieces)],
    },
  };
}
