// Sections on invoices and stock.

const REASONS = dictionary({
  NOT_SETTLED: t("Not settled"), SETTLED_IN_PART: t("Settled in part"), NOT_INVOICED: t("Settled, no invoice yet"),
  DIFFERS: t("Invoiced differently"), CANNOT_BE_KNOWN: t("Cannot be known"),
});

const OLD_WEEKS = 12; // full weeks after which an amount that is not invoiced is old

// The orders of which nobody reports whether they are invoiced.
function unknowable(chosen) {
  const reasons = added("invoices", chosen, ["reason"]);
  return reasons.find((each) => CONTENT.keys[each.reason] === "CANNOT_BE_KNOWN") || { orders: 0, ordered: 0 };
}

function openInvoices(chosen) {
  const whole = total("invoices", chosen);
  const unknown = unknowable(chosen);
  const old = total("invoices", { ...chosen, from: CONTENT.first, to: CONTENT.week - 1 - OLD_WEEKS });
  const weeks = weeksOf("invoices", chosen).filter((week) => week <= CONTENT.week);
  const reasons = Object.keys(REASONS).filter((reason) => PLACES.has(reason) && reason !== "CANNOT_BE_KNOWN");
  const byWeek = added("invoices", chosen, ["week", "reason"]);
  const open = (week, reason) =>
    byWeek.find((each) => each.week === week && CONTENT.keys[each.reason] === reason)?.open || null;
  const excess = (week) => -byWeek.filter((each) => each.week === week).reduce((sum, each) => sum + each.excess, 0) || null;
  const all = weeks.map((week) => reasons.reduce((sum, reason) => sum + (open(week, reason) || 0), 0));
  const rows = added("invoices", chosen, ["partner", "reason"]).sort(falling("open"));
  const line = (each) => [each.orders, each.ordered, each.invoiced, each.open, each.excess];
  return {
    figures: [
      { value: money(whole.open, chosen.code), label: t("ordered and not invoiced") },
      { value: money(whole.excess, chosen.code), label: t("invoiced too much") },
      chosen.from === null && old.open > 0 && { value: money(old.open, chosen.code), label: t("not invoiced for more than {weeks} weeks", { weeks: OLD_WEEKS }) },
      unknown.orders > 0 && { value: money(unknown.ordered, chosen.code), label: t("of {orders} cannot be known: sold through Plantion or VRM, or paid outside of Floriday",
        { orders: counted(unknown.orders, t("order"), t("orders")) }) },
    ],
    picture: weeks.length && rows.length && verticalBars({
      weeks,
      series: visible([...reasons.map((reason) => ({
        name: REASONS[reason], stack: "reasons", slot: Object.keys(REASONS).indexOf(reason), values: weeks.map((week) => open(week, reason)),
      })), ...(whole.excess >= 1 ? [{ name: t("Invoiced too much"), stack: "reasons", slot: 4, values: weeks.map(excess) }] : [])]),
      format: amount(chosen),
      unit: chosen.code || "",
      alt: `${t("What is not invoiced, by week of delivery.")} ${extremes(weeks.map(weekName), all, amount(chosen))}`,
    }),
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Why")), column(t("Orders"), grouped),
        worth(t("Ordered"), chosen), worth(t("Invoiced"), chosen), worth(t("Open"), chosen), worth(t("Too much"), chosen)],
      rows: rows.map((each) => row([nameOf("partner", each.partner), REASONS[CONTENT.keys[each.reason]] || words(CONTENT.keys[each.reason]),
        ...line(each)], each.partner)),
      whole: [t("Total"), null, ...line(whole)],
    },
  };
}

function stock(chosen) {
  const whole = total("stock", chosen);
  const perItem = added("stock", chosen, ["item"]).sort(falling("remaining"));
  const shown = perItem.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("item", each.item));
  const part = (name, measure) => ({ name, stack: "pieces", values: shown.map((each) => each[measure]) });
  const line = (each) => [each.batches, each.initial, each.sold, each.other, each.remaining, quotient(each.sold, each.initial)];
  return {
    figures: [
      { value: percent(quotient(whole.sold, whole.initial)), label: t("of the batches of the period was sold") },
      { value: grouped(whole.remaining), label: t("pieces left") },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [part(t("Sold"), "sold"), part(t("Left"), "remaining"), part(t("Other changes"), "other")],
      format: grouped,
      unit: t("pieces"),
      choose: (place) => toggle("item", shown[place].item),
      alt: `${t("Pieces left, of the trade items with most pieces left.")} ${extremes(names, shown.map((each) => each.remaining), grouped)}`,
    }),
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Batches"), grouped), column(t("Initial"), grouped),
        column(t("Sold"), grouped), column(t("Other changes"), grouped), column(t("Left"), grouped), column(t("Sell-through"), percent)],
      rows: perItem.map((each) => row([nameOf("item", each.item), ...line(each)], each.item)),
      whole: [t("Total"), ...line(whole)],
    },
  };
}
