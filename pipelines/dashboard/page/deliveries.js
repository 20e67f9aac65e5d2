// Sections on deliveries and corrections.

// Which of the orders of the revenue the fill rate leaves out: those of the clock without a delivery request, and in the running week
// and later those that are not due yet.
function leftOut(chosen) {
  const sums = (fact, from, to) => total(fact, { ...chosen, currency: null, from, to });
  const missing = (from, to) => {
    const { orders, cancelled_orders: cancelled, unfulfillable_orders: unfulfillable } = sums("fill", from, to);
    return sums("sales", from, to).orders - (orders - cancelled - unfulfillable);
  };
  const all = missing(chosen.from, chosen.to);
  const later = chosen.from === null || chosen.to >= CONTENT.week ? missing(Math.max(chosen.from ?? CONTENT.week, CONTENT.week), chosen.to ?? Infinity) : 0;
  return { clock: all - later, later };
}

function fillOrders(chosen, whole) {
  if (!FACTS.sales) return "";
  const { clock, later } = leftOut(chosen);
  const orders = (number) => counted(number, t("order"), t("orders"));
  return [t("{orders} count: {committed} of the revenue, {cancelled} cancelled and {unfulfillable} that could not be fulfilled.", { orders: orders(whole.orders),
    committed: grouped(whole.orders - whole.cancelled_orders - whole.unfulfillable_orders), cancelled: grouped(whole.cancelled_orders), unfulfillable: grouped(whole.unfulfillable_orders) }),
    clock > 0 && t("Left out of the revenue: {orders} of the clock for which no delivery was requested, whose delivery Floriday does not report by order.", { orders: orders(clock) }),
    later > 0 && t("Also left out: {orders} of the running week and later that are not due yet, or of the clock without a request.", { orders: orders(later) }),
  ].filter(Boolean).join(" ");
}

// The ordered pieces that could have left, and the part of them that was not short; null if there are none.
const couldLeave = (each) => each.ordered - each.pending;
const fillRateOf = (each) => (couldLeave(each) > 0 ? 1 - each.short_by_grower / couldLeave(each) : null);

function fillRate(chosen) {
  const whole = total("fill", chosen);
  const rate = fillRateOf;
  const weeks = weeksOf("fill", chosen).filter((week) => week <= CONTENT.week);
  const sums = new Map(added("fill", chosen, ["week"]).map((sum) => [sum.week, rate(sum)]));
  const rates = weeks.map((week) => sums.get(week) ?? null);
  const running = total("fill", { ...chosen, from: CONTENT.week, to: CONTENT.week });
  const perItem = added("fill", chosen, ["item"]).sort(falling("short_by_grower"));
  const line = (each) => [each.orders, each.ordered, each.delivered, each.short_by_grower, each.pending, each.reduced, each.cancelled, each.over, rate(each)];
  return {
    hint: fillOrders(chosen, whole),
    figures: [
      { value: percent(rate(whole)), label: t("fill rate: 1 \u2212 {short} pieces short by the grower / {ordered} ordered", { short: grouped(whole.short_by_grower), ordered: grouped(couldLeave(whole)) }) },
      { value: grouped(whole.short_by_grower), label: t("pieces short by the grower") },
      whole.pending > 0 && { value: grouped(whole.pending), label: t("pieces of {orders}, overdue, of which nothing has left yet; not counted as short", { orders: counted(whole.pending_orders, t("order"), t("orders")) }) },
      { value: grouped(whole.reduced), label: t("pieces reduced by customers") },
      { value: grouped(whole.cancelled), label: t("pieces of cancelled orders") },
      running.ordered > 0 && { value: percent(rate(running)), label: t("in the running week so far: {short} short of {ordered} ordered, {pieces} not left yet",
        { short: grouped(running.short_by_grower), ordered: grouped(couldLeave(running)), pieces: grouped(running.pending) }) },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [{ name: t("Fill rate"), values: rates, line: true }],
      format: percent,
      unit: t("% of ordered pieces"),
      axis: { max: 1, min: (range) => Math.max(0, Math.floor(Math.min(range.min, 0.95) * 10) / 10) },
      alt: `${t("Fill rate by week of delivery.")} ${extremes(weeks.map(weekName), rates, percent)}`,
    }),
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Orders"), grouped), column(t("Ordered"), grouped),
        column(t("Delivered"), grouped), column(t("Short"), grouped), column(t("Not left yet"), grouped, { screen: true }), column(t("Reduced"), grouped), column(t("Of cancelled orders"), grouped),
        column(t("Over-delivered"), grouped, { screen: true }),
        column(t("Rate"), percent)],
      rows: perItem.map((each) => row([nameOf("item", each.item), ...line(each)], each.item)),
      whole: [t("Total"), ...line(whole)],
    },
  };
}

