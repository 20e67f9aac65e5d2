// Sections on prices: what was sold below its minimum or contract, and the clock beside other trade for the same items.

// Items that were sold both at the clock and otherwise in one week: what the clock fetched, and what its pieces would have fetched
// at the average price of the other trade of that item and week, as in the report clock_versus_direct.
function soldBothWays(chosen) {
  const weeks = new Map();
  for (const each of added("sales", chosen, ["account", "week", "item", "instrument"], "price_currency")) {
    const isKnown = ![null, OTHER].includes(CONTENT.keys[each.item]) && CONTENT.keys[each.instrument] !== null && each.week !== null;
    if (!isKnown || !(each.priced_pieces > 0)) continue;
    const key = [each.account, each.week, each.item].join();
    if (!weeks.has(key)) weeks.set(key, { item: each.item, clock: { paid: 0, pieces: 0 }, direct: { paid: 0, pieces: 0 } });
    const side = weeks.get(key)[isClock(each.instrument) ? "clock" : "direct"];
    side.paid += each.paid;
    side.pieces += each.priced_pieces;
  }
  const sums = new Map();
  for (const { item, clock, direct } of weeks.values()) {
    if (!clock.pieces || !direct.pieces) continue;
    const sum = sums.get(item) || { item, pieces: 0, paid: 0, due: 0, others: 0 };
    sum.pieces += clock.pieces;
    sum.paid += clock.paid;
    sum.due += (direct.paid * clock.pieces) / direct.pieces;
    sum.others += direct.pieces;
    sums.set(item, sum);
  }
  return [...sums.values()];
}

function addedUp(rows, measures) {
  return Object.fromEntries(measures.map((measure) => [measure, rows.reduce((sum, each) => sum + each[measure], 0)]));
}

function clockItems(chosen) {
  const rows = soldBothWays(chosen).sort(falling("pieces"));
  const whole = addedUp(rows, ["pieces", "paid", "due", "others"]);
  const line = (each) => [each.pieces, quotient(each.paid, each.pieces), each.others, quotient(each.due, each.pieces), each.paid ? each.due / each.paid - 1 : null];
  return {
    figures: [
      { value: price(chosen)(quotient(whole.paid, whole.pieces)), label: t("a piece at the clock, of these items and weeks") },
      { value: price(chosen)(quotient(whole.due, whole.pieces)), label: t("a piece of the same direct") },
      { value: change(whole.due, whole.paid) || NOTHING, label: t("direct against the clock") },
    ],
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Clock pieces"), grouped), worth(t("Clock price"), chosen, 3),
        column(t("Direct pieces"), grouped), worth(t("Direct price"), chosen, 3), column(t("Direct against clock"), (part) => change(1 + part, 1))],
      rows: rows.map((each) => row([nameOf("item", each.item), ...line(each)], each.item)),
      whole: [t("Total"), ...line(whole)],
    },
  };
}

function lowPrices(chosen) {
  const rows = added("prices", chosen, ["kind", "item", "partner"]);
  const short = (each) => each.due - each.paid;
  rows.sort((left, right) => short(right) - short(left));
  const figure = (kind, label) => {
    const { orders, due, paid } = addedUp(rows.filter((each) => CONTENT.keys[each.kind] === kind), ["orders", "due", "paid"]);
    return { value: money(due - paid, chosen.code), label: label(counted(orders, t("order"), t("orders"))) };
  };
  const line = (each) => [each.orders, each.pieces, quotient(each.paid, each.pieces), quotient(each.due, each.pieces), each.due ? each.paid / each.due - 1 : null, short(each)];
  return {
    figures: [
      figure("BELOW_MINIMUM", (orders) => t("less than the minimum price of the clock, in {orders}", { orders })),
      figure("BELOW_CONTRACT", (orders) => t("less than the price of the contract, in {orders}", { orders })),
    ],
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(PARTNER.One), column(t("Below")), column(t("Orders"), grouped), column(t("Pieces"), grouped),
        worth(t("Price"), chosen, 3), worth(t("Minimum or contract price"), chosen, 3), column(t("Deviation"), (part) => change(1 + part, 1)), worth(t("Revenue missed"), chosen)],
      rows: rows.map((each) => row([nameOf("item", each.item), nameOf("partner", each.partner),
        CONTENT.keys[each.kind] === "BELOW_MINIMUM" ? t("minimum") : t("contract"), ...line(each)], each.item)),
      whole: [t("Total"), null, null, ...line(addedUp(rows, ["orders", "pieces", "paid", "due"]))],
    },
  };
}
