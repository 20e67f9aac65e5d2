// Sections on orders: for what is chosen, each gives its figures, its picture and its table.

const MOST_BARS = 12;
const OTHERS = 5; // the place of the last colour, shared by all further ways of trading

const WORD = BUYS ? "Spend" : "Revenue";

const amount = (chosen, decimals = 0) => (value) => money(value, chosen.code, decimals);
const cents = (value) => grouped(value, 2);
const price = (chosen) => (value) => money(value, chosen.code, 3);
const column = (name, format) => ({ name, format, number: Boolean(format) });
const worth = (name, chosen, format = cents) => column(chosen.code ? `${name}, ${chosen.code}` : name, format);

function revenueByWeek(chosen) {
  const weeks = weeksOf("sales", chosen, true);
  const revenue = revenueOfWeeks(chosen);
  const years = yearsOf(chosen);
  const isOver = (week) => week < CONTENT.week;
  const values = (fits) => weeks.map((week) => (fits(week) ? revenue.get(week) ?? 0 : null));
  const running = weeks.length && !isOver(weeks.at(-1));
  const whole = total("sales", chosen);
  const year = comparison(chosen);
  const listed = added("sales", chosen, ["week"]).sort((left, right) => (right.week ?? -1) - (left.week ?? -1));
  return {
    figures: [
      { value: money(whole.revenue, chosen.code), label: `${WORD.toLowerCase()} in the period` },
      year && { value: year.text, label: `on last year's ${money(year.value, chosen.code)}, in ${year.weeks}` },
      running && weeks.includes(CONTENT.week) && {
        value: money(revenue.get(CONTENT.week) ?? 0, chosen.code),
        label: `in the running week so far${chosen.from !== null && chosen.to < CONTENT.week ? ", not in the period" : ""}`,
      },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [
        { name: WORD, stack: "weeks", slot: 0, values: values(isOver) },
        running && { name: "Not over yet", stack: "weeks", slot: 0, hatched: true, values: values((week) => !isOver(week)) },
        { name: "A year earlier", values: weeks.map(years.before), line: true, dashed: true, colour: "before" },
      ].filter(Boolean),
      format: amount(chosen),
      alt: `${WORD} by week of delivery, with the year before. ${extremes(weeks.map(weekName), values(isOver), amount(chosen))}`,
    }),
    table: {
      columns: [column("Week"), column("From"), column("Orders", grouped), column("Pieces", grouped),
        worth(WORD, chosen), worth("A year earlier", chosen), column("Change", (text) => text ?? NOTHING)],
      rows: listed.map(({ week, orders, pieces, revenue: value }) => {
        const earlier = week === null ? null : years.before(week);
        return [`${weekName(week)}${week === CONTENT.week ? " (running)" : ""}`, week === null ? NOTHING : monday(week), orders,
          pieces, value, earlier, change(value, earlier)];
      }),
    },
  };
}

function pareto(chosen) {
  const whole = total("sales", chosen);
  const ranked = added("sales", chosen, ["partner"]).sort(falling("revenue"));
  let sum = 0;
  const rows = ranked.map((each, place) => {
    sum += each.revenue;
    return [place + 1, nameOf("partner", each.partner), each.orders, each.pieces, each.revenue,
      quotient(each.revenue, whole.revenue), quotient(sum, whole.revenue)];
  });
  const shown = rows.slice(0, MOST_BARS);
  const most = rows.filter((row, place) => place === 0 || rows[place - 1][6] < 0.8).length;
  return {
    figures: [
      { value: grouped(rows.length), label: rows.length === 1 ? PARTNER.one : PARTNER.many },
      rows.length > 1 && whole.revenue > 0 && {
        value: grouped(most), label: `${most === 1 ? "makes" : "make"} up 80${THIN}% of the ${WORD.toLowerCase()}`,
      },
    ],
    picture: shown.length && horizontalBars({
      labels: shown.map((row) => row[1]),
      series: [
        { name: WORD, values: shown.map((row) => row[4]) },
        { name: "Cumulative share", values: shown.map((row) => row[6]), line: true, second: true, colour: "muted" },
      ],
      format: amount(chosen),
      secondFormat: percent,
      alt: `${WORD} of the ${counted(shown.length, "largest", "largest")} ${PARTNER.many} and their cumulative share. `
        + extremes(shown.map((row) => row[1]), shown.map((row) => row[4]), amount(chosen)),
    }),
    table: {
      columns: [column("Rank", grouped), column(PARTNER.One), column("Orders", grouped), column("Pieces", grouped),
        worth(WORD, chosen), column("Share", percent), column("Cumulative", percent)],
      rows,
    },
  };
}

