// All sections in their order. A section with `every` adds up all currencies, one with `sells` is only for those who sell, and one
// for the `screen` is not printed while it is closed, or with a `headline` only its figures are.

const SECTIONS = [
  { id: "revenue", fact: "sales", title: BUYS ? t("Spend by week") : t("Revenue by week"), build: revenueByWeek, wide: true,
    note: t("Committed orders with packing, services and delivery, by week of delivery; each full week beside the one of that number a year earlier."), hint: t("The value is that of the orders after all corrections, not of invoices, and overdue orders count.") },
  { id: "departures", list: "departures", title: t("Orders to pick and deliver"), build: departures, every: true, wide: true,
    note: t("Open orders by their latest delivery, those of the last two weeks and all later ones; the same whatever weeks are chosen. They must leave earlier: allow for the travel time, which Floriday does not know. What can still be cancelled, or is not final yet, is not in the revenue yet. This week ends on Sunday.") },
  { id: "partners", fact: "sales", title: PARTNER.Many, build: pareto,
    note: t("The largest first, and what they make up together."), hint: t("Click on one to filter.") },
  { id: "items", fact: "sales", title: t("Trade items"), build: items, note: t("The largest first."), hint: t("Click on one to filter.") },
  { id: "movers", screen: true, headline: true, fact: "sales", title: t("Trade items that grew and fell"), build: movers,
    note: t("Against the year before: only the weeks of the period that both years have; the largest differences first.") },
  { id: "changes", list: "changes", title: t("Customers that stopped, bought less or bought more"), build: changes, wide: true, sells: true,
    note: t("The last 13 full weeks against the same weeks a year earlier; only weeks that both years have, whatever weeks are chosen. Silent: no delivery for at least 21 days and for 4 times the customer's usual interval, and none to come. Stopped: bought in these weeks a year earlier and not any more. New: did not buy in them a year earlier."), hint: t("Each group is sorted by amount: those that stopped by that of a year earlier, silent ones by the larger of both, those that fell or grew by the difference, others by their revenue.") },
  { id: "contracts", screen: true, headline: true, list: "contracts", title: t("Contracts"), build: contracts, wide: true,
    note: t("Lines of contracts that have not ended, those with the lowest forecast first; the same whatever weeks are chosen. The forecast is what was delivered, and as much a week as so far until the end; but at least what is called off and still to come. A call-off becomes an order shortly before its delivery: until then, it is not among the orders to pick. Lost are called-off pieces whose orders were rejected, cancelled or corrected; Floriday does not report who rejected an order.") },
  { id: "channels", fact: "sales", title: t("Sales channels"), build: channels, note: t("Where orders come in, and how they were traded.") },
  { id: "clock", fact: "sales", title: t("Clock and direct price"), build: clockAndDirect,
    note: t("The bare price of a piece, without packing, services and delivery. Clock: auction, presales, from the nursery. Direct: all else, also contracts and bids. The chart and the table show all that was sold; like for like compares only items that were sold both ways in one week.") },
  { id: "clockitems", screen: true, fact: "sales", title: t("Clock and direct by trade item"), build: clockItems,
    note: t("Only items that were sold both ways in one week. The direct price is that of these weeks, weighted by the pieces of the clock.") },
  { id: "prices", screen: true, headline: true, fact: "prices", title: t("Sold below minimum or contract"), build: lowPrices, wide: true,
    note: t("Orders of the clock below the minimum price of their offer, and orders of a contract below its price, also where a margin allows that.") },
  { id: "fill", fact: "fill", title: t("Fill rate"), build: fillRate, every: true,
    note: t("Ordered pieces before all corrections; orders whose delivery has passed. What a customer took off or cancelled is not short by the grower. Overdue orders of which nothing has left are apart, until 14 days after their delivery."), hint: t("The section on corrections also counts requests to orders that are still to be delivered, so its pieces differ from these.") },
  { id: "punctuality", fact: "deliveries", title: t("On-time delivery"), build: onTime, every: true,
    note: t("Load carriers whose latest delivery has passed: on time, late, or not reported as received. The share on time is of all of them; what is not reported as received is not late."), hint: [t("Who receives the load carriers reports them, and not every hub does."), !FACTS.loadcarriers && NO_BALANCES].filter(Boolean).join(" ") },
  { id: "loadcarriers", screen: true, fact: "loadcarriers", title: t("Load carriers shipped and invoiced"), build: loadCarriers, wide: true, sells: true, every: true,
    note: `${t("By kind; shipments and their invoice lines count in the week of the latest delivery. Invoiced are those with an invoice line in Floriday, not those that are only settled; of the others, Floriday does not tell whether an invoice follows. One that was shipped as one kind and invoiced as another counts in the rows of both.")} ${NO_BALANCES}` },
  { id: "complaints", screen: true, fact: "complaints", title: t("Complaints"), build: complaints, wide: true, sells: true,
    note: t("Corrections that somebody else than the grower requested after the delivery, or with a decision on the goods, by customer; they count in the week of delivery. Orders are those of the revenue; customers with at least {orders} of them come first, by complaints per order. Pieces and amounts below zero were taken off the orders.", { orders: FEW_ORDERS }) },
  { id: "reasons", screen: true, fact: "complaints", title: t("Complaints by reason"), wide: true, sells: true,
    build: byReason("COMPLAINT", t("Complaints"), t("complaints: after the delivery, or with a decision on the goods"), t("Complaints by reason.")),
    note: t("The complaints of the section \u201c{title}\u201d by reason, as it was entered in Floriday, and by customer and trade item. Pieces and amounts below zero were taken off the orders.", { title: t("Complaints") }) },
  { id: "beforehand", screen: true, fact: "complaints", title: t("Corrections before the delivery"), wide: true, sells: true,
    build: byReason("CORRECTION", t("Requests"), t("corrections before the delivery that were requested of the grower"), t("Corrections before the delivery by reason.")),
    note: t("These are not complaints, but what others than the grower wanted to change before the goods were delivered. Pieces and amounts below zero were taken off the orders.") },
  { id: "failed", screen: true, fact: "complaints", title: t("Rejected and cancelled orders"), build: failedOrders, wide: true, sells: true,
    note: t("Orders that were rejected, cancelled or could not be fulfilled, by customer, with their value before all corrections; they count in the week of their delivery. They are neither complaints nor revenue. Floriday does not report who rejected an order, or why.") },
  { id: "requests", screen: true, list: "requests", title: t("Requests without an answer"), build: requests, wide: true,
    note: t("Correction requests that are neither accepted nor declined, the newest first; of all weeks, whatever weeks are chosen. Open: can still be answered. Past its time: the time to answer is over, and Floriday does not report it as expired. State and numbers are those of the time at which the page was made; the section \u201c{title}\u201d has those of its weeks. The value is that of the whole order, not of what is asked.", { title: t("Corrections") }) },
  { id: "corrections", fact: "corrections", title: t("Corrections"), build: corrections,
    note: t("Requests to change an order after the sale, by the week of its delivery. A colour is the side that asked. In the table, what took most off the orders comes first. Pieces and amounts below zero were taken off the orders.") },
  { id: "causes", screen: true, fact: "corrections", title: t("Corrections by reason"), build: correctionCauses, wide: true,
    note: t("The requests of the section \u201c{title}\u201d by their reason, as it was entered in Floriday; what took most off the orders comes first. Amounts below zero were taken off the orders.", { title: t("Corrections") }) },
  { id: "invoices", fact: "invoices", title: t("Orders not invoiced"), build: openInvoices,
    note: t("Orders of all weeks whose latest delivery has passed, and whose invoices differ from the order or are still missing after a week; the same whatever weeks are chosen. Whether they are paid is not known here."), hint: t("Ordered is what is ordered after all corrections.") },
  { id: "ageing", screen: true, fact: "invoices", title: BUYS ? t("Not invoiced by grower and age") : t("Not invoiced by customer and age"), build: ageing, wide: true,
    note: BUYS ? t("Days since the latest delivery, of all weeks. These are not payables: what is invoiced and not paid is not known here. The total is the amount not invoiced of the section \u201c{title}\u201d.", { title: t("Orders not invoiced") })
      : t("Days since the latest delivery, of all weeks. These are not receivables: what is invoiced and not paid is not known here. The total is the amount not invoiced of the section \u201c{title}\u201d.", { title: t("Orders not invoiced") }) },
  { id: "uninvoiced", screen: true, list: "uninvoiced", title: t("Orders without an invoice"), build: uninvoiced, wide: true,
    note: t("The largest amounts, at most 200 orders of a currency; the same whatever weeks are chosen. Settled: the amount to be paid is determined, and an invoice follows. Not settled: the grower invoices the order, or asks the auction. Delivered is what the delivery orders say, \u2013 if there are none: what was not delivered may rightly not be invoiced.") },
  { id: "differences", screen: true, list: "differences", title: t("Invoices that differ from the order"), build: differences, wide: true,
    note: t("The largest differences by cause, at most 200 orders of a cause and currency; the same whatever weeks are chosen. The difference is the order minus its invoices: above zero, too little is invoiced. Delivered is what the delivery orders say, \u2013 if there are none: what was not delivered may rightly not be invoiced.") },
  { id: "deliverycosts", screen: true, list: "deliverycosts", title: t("Delivery costs and charges"), build: deliveryCosts, wide: true, sells: true,
    note: t("By Incoterm and calendar month of delivery, of all data: what delivery costs by the grower's delivery conditions, and what customers were charged for it; the same whatever weeks are chosen. The conditions are the present ones, so the costs of older months are an estimate. Orders of unknown cost, such as those of the clock, count with their charge only. Where nothing is charged, the price of the goods may include delivery: then the difference is no loss.") },
  { id: "stock", fact: "stock", title: t("Stock and sell-through"), build: stock, every: true, wide: true,
    note: t("Batches by the day of their harvest or production; those of which most is left come first. Waste is what was written off, corrections below zero; other changes are reservations, transformations and corrections above zero."), hint: t("Sold counts only these batches: what was sold in the period from older batches is not in it.") },
  { id: "leftovers", screen: true, list: "leftovers", title: t("Stock by age"), build: leftovers, every: true, wide: true,
    note: t("What is left of all batches, the oldest first, and how much of it could be bought when the page was made; the same whatever weeks are chosen, so also batches of the running week. A trade item has a row for each class of age.") },
  { id: "actions", fact: "actions", title: t("Purchase orders that need action"), build: actions, every: true, wide: true,
    note: t("Why Floriday made no sales order of them yet, or not the one that was meant.") },
];