function onTime(chosen) {
  const whole = total("deliveries", chosen);
  const carriers = added("deliveries", chosen, ["carrier"]).sort(falling("load_carriers"));
  const shown = carriers.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("carrier", each.carrier));
  const part = (number) => percent(quotient(number, whole.load_carriers));
  const reported = whole.on_time + whole.late;
  const shares = (name, measure, slot) => ({
    name, slot, stack: "carriers", values: shown.map((each) => quotient(each[measure], each.load_carriers)),
  });
  const line = (each) => [each.load_carriers, each.on_time, each.late, each.not_received, quotient(each.on_time, each.load_carriers)];
  return {
    figures: [
      { value: part(whole.on_time), label: t("of all {whole} came on time", { whole: counted(whole.load_carriers, t("load carrier"), t("load carriers")) }) },
      { value: part(whole.late), label: t("came late ({number})", { number: grouped(whole.late) }) },
      { value: part(whole.not_received), label: t("are not reported as received ({number})", { number: grouped(whole.not_received) }) },
      reported > 0 && { value: percent(quotient(whole.on_time, reported)), label: t("on time, of the {number} that are reported as received", { number: grouped(reported) }), hint: true },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [shares(t("On time"), "on_time", 0), shares(t("Late"), "late", 1), shares(t("Not reported as received"), "not_received", 4)],
      format: percent,
      unit: t("% of load carriers"),
      axis: SHARE,
      alt: `${t("Part of the load carriers that came on time, by carrier.")} ${
        extremes(names, shown.map((each) => quotient(each.on_time, each.load_carriers)), percent)}`,
    }),
    table: {
      columns: [column(t("Carrier")), column(t("Load carriers"), grouped), column(t("On time"), grouped), column(t("Late"), grouped),
        column(t("Not reported as received"), grouped), column(t("Share on time"), percent)],
      rows: carriers.map((each) => row([nameOf("carrier", each.carrier), ...line(each)])),
      whole: [t("Total"), ...line(whole)],
    },
  };
}

const sideName = (side) => words(CONTENT.keys[side]);
const sideWorth = (side, chosen) => worth(t("Value by: {side}", { side: sideName(side) }), chosen, 2, { screen: true });
const sideSum = (rows, side, measure) => rows.reduce((sum, { sides }) => sum + (sides.get(side)?.[measure] ?? 0), 0);

// Corrections by one split, each with the sums by who asked: what took most off the orders comes first.
function bySides(chosen, split) {
  const sides = added("corrections", chosen, [split, "initiator"]);
  const sidesOf = (place) => new Map(sides.filter((each) => each[split] === place).map((each) => [each.initiator, each]));
  return added("corrections", chosen, [split]).map((each) => ({ ...each, taken: -each.value, sides: sidesOf(each[split]) }))
    .sort((left, right) => falling("taken")(left, right) || right.requests - left.requests);
}

const CORRECTION_COLUMNS = (chosen, more = {}) => [column(t("Requests"), grouped), column(t("Accepted"), grouped), column(t("Declined"), grouped), column(t("No answer"), grouped, more),
  column(t("Pieces"), grouped, more), worth(t("Value"), chosen)];
const correctionLine = (each) => [each.requests, each.accepted, each.declined, each.requests - each.accepted - each.declined, each.pieces, each.value];

