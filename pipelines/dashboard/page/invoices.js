// Sections on invoices, stock and purchase orders.

const REASONS = dictionary({
  NOT_SETTLED: "Not settled", SETTLED_IN_PART: "Settled in part", NOT_INVOICED: "Settled, no invoice yet",
  DIFFERS: "Invoiced differently",
});

function openInvoices(chosen) {
  const whole = total("invoices", chosen);
  const weeks = weeksOf("invoices", chosen).filter((week) => week <= CONTENT.week);
  const reasons = Object.keys(REASONS).filter((reason) => PLACES.has(reason));
  const byWeek = added("invoices", chosen, ["week", "reason"]);
  const open = (week, reason) =>
    byWeek.find((each) => each.week === week && CONTENT.keys[each.reason] === reason)?.open || null;
  const excess = (week) => -byWeek.filter((each) => each.week === week).reduce((sum, each) => sum + each.excess, 0) || null;
  const all = weeks.map((week) => reasons.reduce((sum, reason) => sum + (open(week, reason) || 0), 0));
  const rows = added("invoices", chosen, ["partner", "reason"]).sort(falling("open"));
  return {
    figures: [
      { value: money(whole.open, chosen.code), label: "ordered and not invoiced" },
      { value: money(whole.excess, chosen.code), label: "invoiced too much" },
      { value: grouped(whole.orders), label: whole.orders === 1 ? "order" : "orders" },
    ],
    picture: weeks.length && rows.length && verticalBars({
      weeks,
      series: [...reasons.map((reason) => ({
        name: REASONS[reason], stack: "reasons", slot: Object.keys(REASONS).indexOf(reason), values: weeks.map((week) => open(week, reason)),
      })), { name: "Invoiced too much", stack: "reasons", slot: 4, values: weeks.map(excess) }],
      format: amount(chosen),
      alt: `What is not invoiced, by week of delivery. ${extremes(weeks.map(weekName), all, amount(chosen))}`,
    }),
    table: {
      columns: [column(PARTNER.One), column("Why"), column("Orders", grouped), worth("Ordered", chosen),
        worth("Invoiced", chosen), worth("Open", chosen), worth("Too much", chosen)],
      rows: rows.map((each) => [nameOf("partner", each.partner), REASONS[CONTENT.keys[each.reason]] || NOTHING,
        each.orders, each.ordered, each.invoiced, each.open, each.excess]),
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
  const whole = total("actions", chosen).orders;
  const reasons = added("actions", chosen, ["reason"]).sort(falling("mentions"));
  const names = reasons.map((each) => words(CONTENT.keys[each.reason]));
  const [partner, item] = [CONTENT.keys[chosen.partner], CONTENT.keys[chosen.item]];
  const week = (day) => Math.floor((Date.parse(day) - FIRST_MONDAY) / (7 * DAY));
  const listed = CONTENT.actions.filter(([account, , , day, grower, what]) =>
    account === chosen.account && (chosen.partner === null || grower === partner) && (chosen.item === null || what === item)
    && (chosen.from === null || (day && week(day) >= chosen.from && week(day) <= chosen.to)));
  const name = (split, id) => (id ? labelOf(split, id) || `Unknown ${id.slice(0, 8)}` : NOTHING);
  return {
    figures: [{ value: grouped(whole), label: whole === 1 ? "purchase order" : "purchase orders" }],
    picture: reasons.length && horizontalBars({
      labels: names,
      series: [{ name: "Purchase orders", values: reasons.map((each) => each.mentions) }],
      format: grouped,
      axis: { minInterval: 1 },
      alt: `Purchase orders by why they need action. ${extremes(names, reasons.map((each) => each.mentions), grouped)}`,
    }),
    table: {
      columns: [column("Delivery"), column("Reference"), column("Grower"), column("Trade item"), column("Units", grouped),
        column("Why")],
      rows: listed.map(([, reference, why, day, grower, what, quantity]) => [day || NOTHING, reference || NOTHING,
        name("partner", grower), name("item", what), quantity === null ? null : Number(quantity), why.map(words).join(", ")]),
    },
  };
}
