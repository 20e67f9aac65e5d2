// The sections: for what is chosen, each gives its figures, its picture and its table.

const MOST_BARS = 12;

const WORD = BUYS ? "Spend" : "Revenue";

const amount = (chosen, decimals = 0) => (value) => money(value, chosen.code, decimals);
const cents = (value) => grouped(value, 2);
const price = (chosen) => (value) => money(value, chosen.code, 3);
const column = (name, format) => ({ name, format, number: Boolean(format) });
const worth = (name, chosen, format = cents) => column(chosen.code ? `${name}, ${chosen.code}` : name, format);

// Without a period there is no previous year to compare with.
function comparison(chosen, sums) {
  if (chosen.from === null || chosen.currency === null) return null;
  const before = lastYear(chosen);
  let value = 0;
  for (let week = chosen.from; week <= chosen.to; week += 1) value += before.of(week) || 0;
  return value ? { value, text: change(sums.revenue, value) } : null;
}

function revenueByWeek(chosen) {
  const weeks = weeksOf("sales", chosen);
  const sums = new Map(added("sales", chosen, ["week"]).map((sum) => [sum.week, sum]));
  const before = lastYear(chosen);
  const now = weeks.map((week) => sums.get(week)?.revenue ?? 0);
  const then = weeks.map((week) => before.of(week));
  const whole = total("sales", chosen);
  const year = comparison(chosen, whole);
  const listed = [...sums.values()].sort((left, right) => (right.week ?? -1) - (left.week ?? -1));
  return {
    figures: [
      { value: money(whole.revenue, chosen.code), label: `${WORD.toLowerCase()} in the period` },
      year && { value: year.text, label: `on last year's ${money(year.value, chosen.code)}` },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [{ name: WORD, values: now }, { name: "A year earlier", values: then, line: true, dashed: true, colour: "before" }],
      format: amount(chosen),
      alt: `${WORD} by week of delivery, with the year before. ${extremes(weeks.map(weekName), now, amount(chosen))}`,
    }),
    table: {
      columns: [column("Week"), column("From"), column("Orders", grouped), column("Pieces", grouped),
        worth(WORD, chosen), worth("A year earlier", chosen), column("Change", (text) => text ?? NOTHING)],
      rows: listed.map(({ week, orders, pieces, revenue }) => {
        const earlier = week === null ? null : before.of(week);
        return [weekName(week), week === null ? NOTHING : monday(week), orders, pieces, revenue, earlier,
          change(revenue, earlier)];
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
  const ways = [...new Set(mix.map((each) => each.instrument))].slice(0, 6);
  const value = (channel, way) =>
    mix.find((each) => each.channel === channel && each.instrument === way)?.revenue ?? null;
  const first = all[0];
  return {
    figures: [
      first && { value: percent(quotient(first.revenue, whole.revenue)), label: `through ${names[0]}` },
      { value: grouped(all.length), label: all.length === 1 ? "sales channel" : "sales channels" },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: ways.map((way) => ({
        name: words(CONTENT.keys[way]), stack: "ways", values: shown.map((each) => value(each.channel, way)),
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

function fillRate(chosen) {
  const whole = total("fill", chosen);
  const weeks = weeksOf("fill", chosen).filter((week) => week <= CONTENT.week);
  const sums = new Map(added("fill", chosen, ["week"]).map((sum) => [sum.week, quotient(sum.delivered, sum.ordered)]));
  const rates = weeks.map((week) => sums.get(week) ?? null);
  const missing = (each) => each.ordered - each.delivered;
  const perItem = added("fill", chosen, ["item"]).map((each) => ({ ...each, missing: missing(each) })).sort(falling("missing"));
  return {
    figures: [
      { value: percent(quotient(whole.delivered, whole.ordered)), label: "of the pieces first ordered were delivered" },
      { value: grouped(missing(whole)), label: "pieces short" },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [{ name: "Fill rate", values: rates, line: true }],
      format: percent,
      axis: { max: 1, min: (range) => Math.max(0, Math.floor(range.min * 10) / 10) },
      alt: `Fill rate by week of delivery. ${extremes(weeks.map(weekName), rates, percent)}`,
    }),
    table: {
      columns: [column("Trade item"), column("Orders", grouped), column("Ordered", grouped), column("Delivered", grouped),
        column("Short", grouped), column("Fill rate", percent)],
      rows: perItem.map((each) => [nameOf("item", each.item), each.orders, each.ordered, each.delivered, each.missing,
        quotient(each.delivered, each.ordered)]),
    },
  };
}

function onTime(chosen) {
  const whole = total("deliveries", chosen);
  const carriers = added("deliveries", chosen, ["carrier"]).sort(falling("load_carriers"));
  const shown = carriers.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("carrier", each.carrier));
  const shares = shown.map((each) => quotient(each.on_time, each.load_carriers));
  return {
    figures: [
      { value: percent(quotient(whole.on_time, whole.load_carriers)), label: "of the load carriers came in time" },
      { value: grouped(whole.load_carriers - whole.on_time), label: `of ${grouped(whole.load_carriers)} came late` },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [{ name: "In time", values: shares }],
      format: percent,
      axis: SHARE,
      alt: `Part of the load carriers that came in time, by carrier. ${extremes(names, shares, percent)}`,
    }),
    table: {
      columns: [column("Carrier"), column("Load carriers", grouped), column("In time", grouped), column("Late", grouped),
        column("Share", percent)],
      rows: carriers.map((each) => [nameOf("carrier", each.carrier), each.load_carriers, each.on_time,
        each.load_carriers - each.on_time, quotient(each.on_time, each.load_carriers)]),
    },
  };
}

function corrections(chosen) {
  const whole = total("corrections", chosen);
  const weeks = weeksOf("corrections", chosen);
  const sides = added("corrections", chosen, ["initiator"]).sort(falling("requests")).map((each) => each.initiator);
  const byWeek = added("corrections", chosen, ["week", "initiator"]);
  const requests = (week, side) =>
    byWeek.find((each) => each.week === week && each.initiator === side)?.requests ?? 0;
  const all = weeks.map((week) => sides.reduce((sum, side) => sum + requests(week, side), 0));
  const rows = added("corrections", chosen, ["partner", "initiator"]).sort(falling("requests"));
  return {
    figures: [
      { value: grouped(whole.requests), label: `requests, ${grouped(whole.accepted)} of them accepted` },
      { value: money(whole.value, chosen.code), label: "is what they changed" },
    ],
    picture: weeks.length && sides.length && verticalBars({
      weeks,
      series: sides.map((side) => ({
        name: `By ${words(CONTENT.keys[side]).toLowerCase()}`, stack: "sides", values: weeks.map((week) => requests(week, side)),
      })),
      format: grouped,
      axis: { minInterval: 1 },
      alt: `Correction requests by week of delivery. ${extremes(weeks.map(weekName), all, grouped)}`,
    }),
    table: {
      columns: [column(PARTNER.One), column("Asked by"), column("Requests", grouped), column("Accepted", grouped),
        column("Pieces", grouped), worth("Value", chosen)],
      rows: rows.map((each) => [nameOf("partner", each.partner), words(CONTENT.keys[each.initiator]), each.requests,
        each.accepted, each.pieces, each.value]),
    },
  };
}

const REASONS = dictionary({
  NOT_SETTLED: "Not settled", NOT_INVOICED: "Settled, no invoice yet", DIFFERENCE: "Invoiced differently",
});

function openInvoices(chosen) {
  const whole = total("invoices", chosen);
  const weeks = weeksOf("invoices", chosen).filter((week) => week <= CONTENT.week);
  const reasons = Object.keys(REASONS).filter((reason) => PLACES.has(reason));
  const byWeek = added("invoices", chosen, ["week", "reason"]);
  const value = (week, reason) =>
    byWeek.find((each) => each.week === week && CONTENT.keys[each.reason] === reason)?.difference ?? null;
  const all = weeks.map((week) => reasons.reduce((sum, reason) => sum + (value(week, reason) || 0), 0));
  const rows = added("invoices", chosen, ["partner", "reason"]).sort(falling("difference"));
  return {
    figures: [
      { value: money(whole.difference, chosen.code), label: `ordered and not ${BUYS ? "yet " : ""}invoiced` },
      { value: grouped(whole.orders), label: whole.orders === 1 ? "order is open" : "orders are open" },
    ],
    picture: weeks.length && rows.length && verticalBars({
      weeks,
      series: reasons.map((reason) => ({
        name: REASONS[reason], stack: "reasons", values: weeks.map((week) => value(week, reason)),
      })),
      format: amount(chosen),
      alt: `What is not invoiced, by week of delivery. ${extremes(weeks.map(weekName), all, amount(chosen))}`,
    }),
    table: {
      columns: [column(PARTNER.One), column("Why"), column("Orders", grouped), worth("Ordered", chosen),
        worth("Invoiced", chosen), worth("Difference", chosen)],
      rows: rows.map((each) => [nameOf("partner", each.partner), REASONS[CONTENT.keys[each.reason]] || NOTHING,
        each.orders, each.ordered, each.invoiced, each.difference]),
    },
  };
}

function stock(chosen) {
  const whole = total("stock", chosen);
  const perItem = added("stock", chosen, ["item"]).sort(falling("remaining"));
  const shown = perItem.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("item", each.item));
  const part = (name, measure) => ({ name, stack: "pieces", values: shown.map((each) => each[measure]) });
  return {
    figures: [
      { value: percent(quotient(whole.sold, whole.initial)), label: "of the batches of the period was sold" },
      { value: grouped(whole.remaining), label: "pieces left" },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [part("Sold", "sold"), part("Left", "remaining"), part("Gone otherwise", "other")],
      format: grouped,
      alt: `Pieces sold, left and otherwise removed, of the trade items with most pieces left. Left: ${
        extremes(names, shown.map((each) => each.remaining), grouped)}`,
    }),
    table: {
      columns: [column("Trade item"), column("Batches", grouped), column("At first", grouped), column("Sold", grouped),
        column("Gone otherwise", grouped), column("Left", grouped), column("Sell-through", percent)],
      rows: perItem.map((each) => [nameOf("item", each.item), each.batches, each.initial, each.sold, each.other,
        each.remaining, quotient(each.sold, each.initial)]),
    },
  };
}

function actions(chosen) {
  const reasons = added("actions", chosen, ["reason"]).sort(falling("orders"));
  const names = reasons.map((each) => words(CONTENT.keys[each.reason]));
  const [partner, item] = [CONTENT.keys[chosen.partner], CONTENT.keys[chosen.item]];
  const week = (day) => Math.floor((Date.parse(day) - FIRST_MONDAY) / (7 * DAY));
  const listed = CONTENT.actions.filter(([account, , , day, grower, what]) =>
    account === chosen.account && (chosen.partner === null || grower === partner) && (chosen.item === null || what === item)
    && (chosen.from === null || (day && week(day) >= chosen.from && week(day) <= chosen.to)));
  const name = (split, id) => (id ? CONTENT.names[split][id] || `Unknown ${id.slice(0, 8)}` : NOTHING);
  return {
    figures: [{ value: grouped(listed.length), label: listed.length === 1 ? "purchase order" : "purchase orders" }],
    picture: reasons.length && horizontalBars({
      labels: names,
      series: [{ name: "Purchase orders", values: reasons.map((each) => each.orders) }],
      format: grouped,
      axis: { minInterval: 1 },
      alt: `Purchase orders by why they need action. ${extremes(names, reasons.map((each) => each.orders), grouped)}`,
    }),
    table: {
      columns: [column("Delivery"), column("Reference"), column("Grower"), column("Trade item"), column("Units", grouped),
        column("Why")],
      rows: listed.map(([, reference, why, day, grower, what, quantity]) => [day || NOTHING, reference || NOTHING,
        name("partner", grower), name("item", what), quantity === null ? null : Number(quantity), why.map(words).join(", ")]),
    },
  };
}

const SECTIONS = [
  { id: "revenue", fact: "sales", title: `${WORD} by week`, build: revenueByWeek, wide: true,
    note: "Committed orders by week of delivery; each week beside the whole week of that number a year earlier." },
  { id: "partners", fact: "sales", title: PARTNER.Many, build: pareto,
    note: `Those that ${BUYS ? "get" : "bring in"} most, and what they make up together.` },
  { id: "items", fact: "sales", title: "Trade items", build: items, note: `What the ${WORD.toLowerCase()} is made of.` },
  { id: "channels", fact: "sales", title: "Sales channels", build: channels, note: "Where orders come in, and how they were traded." },
  { id: "clock", fact: "sales", title: "Clock and direct price", build: clockAndDirect,
    note: "Bare pieces, without packing, services and delivery. What is sold at the clock may differ from what is not." },
  { id: "fill", fact: "fill", title: "Fill rate", build: fillRate, every: true,
    note: "Shipped pieces compared with ordered pieces before all corrections; orders whose delivery has passed." },
  { id: "punctuality", fact: "deliveries", title: "On-time delivery", build: onTime, every: true,
    note: "Load carriers with a reported receipt: fraction received at the latest delivery or before." },
  { id: "corrections", fact: "corrections", title: "Corrections", build: corrections,
    note: "Requests to change an order after the sale, by the week of its delivery." },
  { id: "invoices", fact: "invoices", title: "Open invoices", build: openInvoices,
    note: "Delivered orders that are invoiced differently than ordered, or not at all." },
  { id: "stock", fact: "stock", title: "Stock and sell-through", build: stock, every: true, wide: true,
    note: "Batches by the day of their harvest or production; those of which most is left come first." },
  { id: "actions", fact: "actions", title: "Purchase orders that need action", build: actions, every: true, wide: true,
    note: "Why Floriday made no sales order of them yet, or not the one that was meant." },
];
