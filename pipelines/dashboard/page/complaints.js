// Sections on complaints, corrections before the delivery, orders that failed, and requests that have no answer.

function reasonName(place) {
  const text = CONTENT.keys[place];
  return text === null ? t("No reason given") : text === OTHER ? t("Other reasons") : text;
}

// Complaints or corrections by some splits. Pieces and value are changes of the orders, as in the section of corrections: what was
// taken off is below zero.
function asked(kind, chosen, by) {
  return added("complaints", chosen, [...by, "kind"]).filter((each) => CONTENT.keys[each.kind] === kind)
    .map((each) => ({ ...each, pieces: 0 - each.pieces, value: 0 - each.value })).sort(falling("complaints"));
}

const ASKED_COLUMNS = (name, chosen) => [column(name, grouped), column(t("Accepted"), grouped), column(t("Declined"), grouped), column(t("No answer"), grouped),
  column(t("Hours to an answer"), grouped), column(t("Pieces"), grouped), worth(t("Value"), chosen)];
const askedLine = (each) => [each.complaints, each.accepted, each.declined, each.complaints - each.accepted - each.declined, quotient(each.hours, each.answers), each.pieces, each.value];

function askedFigures(whole, label, chosen) {
  return [
    { value: grouped(whole.complaints), label },
    { value: money(whole.value, chosen.code), label: t("effect of accepted requests") },
    { value: grouped(quotient(whole.hours, whole.answers)), label: t("hours to an answer, on average") },
  ];
}

const FEW_ORDERS = 5; // a share of fewer orders says little

// Every customer with an order or a complaint; none if there is no complaint.
function complainers(chosen) {
  const orders = new Map(added("sales", chosen, ["partner"]).map((each) => [each.partner, each.orders]));
  const found = new Map(asked("COMPLAINT", chosen, ["partner"]).map((each) => [each.partner, each]));
  const partners = found.size ? [...new Set([...found.keys(), ...orders.keys()])] : [];
  return partners.map((partner) => ({ partner, ...addedUp([found.get(partner)].filter(Boolean), MEASURES.complaints), orders: orders.get(partner) ?? 0 }))
    .map((each) => ({ ...each, share: quotient(each.complaints, each.orders), isFew: each.orders < FEW_ORDERS }));
}

// Who complains most for the orders that it places: of those with some orders, by complaints per order, then the others by complaints.
function complaints(chosen) {
  const found = complainers(chosen);
  const groups = [[false, t("At least {orders} orders", { orders: FEW_ORDERS })], [true, t("Fewer than {orders} orders", { orders: FEW_ORDERS })]]
    .map(([isFew, name]) => ({ isFew, name, rows: found.filter((each) => each.isFew === isFew).sort(falling(isFew ? "complaints" : "share")) })).filter(({ rows }) => rows.length);
  const rows = groups.flatMap((group) => group.rows);
  const measures = [...MEASURES.complaints, "orders"];
  const whole = addedUp(rows, measures);
  const every = FACTS.sales ? total("sales", chosen).orders : 0;
  const shown = (groups[0]?.rows || []).filter((each) => each.share).slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("partner", each.partner));
  const line = (each) => [each.orders, quotient(each.complaints, each.orders), ...askedLine(each)];
  return {
    figures: [
      ...askedFigures(whole, t("complaints: after the delivery, or with a decision on the goods"), chosen),
      every > 0 && { value: percent(whole.complaints / every), label: t("complaints per order, of {orders} of all customers", { orders: counted(every, t("order"), t("orders")) }) },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [{ name: t("Complaints per order"), values: shown.map((each) => each.share) }],
      format: percent,
      unit: t("complaints per order"),
      choose: (place) => toggle("partner", shown[place].partner),
      alt: `${t("Complaints per order by customer.")} ${extremes(names, shown.map((each) => each.share), percent)}`,
    }),
    table: {
      groups: (groups.length > 1 ? groups : []).map(({ isFew, name, rows: own }) => ({ group: isFew, cells: [`${name}: ${counted(own.length, t("customer"), t("customers"))}`, ...line(addedUp(own, measures))] })),
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Orders"), grouped), column(t("Complaints per order"), percent), ...ASKED_COLUMNS(t("Complaints"), chosen)],
      rows: rows.map((each) => ({ ...row([nameOf("partner", each.partner), ...line(each)], each.partner), group: groups.length > 1 ? each.isFew : undefined })),
      whole: [t("Total"), ...line(whole)],
    },
  };
}

