// Sections on invoices, which have all weeks whatever is chosen, and on stock.

const CAUSES = dictionary({
  NOT_INVOICED: t("Not invoiced at all"), IN_PART: t("Invoiced in part"), LOWER_PRICE: t("Lower price invoiced"), HIGHER_PRICE: t("Higher price invoiced"),
  MORE_PIECES: t("More pieces invoiced than ordered"), CREDITED: t("Invoiced, and credited again"), NOT_COMMITTED: t("Invoiced, but the order is not final"),
  CANNOT_BE_KNOWN: t("Not known whether invoiced"),
});
const SETTLED = dictionary({ NOT_SETTLED: t("no"), NOT_INVOICED: t("yes"), SETTLED_IN_PART: t("in part"), DIFFERS: t("differently") });
const AGES = [["30", t("up to 30 days")], ["60", t("31 to 60 days")], ["90", t("61 to 90 days")], ["180", t("91 to 180 days")], ["365", t("181 to 365 days")],
  ["more", t("more than 365 days")], [null, t("without a day")]];
const ON_TIME_AGES = new Set(["30", null]); // what is older is late
const LATE_DAYS = 30;
const GRACE_DAYS = 7; // what the report leaves to settlement and invoices before an order is one without any

// What is less than this is rounding, and no difference.
const LEAST = 0.05;

const isRounding = (value) => value !== null && Math.abs(value) < LEAST;
const isKnown = ({ cause }) => CONTENT.keys[cause] !== "CANNOT_BE_KNOWN";
const isWithout = ({ cause }) => CONTENT.keys[cause] === "NOT_INVOICED";
const isLate = ({ age }) => !ON_TIME_AGES.has(CONTENT.keys[age]);

// The sums of all weeks: an old order is as open as a new one.
function invoiced(chosen, by) {
  return added("invoices", { ...chosen, from: null, to: null }, by);
}

// What the tile, the sections and the lists say of the same orders.
function invoiceSums(chosen) {
  const rows = invoiced(chosen, ["cause", "age"]);
  const sums = (some) => addedUp(some, MEASURES.invoices);
  const known = rows.filter(isKnown);
  return {
    known: sums(known), unknown: sums(rows.filter((each) => !isKnown(each))), late: sums(known.filter(isLate)), lateWithout: sums(known.filter((each) => isLate(each) && isWithout(each))),
    lateUnknown: sums(rows.filter((each) => !isKnown(each) && isLate(each))), without: sums(known.filter(isWithout)), differing: sums(known.filter((each) => !isWithout(each))),
  };
}

const OUTSIDE = dictionary({ PLANTION: t("sold through Plantion"), VRM: t("sold through VRM"), OTHER: t("paid outside of Floriday") });

// What of the amount that cannot be known has which reason, the largest first.
function reasonsUnknown(chosen) {
  return invoiced(chosen, ["cause", "outside"]).filter((each) => !isKnown(each)).sort(falling("ordered"))
    .map((each) => `${OUTSIDE[CONTENT.keys[each.outside]] || words(CONTENT.keys[each.outside])} ${money(each.ordered, chosen.code)}`).join(", ");
}

function causeName(each) {
  const isSmall = isKnown(each) && !isWithout(each) && each.open + each.excess > 0 && isRounding(each.open + each.excess);
  return isSmall ? t("Rounding") : CAUSES[CONTENT.keys[each.cause]] || words(CONTENT.keys[each.cause]);
}