function items(chosen) {
  const whole = total("sales", chosen);
  const ranked = added("sales", chosen, ["item"]).sort(falling("revenue"));
  const shown = ranked.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("item", each.item));
  return {
    figures: [
      { value: grouped(ranked.length), label: ranked.length === 1 ? "trade item" : "trade items" },
      { value: grouped(whole.pieces), label: "pieces" },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [{ name: WORD, values: shown.map((each) => each.revenue) }],
      format: amount(chosen),
      alt: `${WORD} of the largest trade items. ${extremes(names, shown.map((each) => each.revenue), amount(chosen))}`,
    }),
    table: {
      columns: [column("Trade item"), column("Orders", grouped), column("Pieces", grouped), worth(WORD, chosen),
        worth("Per piece", chosen, (value) => grouped(value, 3)), column("Share", percent)],
      rows: ranked.map((each) => [nameOf("item", each.item), each.orders, each.pieces, each.revenue,
        quotient(each.revenue, each.pieces), quotient(each.revenue, whole.revenue)]),
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
  const first = all[0];
  return {
    figures: [
      first && { value: percent(quotient(first.revenue, whole.revenue)), label: `through ${names[0]}` },
      { value: grouped(all.length), label: all.length === 1 ? "sales channel" : "sales channels" },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: kinds.map((kind) => ({
        name: kind === OTHERS ? "Other" : words(CONTENT.keys[ways.find((way) => slot(way) === kind)]),
        stack: "ways", slot: kind, values: shown.map((each) => value(each.channel, kind)),
      })),
      format: amount(chosen),
      alt: `${WORD} by sales channel and way of trading. ${extremes(names, shown.map((each) => each.revenue), amount(chosen))}`,
    }),
    table: {
      columns: [column("Sales channel"), column("Way of trading"), column("Orders", grouped), column("Pieces", grouped),
        worth(WORD, chosen), column("Share", percent)],
      rows: mix.map((each) => [words(CONTENT.keys[each.channel]), words(CONTENT.keys[each.instrument]), each.orders,
        each.pieces, each.revenue, quotient(each.revenue, whole.revenue)]),
    },
  };
}

function clockAndDirect(chosen) {
  const weeks = weeksOf("sales", chosen);
  const ways = added("sales", chosen, ["instrument"], "price_currency").sort(falling("pieces"));
  const average = (some) => {
    const sum = (measure) => some.reduce((all, each) => all + each[measure], 0);
    return quotient(sum("paid"), sum("priced_pieces"));
  };
  const clock = average(ways.filter((each) => isClock(each.instrument)));
  const direct = average(ways.filter((each) => !isClock(each.instrument)));
  const byWeek = added("sales", chosen, ["week", "instrument"], "price_currency");
  const line = (wanted) => weeks.map((week) =>
    average(byWeek.filter((each) => each.week === week && isClock(each.instrument) === wanted)));
  const [atClock, beside] = [line(true), line(false)];
  return {
    figures: [
      { value: price(chosen)(clock), label: "a piece at the clock" },
      { value: price(chosen)(direct), label: `a piece beside it${clock && direct ? `, ${change(direct, clock)}` : ""}` },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [{ name: "Clock", values: atClock, line: true }, { name: "Direct and contracts", values: beside, line: true }],
      format: price(chosen),
      axis: { min: 0 },
      alt: `Average price of a bare piece by week. At the clock: ${extremes(weeks.map(weekName), atClock, price(chosen))}`
        + ` Beside it: ${extremes(weeks.map(weekName), beside, price(chosen))}`,
    }),
    table: {
      columns: [column("Way of trading"), column("Orders", grouped), column("Pieces", grouped),
        worth("Average price", chosen, (value) => grouped(value, 3))],
      rows: ways.map((each) => [words(CONTENT.keys[each.instrument]), each.orders, each.pieces,
        quotient(each.paid, each.priced_pieces)]),
    },
  };
}