function corrections(chosen) {
  const whole = total("corrections", chosen);
  const weeks = weeksOf("corrections", chosen);
  const sides = added("corrections", chosen, ["initiator"]).map((each) => each.initiator);
  const slot = (side) => slotOf("corrections", "initiator", "requests", side);
  sides.sort((left, right) => slot(left) - slot(right));
  const byWeek = added("corrections", chosen, ["week", "initiator"]);
  const requests = (week, side) =>
    byWeek.find((each) => each.week === week && each.initiator === side)?.requests ?? 0;
  const all = weeks.map((week) => sides.reduce((sum, side) => sum + requests(week, side), 0));
  const rows = bySides(chosen, "partner");
  return {
    figures: [
      { value: grouped(whole.requests), label: t("requests, {accepted} accepted and {declined} declined",
        { accepted: grouped(whole.accepted), declined: grouped(whole.declined) }) },
      { value: grouped(whole.pending), label: t("open, {overdue} past their time and {expired} expired without an answer", { overdue: grouped(whole.overdue), expired: grouped(whole.expired) }) },
      { value: money(whole.value, chosen.code), label: t("effect of accepted requests") },
    ],
    picture: weeks.length && sides.length && verticalBars({
      weeks,
      series: sides.map((side) => ({
        name: t("By: {side}", { side: sideName(side) }), stack: "sides", slot: slot(side), values: weeks.map((week) => requests(week, side)),
      })),
      format: grouped,
      unit: t("requests"),
      axis: { minInterval: 1 },
      alt: `${t("Correction requests by week of delivery.")} ${extremes(weeks.map(weekName), all, grouped)}`,
    }),
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), ...CORRECTION_COLUMNS(chosen, { screen: true }),
        ...sides.flatMap((side) => [column(t("Requests by: {side}", { side: sideName(side) }), grouped, { screen: true }), sideWorth(side, chosen)])],
      rows: rows.map((each) => row([nameOf("partner", each.partner), ...correctionLine(each), ...sides.flatMap((side) => [each.sides.get(side)?.requests ?? null, each.sides.get(side)?.value ?? null])], each.partner)),
      whole: [t("Total"), ...correctionLine(whole), ...sides.flatMap((side) => [sideSum(rows, side, "requests"), sideSum(rows, side, "value")])],
    },
  };
}

// What corrections cost by reason, whoever asked and when: what took most off the orders comes first.
function correctionCauses(chosen) {
  const rows = bySides(chosen, "reason");
  const whole = total("corrections", chosen);
  const sides = added("corrections", chosen, ["initiator"]).sort((left, right) => left.value - right.value);
  const line = (each) => [...correctionLine(each), quotient(each.value, whole.value)];
  const shown = rows.filter((each) => each.taken > 0).slice(0, MOST_BARS);
  const names = shown.map((each) => reasonName(each.reason));
  return {
    figures: [
      { value: money(whole.value, chosen.code), label: t("effect of accepted requests") },
      ...sides.filter((side) => side.value).map((side) => ({ value: money(side.value, chosen.code), label: t("of it asked by: {side}", { side: sideName(side.initiator) }) })),
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [{ name: t("Taken off the orders"), values: shown.map((each) => each.taken) }],
      format: amount(chosen),
      unit: chosen.code || "",
      alt: `${t("What corrections took off the orders, by reason.")} ${extremes(names, shown.map((each) => each.taken), amount(chosen))}`,
    }),
    table: {
      columns: [column(t("Reason")), ...CORRECTION_COLUMNS(chosen), column(t("Share of the value"), percent), ...sides.map(({ initiator }) => sideWorth(initiator, chosen))],
      rows: rows.map((each) => row([reasonName(each.reason), ...line(each), ...sides.map(({ initiator }) => each.sides.get(initiator)?.value ?? null)])),
      few: MOST,
      paper: PAPER,
      whole: [t("Total"), ...line(whole), ...sides.map(({ value }) => value)],
    },
  };
}