function openInvoices(chosen) {
  const { known, unknown, lateUnknown, late, without, differing } = invoiceSums(chosen);
  const every = allWeeks(chosen);
  const byCause = invoiced(chosen, ["cause"]).filter(isKnown).sort((left, right) => right.open - left.open || right.excess - left.excess);
  const shown = byCause.filter((each) => !isRounding(each.open + each.excess));
  const names = shown.map((each) => CAUSES[CONTENT.keys[each.cause]]);
  // What cannot be known comes last, and has only what was ordered.
  const causes = [...byCause, ...invoiced(chosen, ["cause"]).filter((each) => !isKnown(each))];
  const rows = invoiced(chosen, ["partner", "cause"]).sort((left, right) => falling("open")(left, right) || right.excess - left.excess || right.ordered - left.ordered);
  const line = (each) => [each.orders, each.ordered, ...(each.cause === undefined || isKnown(each) ? [each.invoiced, each.open, each.excess] : [null, null, null])];
  return {
    figures: [
      { value: money(known.open, chosen.code), label: t("ordered and not invoiced, without the last {days} days", { days: GRACE_DAYS }) },
      without.orders > 0 && { value: money(without.open, chosen.code), label: t("of it not invoiced at all, in {orders}", { orders: counted(without.orders, t("order"), t("orders")) }) },
      differing.open >= LEAST && { value: exact(differing.open, chosen.code), label: t("of it invoiced too little") },
      { value: money(late.open, chosen.code), label: t("of it for more than {days} days", { days: LATE_DAYS }) },
      known.undelivered >= 0.5 && !lacking("left").unread.size && { value: money(known.undelivered, chosen.code), label: t("of it for pieces that were not delivered, by the delivery orders") },
      known.unreported >= 0.5 && { value: money(known.unreported, chosen.code), label: t("of it in orders whose delivery is not known") },
      known.excess >= LEAST && { value: exact(known.excess, chosen.code), label: t("invoiced too much") },
      unknown.orders > 0 && { value: money(unknown.ordered, chosen.code), label: t("of {orders} of which it is not known whether they were invoiced, {value} of it for more than {days} days: {reasons}",
        { orders: counted(unknown.orders, t("order"), t("orders")), value: money(lateUnknown.ordered, chosen.code), days: LATE_DAYS, reasons: reasonsUnknown(chosen) }) },
      unknown.orders > 0 && every.revenue > 0 && { value: percent(unknown.ordered / every.revenue), label: t("{of}: not known whether invoiced", { of: ofAllWeeks(every) }) },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: visible([{ name: t("Not invoiced"), stack: "causes", slot: 0, values: shown.map((each) => each.open) },
        { name: t("Invoiced too much"), stack: "causes", slot: 1, values: shown.map((each) => each.excess) }]),
      format: amount(chosen),
      unit: chosen.code || "",
      alt: `${t("What is not invoiced, by cause.")} ${extremes(names, shown.map((each) => each.open), amount(chosen))}`,
    }),
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Why"), null, { screen: true }), column(t("Orders"), grouped),
        worth(t("Ordered"), chosen), worth(t("Invoiced"), chosen), worth(t("Not invoiced"), chosen), worth(t("Too much"), chosen)],
      groups: causes.map((each) => ({ group: each.cause, cells: [causeName(each), null, ...line(each)] })),
      rows: causes.flatMap(({ cause }) => rows.filter((each) => each.cause === cause))
        .map((each) => ({ ...row([nameOf("partner", each.partner), causeName(each), ...line(each)], each.partner), group: each.cause })),
      whole: [unknown.orders ? t("Total (known)") : t("Total"), null, ...line(known)],
    },
  };
}