// Requests of one kind by reason, and each customer and trade item in the table.
function byReason(kind, name, label, alt) {
  return (chosen) => {
    const decides = kind === "COMPLAINT"; // a decision on the goods makes a request a complaint
    const rows = asked(kind, chosen, ["partner", "item", "reason", ...(decides ? ["decision"] : [])]);
    const decision = (each) => (decides ? [CONTENT.keys[each.decision] ? words(CONTENT.keys[each.decision]) : null] : []);
    const whole = addedUp(rows, MEASURES.complaints);
    const shown = asked(kind, chosen, ["reason"]).slice(0, MOST_BARS);
    const names = shown.map((each) => reasonName(each.reason));
    const groups = asked(kind, chosen, ["reason"]).map((each) => ({ group: each.reason, cells: [reasonName(each.reason), null, null, ...(decides ? [null] : []), ...askedLine(each)] }));
    return {
      figures: askedFigures(whole, label, chosen),
      picture: shown.length && horizontalBars({
        labels: names,
        series: [{ name, values: shown.map((each) => each.complaints) }],
        format: grouped,
        unit: decides ? t("complaints") : t("requests"),
        axis: { minInterval: 1 },
        alt: `${alt} ${extremes(names, shown.map((each) => each.complaints), grouped)}`,
      }),
      table: {
        columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Reason")), ...(decides ? [column(t("Decision"))] : []), ...ASKED_COLUMNS(name, chosen)],
        groups,
        rows: rows.map((each) => ({ ...row([nameOf("partner", each.partner), nameOf("item", each.item), reasonName(each.reason), ...decision(each), ...askedLine(each)], each.partner), group: each.reason })),
        whole: [t("Total"), null, null, ...(decides ? [null] : []), ...askedLine(whole)],
      },
    };
  };
}

const FAILED = dictionary({ REJECTED: t("Rejected"), CANCELLED: t("Cancelled"), UNFULFILLABLE: t("Could not be fulfilled") });

const isFailed = (each) => CONTENT.keys[each.kind] in FAILED;

// Orders that came to nothing; their value is what they were worth before all corrections.
function failedOrders(chosen) {
  const kinds = added("complaints", chosen, ["kind"]).filter(isFailed);
  const rows = added("complaints", chosen, ["partner", "kind"]).filter(isFailed).sort(falling("complaints"));
  const partners = new Map();
  for (const each of rows) partners.set(each.partner, (partners.get(each.partner) || 0) + each.complaints);
  const shown = [...partners].map(([partner, orders]) => ({ partner, orders })).sort(falling("orders")).slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("partner", each.partner));
  const number = (partner, kind) => rows.find((each) => each.partner === partner && CONTENT.keys[each.kind] === kind)?.complaints || 0;
  const line = (each) => [each.complaints, each.pieces, each.value];
  const failed = addedUp(rows, ["complaints"]).complaints;
  const every = failed + (FACTS.sales ? total("sales", chosen).orders : 0);
  return {
    figures: [
      ...kinds.map((each) => ({ value: grouped(each.complaints), label: `${FAILED[CONTENT.keys[each.kind]]} (${money(each.value, chosen.code)})` })),
      FACTS.sales && { value: percent(quotient(failed, every)), label: t("of {orders}, these and those of the revenue", { orders: counted(every, t("order"), t("orders")) }) },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: Object.entries(FAILED).map(([kind, name], slot) => ({ name, slot, stack: "kinds", values: shown.map(({ partner }) => number(partner, kind)) })),
      format: grouped,
      unit: t("orders"),
      axis: { minInterval: 1 },
      choose: (place) => toggle("partner", shown[place].partner),
      alt: `${t("Rejected and cancelled orders by customer.")} ${extremes(names, shown.map((each) => each.orders), grouped)}`,
    }),
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Kind")), column(t("Orders"), grouped), column(t("Pieces"), grouped), worth(t("Value of the orders"), chosen)],
      rows: rows.map((each) => row([nameOf("partner", each.partner), FAILED[CONTENT.keys[each.kind]], ...line(each)], each.partner)),
      whole: [t("Total"), null, ...line(addedUp(rows, MEASURES.complaints))],
    },
  };
}

// The requests of all weeks without an answer: those that the account or the other side can still answer, those past their time, and those
// that Floriday reports as expired. The section of corrections has the same numbers of its weeks.
function requestSums(chosen) {
  const sums = added("corrections", { ...chosen, from: null, to: null }, ["initiator", "kind"]);
  const isTheirs = ({ initiator }) => CONTENT.keys[initiator] === (BUYS ? "CUSTOMER" : "SUPPLIER");
  const sum = (some, measure) => some.reduce((whole, each) => whole + each[measure], 0);
  const days = (some) => quotient(sum(some, "waited") / 24, sum(some, "pending"));
  const ofKind = (kind) => {
    const some = sums.filter((each) => CONTENT.keys[each.kind] === kind);
    return { kind, open: sum(some, "pending"), overdue: sum(some, "overdue"), days: days(some), worth: sum(some, "open_worth") };
  };
  const [ours, theirs] = [sums.filter((each) => !isTheirs(each)), sums.filter(isTheirs)];
  return {
    ours: sum(ours, "pending"), theirs: sum(theirs, "pending"), unanswered: [ours, theirs].map((some) => ({ overdue: sum(some, "overdue"), days: quotient(sum(some, "waited_overdue") / 24, sum(some, "overdue")) })), expired: sum(sums, "expired"),
    oursDays: days(ours), theirsDays: days(theirs), kinds: Object.keys(REQUEST_KINDS).map(ofKind),
  };
}