function figure({ value, label, hint }) {
  return make("p", { class: hint ? "figure hint" : "figure" }, make("strong", null, value), " ", make("span", null, label));
}

function drawing(id, picture) {
  return [legendOf(picture), make("div", { class: picture.choose ? "chart clickable" : "chart", id: `${id}-chart`, role: "img", "aria-label": picture.alt })];
}

// What a list can be filtered by, and the period that it shows whatever weeks are chosen.
const EACH = { partner: true, item: true, currency: true };
const LISTED = { departures: { partner: true, item: true }, changes: { partner: true, currency: true }, contracts: EACH, requests: EACH, uninvoiced: EACH, differences: EACH, deliverycosts: { currency: true },
  leftovers: { item: true } };
const PERIODS = {
  departures: () => [t("the last two weeks and all later ones"), filters.due !== null && dueName(filters.due)].filter(Boolean).join(" \u00b7 "),
  changes: () => periodName(CONTENT.week - USUAL, CONTENT.week - 1),
  contracts: () => t("lines that have not ended"),
  requests: () => t("all weeks"),
  uninvoiced: () => t("all weeks"),
  differences: () => t("all weeks"),
  deliverycosts: () => t("all months"),
  invoices: () => t("all weeks"),
  leftovers: () => t("all weeks"),
};