// What is not invoiced by customer and age; the total is that of the section before.
function ageing(chosen) {
  const rows = invoiced(chosen, ["partner", "cause", "age"]).filter((each) => isKnown(each) && each.open);
  const open = (some) => some.reduce((sum, each) => sum + each.open, 0);
  const ages = AGES.map(([age, name], slot) => ({ name, slot, rows: rows.filter((each) => CONTENT.keys[each.age] === age) })).filter((each) => each.rows.length);
  const partners = [...new Set(rows.map((each) => each.partner))]
    .map((partner) => ({ partner, open: open(rows.filter((each) => each.partner === partner)), ages: ages.map((age) => open(age.rows.filter((each) => each.partner === partner))) }))
    .sort(falling("open"));
  const shown = partners.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("partner", each.partner));
  return {
    figures: ages.map((age) => ({ value: money(open(age.rows), chosen.code), label: age.name })),
    picture: shown.length && horizontalBars({
      labels: names,
      series: ages.map(({ name, slot }, place) => ({ name, slot, stack: "ages", values: shown.map((each) => each.ages[place]) })),
      format: amount(chosen),
      unit: chosen.code || "",
      choose: (place) => toggle("partner", shown[place].partner),
      alt: `${BUYS ? t("What is not invoiced, by grower and age.") : t("What is not invoiced, by customer and age.")} ${extremes(names, shown.map((each) => each.open), amount(chosen))}`,
    }),
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), worth(t("Not invoiced"), chosen), ...ages.map(({ name }) => worth(name, chosen))],
      rows: partners.map((each) => row([nameOf("partner", each.partner), each.open, ...each.ages.map((value) => value || null)], each.partner)),
      whole: [t("Total"), open(rows), ...ages.map((age) => open(age.rows))],
    },
  };
}

// A difference of some cents has a heading of its own, and no cause.
function causeOf(cause, difference) {
  return cause !== "NOT_INVOICED" && difference !== 0 && isRounding(difference) ? { cause: "ROUNDING", why: t("Rounding") } : { cause, why: CAUSES[cause] || words(cause) };
}

// The orders of a list: identifiers, and the amounts as numbers.
function listedInvoices(list, chosen) {
  return listed(list, chosen, { partner: 2, item: 3, currency: 14 }).map(([, order, partner, item, day, days, cause, state, numbers, pieces, invoicedPieces, worthOfOrder, worthOfInvoices, difference, currency, sent]) => ({
    order, partner, item, day, days, numbers, pieces, delivered: lacking("left").unread.size ? null : sent, invoicedPieces, currency, ...causeOf(cause, numberOrNull(difference)), settled: SETTLED[state] ?? null,
    ordered: numberOrNull(worthOfOrder), invoiced: numberOrNull(worthOfInvoices), difference: numberOrNull(difference),
  }));
}

// Cents of an amount that would else be shown as nothing.
function exact(value, code) {
  return money(value, code, Math.abs(value) >= 0.005 && Math.abs(value) < 1 ? 2 : 0);
}

function numberOrNull(text) {
  return text === null ? null : Number(text);
}

// How many orders and how much the list has, of all: "200 of 1,234".
function inList(shown, whole, format) {
  return shown === whole || Math.abs(shown - whole) < 0.005 ? format(whole) : t("{part} of {whole}", { part: format(shown), whole: format(whole) });
}

const INVOICE_COLUMNS = (chosen) => ({
  order: column(t("Order")), partner: column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), item: column(t("Trade item"), null, { screen: true }),
  day: column(t("Delivery"), null, inDays), days: column(t("Days"), grouped), numbers: column(t("Invoice")), why: column(t("Why")), settled: column(t("Settled")), pieces: column(t("Pcs ordered"), grouped),
  delivered: column(t("Pcs delivered"), grouped), invoicedPieces: column(t("Pcs invoiced"), grouped), ordered: worth(t("Ordered"), chosen), invoiced: worth(t("Invoiced"), chosen), difference: differing(t("Difference"), chosen),
  currency: column(t("Currency")),
});

// The sum of a column; null if one of its values is not known.
function sumOfKnown(rows, name) {
  const known = rows.map((each) => each[name] ?? null).filter((value) => value !== null);
  return known.length === rows.length ? known.reduce((sum, value) => sum + value, 0) : null;
}