// Open requests by whose answer they wait for: only the grower asks for those that a customer answers.
function waitingLabel(isGrower, days) {
  if (days === null) return isGrower ? t("open: wait for the grower's answer") : t("open: wait for the customer's answer");
  const number = { days: grouped(days, days < 10 ? 1 : 0) };
  return isGrower ? t("open: wait for the grower's answer, for {days} days on average", number) : t("open: wait for the customer's answer, for {days} days on average", number);
}

// Requests that nobody answered in time, by who should have.
function overdueFigure(isGrower, { overdue, days }) {
  const texts = { days: grouped(days) };
  if (!overdue) return { value: grouped(0), label: isGrower ? t("past their time without the grower's answer") : t("past their time without the customer's answer") };
  return { value: grouped(overdue), label: isGrower ? t("past their time without the grower's answer, asked {days} days ago on average; Floriday still has them as open", texts)
    : t("past their time without the customer's answer, asked {days} days ago on average; Floriday still has them as open", texts) };
}

const REQUEST_KINDS = dictionary({ COMPLAINT: t("After the delivery, or about the goods"), CORRECTION: t("Changes before the delivery") });

// The requests of a kind without an answer: open ones, and those past their time.
function kindFigure({ kind, open, overdue, days, worth: value }, code) {
  const texts = { kind: REQUEST_KINDS[kind], open: grouped(open), overdue: grouped(overdue) };
  return open + overdue > 0 && { value: grouped(open + overdue), label: open ? t("without an answer: {kind} ({open} open, for {days} days on average, to orders of {value} as a whole; {overdue} past their time)", { ...texts, days: grouped(days, days < 10 ? 1 : 0), value: money(value, code) })
    : t("without an answer: {kind} ({open} open, {overdue} past their time)", texts) };
}

function requests(chosen) {
  const rows = listed("requests", chosen, { partner: 2, item: 3, currency: 8 });
  const { ours, theirs, unanswered: [ourOverdue, theirOverdue], expired, oursDays, theirsDays, kinds } = requestSums(chosen);
  const value = (some) => some.reduce((sum, each) => sum + Number(each[9] || 0), 0);
  const sides = [...new Set(rows.map((each) => each[4]))].sort();
  const groups = Object.keys(REQUEST_KINDS).flatMap((kind) => sides.map((side) => ({ kind: `${kind} ${side}`, name: t("{kind}, asked by: {side}", { kind: REQUEST_KINDS[kind], side: words(side) }),
    rows: rows.filter((each) => each[11] === kind && each[4] === side) }))).filter((each) => each.rows.length);
  return {
    figures: [
      { value: grouped(ours), label: waitingLabel(!BUYS, ours ? oursDays : null) },
      { value: grouped(theirs), label: waitingLabel(BUYS, theirs ? theirsDays : null) },
      overdueFigure(!BUYS, ourOverdue),
      overdueFigure(BUYS, theirOverdue),
      { value: grouped(expired), label: t("expired without an answer, not in this list") },
      ...kinds.map((each) => kindFigure(each, chosen.code)),
    ],
    table: {
      groups: groups.map(({ kind, name, rows: own }) => ({ group: kind, cells: [`${name}: ${counted(own.length, t("request"), t("requests"))}`, ...Array(7).fill(null), value(own)] })),
      columns: [column(t("Order")), column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Asked by")), column(t("Reason")),
        column(t("Asked at"), null, { show: inAmsterdam }), column(t("Answer until"), null, { show: inAmsterdam }), column(t("State")), worth(t("Value of the whole order"), chosen)],
      rows: groups.flatMap(({ kind, rows: own }) => own.map(([, order, partner, item, initiator, reason, requested, expires, , worthOfOrder, isOverdue]) => ({
        ...row([order, idName("partner", partner), idName("item", item), words(initiator), reason, requested, expires, isOverdue ? t("past its time") : t("open"), numberOrNull(worthOfOrder)],
          PLACES.get(partner)), group: kind }))),
      whole: [t("Total of the list"), null, null, null, null, null, null, null, value(rows)],
    },
  };
}