// A section that shows one currency names the others.
function onlyIn({ currency }) {
  const codes = currency && filters.currency !== null ? currenciesOf(filters.account).filter((place) => place !== filters.currency).map((place) => CONTENT.keys[place]).filter(Boolean) : [];
  return codes.length ? t("Only {code}, without {others}.", { code: filters.code || t("no currency given"), others: codes.join(", ") }) : "";
}

// Sections whose amounts may be those of documents: what is said of all amounts at the top is repeated there.
const DOCUMENTS = new Set(["corrections", "invoices", "deliverycosts"]);

// "200 of 1,234": how much of its report a list has, if not all. How many of the chosen customers or items it lacks is not known.
function cutOff(list) {
  const groups = (CONTENT.listed[list] || []).filter(([account, currency]) => (filters.account === null || account === filters.account)
    && (!LISTED[list].currency || filters.currency === null || currency === filters.code));
  const [part, whole] = [2, 3].map((place) => groups.reduce((sum, each) => sum + each[place], 0));
  if (part >= whole) return "";
  const isChosen = ["partner", "item"].some((split) => LISTED[list][split] && filters[split].size);
  const numbers = { part: grouped(part), whole: grouped(whole) };
  return isChosen ? t("Chosen from a list that has {part} of {whole} rows.", numbers) : t("The list has {part} of {whole} rows.", numbers);
}