// A heading for each cause, with its number of orders and its sums in the list.
function groupsByCause(names, rows, summed) {
  const causes = [...new Set(rows.map((each) => each.cause))].sort((left, right) => (left === "ROUNDING") - (right === "ROUNDING"));
  return causes.map((cause) => {
    const some = rows.filter((each) => each.cause === cause);
    return { group: cause, cells: names.map((name, place) => (place === 0 ? `${some[0].why}: ${counted(some.length, t("order"), t("orders"))}` : summed.has(name) ? sumOfKnown(some, name) : null)) };
  });
}

function invoiceTable(wanted, rows, chosen, groups = false) {
  const columns = INVOICE_COLUMNS(chosen);
  const names = wanted.filter((name) => name !== "currency" || chosen.currency === null); // which the filter else has
  const summed = new Set(["pieces", "delivered", "invoicedPieces", "ordered", "invoiced", "difference"]);
  const shown = (each) => ({ ...each, partner: idName("partner", each.partner), item: idName("item", each.item) });
  return {
    columns: names.map((name) => columns[name]),
    rows: rows.map((each) => ({ ...row(names.map((name) => shown(each)[name]), PLACES.get(each.partner)), group: groups ? each.cause : undefined })),
    ...(groups ? { groups: groupsByCause(names, rows, summed), even: true } : {}),
    whole: names.map((name, place) => (place === 0 ? t("Total of the list") : summed.has(name) ? sumOfKnown(rows, name) : null)),
  };
}

function uninvoiced(chosen) {
  const rows = listedInvoices("uninvoiced", chosen);
  const { without } = invoiceSums(chosen);
  return {
    figures: [
      { value: inList(rows.length, without.orders, grouped), label: t("orders without any invoice are in this list") },
      { value: inList(rows.reduce((sum, each) => sum + (each.difference || 0), 0), without.open, amount(chosen)), label: t("not invoiced is in this list") },
    ],
    table: invoiceTable(["order", "partner", "item", "day", "days", "settled", "pieces", "delivered", "ordered", "currency"], rows, chosen),
  };
}

function differences(chosen) {
  const rows = listedInvoices("differences", chosen);
  const { differing } = invoiceSums(chosen);
  const sum = (sign) => rows.reduce((all, each) => all + Math.max(0, sign * (each.difference || 0)), 0);
  const causes = invoiced(chosen, ["cause"]).filter((each) => isKnown(each) && !isWithout(each) && each.open + each.excess >= LEAST).sort((left, right) => right.open + right.excess - left.open - left.excess);
  return {
    figures: [
      { value: inList(rows.length, differing.orders, grouped), label: t("orders that are invoiced differently are in this list") },
      { value: inList(sum(1), differing.open, (value) => exact(value, chosen.code)), label: t("invoiced too little is in this list") },
      differing.excess >= LEAST && { value: inList(sum(-1), differing.excess, (value) => exact(value, chosen.code)), label: t("invoiced too much is in this list") },
      ...(causes.length > 1 ? causes : []).map((each) => ({ value: exact(each.open - each.excess, chosen.code), label: t("{cause}: difference of all {orders}", { orders: counted(each.orders, t("order"), t("orders")), cause: causeName(each) }) })),
    ],
    table: invoiceTable(["order", "partner", "day", "numbers", "why", "pieces", "delivered", "invoicedPieces", "ordered", "invoiced", "difference", "currency"], rows, chosen, true),
  };
}

// By Incoterm and month, what delivery costs by the delivery conditions and what was charged for it.
function deliveryCosts(chosen) {
  const rows = listed("deliverycosts", chosen, { currency: 3 })
    .map(([, month, incoterm, , orders, unknown, cost, charged]) => ({ month, incoterm, orders, unknown, cost: Number(cost), charged: Number(charged) }));
  const whole = addedUp(rows, ["orders", "unknown", "cost", "charged"]);
  const line = (each) => {
    const cost = each.orders > each.unknown ? each.cost : null;
    return [each.orders, each.unknown, cost, each.charged, cost === null ? null : each.charged - cost, quotient(each.charged, cost)];
  };
  const groups = [...new Set(rows.map((each) => each.incoterm))].map((incoterm) => {
    const sum = addedUp(rows.filter((each) => each.incoterm === incoterm), ["orders", "unknown", "cost", "charged"]);
    return { incoterm, ...sum, group: { group: incoterm, cells: [incoterm ?? t("No Incoterm given"), null, ...line(sum)] } };
  }).sort((left, right) => left.charged - left.cost - (right.charged - right.cost));
  const free = groups.filter((each) => !each.charged).reduce((sum, each) => sum + each.cost, 0);
  return {
    figures: [
      { value: money(whole.cost, chosen.code), label: t("costs by the delivery conditions") },
      { value: money(whole.charged, chosen.code), label: t("charged to customers") },
      ...groups.filter((each) => each.charged && each.cost).map((each) => ({ value: money(each.charged - each.cost, chosen.code, 0, { signDisplay: "exceptZero" }),
        label: t("charged minus costs, {incoterm} ({part} of the costs)", { incoterm: each.incoterm ?? t("no Incoterm given"), part: percent(quotient(each.charged, each.cost)) }) })),
      free > 0 && { value: money(free, chosen.code), label: t("of the costs under Incoterms with no charge at all: the price of the goods may include them") },
      { value: grouped(whole.unknown), label: t("of {orders} have unknown costs", { orders: counted(whole.orders, t("order"), t("orders")) }) },
    ],
    table: {
      columns: [column(t("Month"), null, { show: monthName }), column(t("Incoterm")), column(t("Orders"), grouped), column(t("Orders of unknown cost"), grouped),
        worth(t("Costs"), chosen), worth(t("Charged"), chosen), differing(t("Difference"), chosen), column(t("Share charged"), percent)],
      groups: groups.map((each) => each.group),
      even: true,
      rows: rows.map((each) => ({ ...row([each.month, each.incoterm, ...line(each)]), group: each.incoterm })),
      whole: [t("Total"), null, ...line(whole)],
    },
  };
}

function monthName(day) {
  return dateFormatter(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" }).format(Date.parse(day));
}

function stock(chosen) {
  const whole = total("stock", chosen);
  const perItem = added("stock", chosen, ["item"]).sort(falling("remaining"));
  const shown = perItem.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("item", each.item));
  const part = (name, measure) => ({ name, stack: "pieces", values: shown.map((each) => each[measure]) });
  const line = (each) => [each.batches, each.initial, each.sold, each.waste, each.other, each.remaining, quotient(each.sold, each.initial)];
  return {
    figures: [
      { value: isUnknown(knownFrom("stock", chosen), chosen) ? NOTHING : percent(quotient(whole.sold, whole.initial)), label: t("of the batches of the period was sold ({sold} of {initial} pieces)", { sold: grouped(whole.sold), initial: grouped(whole.initial) }) },
      { value: grouped(whole.remaining), label: t("pieces left") },
      { value: grouped(whole.waste), label: t("pieces of waste ({part} of the initial ones)", { part: percent(quotient(whole.waste, whole.initial)) }) },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: visible([part(t("Sold"), "sold"), part(t("Left"), "remaining"), part(t("Waste"), "waste"), part(t("Other changes"), "other")]),
      format: grouped,
      unit: t("pieces"),
      choose: (place) => toggle("item", shown[place].item),
      alt: `${t("Pieces left, of the trade items with most pieces left.")} ${extremes(names, shown.map((each) => each.remaining), grouped)}`,
    }),
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Batches"), grouped), column(t("Initial"), grouped),
        column(t("Sold"), grouped), column(t("Waste"), grouped), column(t("Other changes"), grouped, { screen: true }), column(t("Left"), grouped), column(t("Sell-through"), percent)],
      rows: perItem.map((each) => row([nameOf("item", each.item), ...line(each)], each.item)),
      whole: [t("Total"), ...line(whole)],
    },
  };
}