// Facts of which the page says from which week on they are known: there is hardly a week without one.
const WEEKLY = new Set(["stock", "deliveries", "loadcarriers"]);

const GAP = 5; // so many weeks without any end what is known: before, Floriday served only single records

// From which week on a fact is known, if that is after the beginning of the chosen weeks; else null.
function knownFrom(fact, chosen) {
  const fits = isOfAccount(FACTS[fact], chosen.account);
  const weeks = [...new Set(FACTS[fact].week.filter((week, place) => week !== null && fits(place)))].sort((left, right) => right - left);
  const first = weeks[weeks.findIndex((week, place) => place + 1 === weeks.length || week - weeks[place + 1] >= GAP)];
  return first > (chosen.from ?? firstWeek) ? first : null;
}

// Whether nothing of the chosen weeks is known, but for single records.
function isUnknown(known, chosen) {
  return known !== null && chosen.to !== null && chosen.to < known;
}

function sectionOf({ id, fact, list, title: usualTitle, build, note, hint, wide, every, screen, headline }) {
  const columns = list ? LISTED[list] : FACTS[fact];
  const blind = ["partner", "item"].filter((split) => filters[split].size && !columns[split]);
  const built = build(filters);
  const title = built.title ?? usualTitle;
  const known = WEEKLY.has(fact) ? knownFrom(fact, filters) : null;
  const lack = lacking(list || fact);
  const lacks = lackText(lack);
  const notes = [lacks && !lack.unread.size ? `${lacks[0].toUpperCase()}${lacks.slice(1)}.` : "", note, built.more, known !== null && t("Known from {week} on; of earlier weeks, only what Floriday still serves.", { week: weekName(known) }), list && cutOff(list), every && filters.currency !== null && currenciesOf(filters.account).length > 1 ? t("All currencies.") : "",
    ...blind.map((split) => (split === "item" ? t("Not split by trade item: these are the figures of all.")
      : BUYS ? t("Not split by grower: these are the figures of all.") : t("Not split by customer: these are the figures of all.")))];
  const rows = lack.unread.size ? 0 : built.table.rows.length;
  const empty = lack.unread.size ? `${lacks[0].toUpperCase()}${lacks.slice(1)}.` : t("Nothing in this selection.");
  const content = rows
    ? [built.choices, make("div", { class: "figures" }, ...built.figures.filter(Boolean).map(figure)),
      ...(built.picture ? drawing(id, built.picture) : []),
      ...disclosure(id, title, built.table, `${title}: ${choices(columns, PERIODS[list || fact]?.())}`)]
    : [built.choices, make("p", { class: "empty" }, empty)];
  const section = make("section", { id, class: `card${wide ? " wide" : ""}${list ? " list" : ""}${screen ? " screen" : ""}${headline ? " headline" : ""}${opened.has(id) ? " opened" : ""}`, "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, title), make("p", { class: "note" }, notes.filter(Boolean).join(" "), make("span", { class: "hint" }, ...[built.hint, hint, onlyIn(columns), DOCUMENTS.has(id) && t("Floriday does not say whether these amounts include VAT.")].filter(Boolean).map((text) => ` ${text}`))), ...content.filter(Boolean));
  return { section, picture: rows && built.picture ? { id: `${id}-chart`, ...built.picture } : null };
}
