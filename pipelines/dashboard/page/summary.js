// The first screen: key figures with a traffic light each, and what needs action.

// The colour of a value: from one limit on it is green, beyond the other red.
function lightOf(name, value) {
  if (value === null || Number.isNaN(value)) return null;
  const { green, red } = CONTENT.thresholds[name];
  const isMore = green >= red;
  if (isMore ? value >= green : value <= green) return "green";
  return (isMore ? value < red : value > red) ? "red" : "amber";
}

function worst(found) {
  return ["red", "amber"].find((colour) => found.includes(colour)) || "green";
}

function thresholdText(name) {
  const { green, red } = CONTENT.thresholds[name];
  const text = name === "data_age_hours" ? (value) => t("{hours} hours", { hours: grouped(value) })
    : name === "stock_age_days" ? (value) => t("{days} days", { days: grouped(value) }) : name === "need_action" ? grouped : (value) => percent(value, Number.isInteger(Number((100 * value).toFixed(6))) ? 0 : 1);
  return t(green >= red ? "green from {green}, red below {red}" : "green up to {green}, red above {red}", { green: text(green), red: text(red) });
}

// What a figure ignores of the choices: "all customers", where customers are chosen that its records do not have.
function ignored(fact) {
  const blind = ["partner", "item"].filter((split) => filters[split].size && !FACTS[fact][split]).map((split) => ALL[split]);
  const isInAll = !FACTS[fact].currency && filters.currency !== null && currenciesOf(filters.account).length > 1;
  return [...blind, ...(isInAll ? [t("all currencies")] : [])].join(", ");
}

function tile(value, label, more, section, colour = null, limits = "") {
  const show = (event) => {
    event.preventDefault();
    goTo(section);
  };
  return make("a", { class: "tile", href: `#${section}`, on: { click: show } },
    make("span", { class: "label" }, label), make("strong", null, colour ? light(colour) : null, colour ? " " : null, value), make("span", { class: "more" }, [more || ""].flat().filter(Boolean).join("; ")), limits ? make("span", { class: "limits" }, limits) : null);
}

// With a light, if there is a figure to judge.
function judged(name, judgedValue, value, label, more, section) {
  const colour = lightOf(name, judgedValue);
  return tile(value, label, more, section, colour, thresholdText(name));
}

// A figure in the other currencies, which no sum contains.
function others(valueIn, text = money) {
  if (filters.currency === null) return "";
  const found = currenciesOf(filters.account).filter((place) => place !== filters.currency && CONTENT.keys[place])
    .map((place) => [CONTENT.keys[place], valueIn({ ...filters, code: CONTENT.keys[place], currency: place })]).filter(([, value]) => value);
  return found.length ? t("also {values}", { values: found.map(([code, value]) => text(value, code)).join(", ") }) : "";
}

const inCurrency = (value, code) => t("{number} in {code}", { number: grouped(value), code });

// The full weeks of the page's data: how many they are, and their revenue.
function allWeeks(chosen) {
  const from = firstFullWeek(chosen);
  if (from === Infinity) return { weeks: 0, revenue: 0 };
  return { weeks: CONTENT.week - from, revenue: total("sales", { ...chosen, from, to: CONTENT.week - 1 }).revenue };
}

// The growth beside the amounts of which it is made: the one of this year only where it is not that of the tile.
function growthOf(year, sums) {
  if (!year) return t("no weeks of last year to compare with");
  if (year.part === null) return t("{growth} ({weeks})", { growth: year.text, weeks: year.weeks });
  const texts = { growth: year.text, now: money(year.now, filters.code), before: money(year.value, filters.code), weeks: year.weeks };
  return isApart(year, sums) ? t("{growth}: {now} against {before} a year earlier ({weeks})", texts) : t("{growth} against last year ({before}; {weeks})", texts);
}

function ofAllWeeks({ weeks, revenue }) {
  const texts = { weeks: grouped(weeks), value: money(revenue, filters.code) };
  if (weeks === 1) return BUYS ? t("of the spend of 1 full week ({value})", texts) : t("of the revenue of 1 full week ({value})", texts);
  return BUYS ? t("of the spend of all {weeks} full weeks ({value})", texts) : t("of the revenue of all {weeks} full weeks ({value})", texts);
}

function salesTiles() {
  const sums = total("sales", filters);
  const year = comparison(filters);
  const before = weekBefore(filters);
  const more = [growthOf(year, sums),
    before && t("{week}: {value}, {change} on the week before ({earlier})", { week: weekName(before.week), value: money(before.value, filters.code), change: before.text,
      earlier: money(before.before, filters.code) })].filter(Boolean).join("; ");
  return [
    judged("growth", year ? year.part : null, money(sums.revenue, filters.code), WORD, [more, others((chosen) => total("sales", chosen).revenue)], "revenue"),
    tile(grouped(sums.orders), t("Orders"), [counted(sums.pieces, t("piece"), t("pieces")), others((chosen) => total("sales", chosen).orders, inCurrency)], "partners"),
  ];
}

const TILES = {
  sales: salesTiles,
  fill: () => {
    const sums = total("fill", filters);
    const rate = fillRateOf(sums);
    return [judged("fill_rate", rate, percent(rate), t("Fill rate"), [t("{pieces} of {ordered} ordered pieces short", { pieces: grouped(sums.short_by_grower), ordered: grouped(couldLeave(sums)) }),
      sums.pending > 0 && t("{pieces} more not left yet", { pieces: grouped(sums.pending) })], "fill")];
  },
  deliveries: () => {
    const sums = total("deliveries", filters);
    const part = quotient(sums.on_time, sums.load_carriers);
    const more = t("of all {whole}; {late} late, {missing} not reported as received", { late: percent(quotient(sums.late, sums.load_carriers)),
      missing: percent(quotient(sums.not_received, sums.load_carriers)), whole: counted(sums.load_carriers, t("load carrier"), t("load carriers")) });
    const reported = sums.on_time + sums.late;
    const ofReported = reported ? t("{part} of those reported", { part: percent(sums.on_time / reported) }) : "";
    return [judged("on_time", part, percent(part), t("On time"), [more, ofReported], "punctuality")];
  },
  corrections: () => {
    const sums = total("corrections", filters);
    const part = quotient(sums.requests, FACTS.sales ? total("sales", filters).orders : 0);
    return [judged("corrected", part, grouped(sums.requests), t("Corrections"), [t("{part}: requests divided by orders", { part: percent(part) }),
      others((chosen) => total("corrections", chosen).requests, inCurrency)], "corrections")];
  },
  invoices: () => {
    const { known, unknown, late } = invoiceSums(filters);
    const every = allWeeks(filters);
    const { revenue } = every;
    const part = late.open >= 0.5 && !revenue ? Infinity : revenue > 0 ? Math.max(late.open < 0.5 ? 0 : late.open, 0) / revenue : null;
    const of = t("which is {of}", { of: `${percent(part)} ${ofAllWeeks(every)}` });
    const old = t("of all weeks, without the last {grace} days; {value} of it for more than {days} days", { grace: GRACE_DAYS, value: money(late.open, filters.code), days: LATE_DAYS });
    const excess = known.excess >= 0.5 ? t("{value} too much", { value: money(known.excess, filters.code) }) : "";
    return [judged("not_invoiced_late", part, money(known.open, filters.code), t("Not invoiced"), [[old, revenue > 0 && part > 0 && of, excess].filter(Boolean).join(", "),
      unknown.ordered >= 0.5 && t("of another {value} it is not known whether it is invoiced", { value: money(unknown.ordered, filters.code) }), others((chosen) => invoiceSums(chosen).known.open)], "invoices")];
  },
  stock: () => {
    const sums = total("stock", filters);
    const part = quotient(sums.sold, sums.initial);
    const known = knownFrom("stock", filters);
    if (isUnknown(known, filters)) return [tile(NOTHING, t("Sell-through"), t("not known before {week}", { week: weekName(known) }), "stock")];
    return [judged("sell_through", known === null ? part : null, percent(part), t("Sell-through"), [t("{sold} of {initial} pieces of the period's batches sold, {pieces} left, {waste} waste", { sold: grouped(sums.sold), initial: grouped(sums.initial), pieces: grouped(sums.remaining), waste: grouped(sums.waste) }),
      known !== null && t("known from {week} on", { week: weekName(known) })], "stock")];
  },
  actions: () => {
    const { orders } = total("actions", filters);
    return [judged("need_action", orders, grouped(orders), t("Need action"), orders === 1 ? t("purchase order") : t("purchase orders"), "actions")];
  },
};

// What all amounts of the page are.
function amountsNote() {
  return make("p", { class: "note wide", id: "amounts" }, BUYS ? t("Amounts are as Floriday gives them; it does not say whether VAT is included. Auction fees and commission are not added.")
    : t("Amounts are as Floriday gives them; it does not say whether VAT is included. Auction fees and commission are not deducted."));
}

// A figure that needs a feed that was never read is not known; one that needs a feed that is behind is not judged.
function markLack(found, lack) {
  const text = lackText(lack);
  if (!text) return;
  found.querySelector(".light")?.remove();
  if (!lack.unread.size) {
    found.append(make("span", { class: "limits" }, text));
    return;
  }
  found.querySelector("strong").textContent = NOTHING;
  found.querySelector(".more").textContent = text;
  for (const each of found.querySelectorAll(".limits")) each.remove();
}

function summary() {
  const tiles = Object.entries(TILES).filter(([fact]) => FACTS[fact]).flatMap(([fact, of]) => {
    const [found, text, lack] = [of(), ignored(fact), lacking(fact)];
    for (const each of text ? found : []) each.append(make("span", { class: "limits" }, text));
    for (const each of found) markLack(each, lack);
    return found;
  });
  return make("nav", { class: "tiles", "aria-label": t("Key figures") }, ...tiles);
}

// How many orders are due by tomorrow, and how many are overdue; empty if there are none.
function dueText(near, late) {
  const texts = { number: grouped(near), late: grouped(late), day: dayAfter(1) };
  if (near === 0) return late === 1 ? t("1 order is overdue: let it leave, or agree on another time") : late && t("{late} orders are overdue: let them leave, or agree on another time", texts);
  return near === 1 ? t("1 order must be delivered by tomorrow ({day}), {late} more are overdue: let them leave, or agree on another time", texts)
    : t("{number} orders must be delivered by tomorrow ({day}), {late} more are overdue: let them leave, or agree on another time", texts);
}

// What needs action today, whatever weeks are chosen; each leads to its list.
const SOON = 28; // days

const TASKS = {
  departures: (all) => {
    if (lacking("left").unread.size) return null; // then none of the orders is known to have left
    const rows = listed("departures", all, { partner: 4, item: 5 });
    const dues = rows.map(isDue);
    const [late, near] = [["late"], ["today", "tomorrow"]].map((some) => dues.filter((due) => some.includes(due)).length);
    const [early] = dueSum(openOrders(rows, all), (each) => each.isEarly);
    const today = early && (early === 1 ? t("1 of tomorrow's is due before {hour}: it leaves today", { hour: EARLY_HOUR }) : t("{early} of tomorrow's are due before {hour}: they leave today", { early: grouped(early), hour: EARLY_HOUR }));
    const text = dueText(near, late);
    return text && [today ? `${text} (${today})` : text, all];
  },
  actions: (all) => {
    const { orders } = total("actions", all);
    return orders && [orders === 1 ? t("1 purchase order needs action: correct it with the grower") : t("{number} purchase orders need action: correct them with the growers", { number: grouped(orders) }), all];
  },
  requests: (all) => {
    const open = requestSums(all).ours;
    return open && [BUYS ? (open === 1 ? t("1 correction request waits for the customer's answer: accept or decline it in Floriday") : t("{number} correction requests wait for the customer's answer: accept or decline them in Floriday", { number: grouped(open) }))
      : open === 1 ? t("1 correction request waits for the grower's answer: accept or decline it in Floriday") : t("{number} correction requests wait for the grower's answer: accept or decline them in Floriday", { number: grouped(open) }), all];
  },
  contracts: (all) => {
    const isSoonShort = (each) => isShort(each) && each[8] <= SOON;
    const lines = listed("contracts", all, { partner: 2, item: 3, currency: 11 }).filter(isSoonShort);
    const [short, lost] = [lines.length, lines.reduce((sum, each) => sum + lostOf(each), 0)];
    const others = otherLines(all, isSoonShort);
    const text = short === 1 ? t("Forecast: of 1 line of a contract in {currency} that ends within {days} days, less will be delivered than was agreed: agree on the rest with the customer", { currency: all.code || "?", days: SOON })
      : t("Forecast: of {number} lines of contracts in {currency} that end within {days} days, less will be delivered than was agreed: agree on the rest with the customer", { currency: all.code || "?", number: grouped(short), days: SOON });
    const more = [others && t("also {values}", { values: others }), lost > 0 && t("{pieces} called-off pieces were lost: their orders were rejected, cancelled or corrected", { pieces: grouped(lost) })].filter(Boolean);
    return (short || others) && [more.length ? `${text} (${more.join("; ")})` : text, all];
  },
  invoices: (all) => {
    const { late: { open, undelivered }, lateWithout } = invoiceSums(all);
    const notSent = undelivered >= 0.5 && !lacking("left").unread.size ? ` (${t("{value} of it for pieces that were not delivered", { value: money(undelivered, all.code) })})` : "";
    const values = { value: money(open, all.code), days: LATE_DAYS, without: money(lateWithout.open, all.code), part: money(open - lateWithout.open, all.code) };
    return open >= 0.5 && [`${BUYS ? t("{value} has not been invoiced for more than {days} days ({without} without any invoice, {part} invoiced too little): ask the growers or the auction for these invoices", values)
      : t("{value} has not been invoiced for more than {days} days ({without} without any invoice, {part} invoiced too little): invoice these orders, or ask the auction", values)}${notSent}`, all];
  },
  changes: (all) => {
    // A buyer's page has no section on customers, and without the latest orders all seem silent.
    if (BUYS || lacking("changes").behind.size) return null;
    const { silent, stopped, weighty } = lostCustomers(all);
    if (!weighty.length) return null;
    const [, customer, , , , , , days] = weighty[0];
    return [t("Customers: {silent} silent, {stopped} stopped, {number} of them with at least {part} of the revenue of the last {weeks} weeks or of the same weeks a year earlier: ask why, first {customer} ({days} days without a delivery)",
      { silent: grouped(silent), stopped: grouped(stopped), number: weighty.length === silent + stopped ? t("all") : grouped(weighty.length), part: percent(WEIGHTY, 0), weeks: USUAL, customer: idName("partner", customer), days: grouped(days) }), all];
  },
  complaints: (all) => {
    const weeks = { ...all, from: CONTENT.week - USUAL, to: CONTENT.week - 1 };
    const failed = addedUp(added("complaints", weeks, ["kind"]).filter(isFailed), ["complaints"]).complaints;
    const part = quotient(failed, failed + total("sales", weeks).orders);
    return !BUYS && part && lightOf("failed", part) === "red" && [t("{part} of the orders of the last {weeks} weeks were rejected, cancelled or could not be fulfilled ({number}): see which ones, and why",
      { part: percent(part), weeks: USUAL, number: grouped(failed) }), all];
  },
  leftovers: (all) => {
    const rows = listed("leftovers", all, { item: 1 });
    const idle = (some) => some.reduce((sum, each) => sum + each[5] - (each[6] || 0), 0);
    const old = idle(rows.filter(isOld));
    const text = t("{pieces} pieces of batches of more than {days} days are in no offer: offer them, or write them off", { pieces: grouped(old), days: grouped(OLD_DAYS) });
    const others = idle(rows) - old;
    return old && [others ? `${text}; ${t("{others} younger ones are in no offer either", { others: grouped(others) })}` : text, all];
  },
  fill: (all) => {
    const week = { ...all, from: CONTENT.week - 1, to: CONTENT.week - 1 };
    const sums = total("fill", week);
    const { short_by_grower: short } = sums;
    return short && lightOf("fill_rate", fillRateOf(sums)) !== "green" && [t("{pieces} pieces were short last week: check the stock of these items", { pieces: grouped(short) }), week];
  },
  deliveries: (all) => {
    const week = { ...all, from: CONTENT.week - 1, to: CONTENT.week - 1 };
    const { late, on_time: inTime } = total("deliveries", week);
    return late && lightOf("on_time", inTime / (inTime + late)) !== "green" && [t("{number} load carriers came late last week: ask the carriers why", { number: grouped(late) }), week];
  },
};

// The silent and stopped customers, as in their section; among them, those with a share of the revenue of the 13 weeks or of the same a
// year earlier, and without a delivery to come, the longest silent first.
const WEIGHTY = 0.01;

function lostCustomers(all) {
  const rows = listed("changes", all, { partner: 1, currency: 5 });
  const of = (state) => rows.filter((each) => stateOfCustomer(each) === state);
  const sum = (place) => rows.reduce((whole, each) => whole + Number(each[place] || 0), 0);
  const [now, before] = [sum(3), sum(4)];
  const share = (each) => Math.max(now ? each[3] / now : 0, before ? each[4] / before : 0);
  const [silent, stopped] = [of("SILENT"), of("STOPPED")];
  const weighty = [...silent, ...stopped].filter((each) => share(each) >= WEIGHTY && !each[11]).sort((left, right) => right[7] - left[7]);
  return { silent: silent.length, stopped: stopped.length, weighty };
}

// The section that a task opens, if not that of its figures.
const OPENS = { complaints: () => "failed", invoices: () => "ageing" };
const KEEPS = new Set(["complaints", "invoices"]); // what a task opens has all weeks, or shows its share of them

function tasks() {
  const all = { ...filters, code: filters.code, from: null, to: null };
  const found = Object.entries(TASKS).filter(([fact]) => (FACTS[fact] || CONTENT.lists[fact]) && !lacking(fact).unread.size)
    .map(([fact, of]) => [fact, of(all)]).filter(([, task]) => task);
  const item = ([fact, [text, { from, to }]], place) => make("li", { hidden: place >= FIRST_TASKS }, make("button", { type: "button", class: "pick", on: { click: () => {
    const id = OPENS[fact]?.(all) ?? SECTIONS.find((section) => section.fact === fact || section.list === fact).id;
    if (from !== null) between(from, to);
    else if (FACTS[fact] && !KEEPS.has(fact)) last(null);
    opened.add(id);
    refresh();
    goTo(id);
  } } }, [text, FACTS[fact] && ignored(fact), lackText(lacking(fact))].filter(Boolean).join(" \u2013 ")));
  const list = make("ol", null, ...found.map(item));
  const more = make("button", { type: "button", class: "open", hidden: found.length <= FIRST_TASKS, on: { click: () => {
    for (const each of list.children) each.hidden = false;
    more.hidden = true;
    list.children[FIRST_TASKS].querySelector("button").focus();
  } } }, t("{number} more", { number: grouped(found.length - FIRST_TASKS) }));
  return make("section", { id: "tasks", class: "card wide", "aria-labelledby": "tasks-title" },
    make("h2", { id: "tasks-title" }, `${t("Needs action today")}, ${dayAfter(0)}`),
    ...(found.length ? [list, more] : [make("p", { class: "note" }, t("Nothing."))]));
}
const FIRST_TASKS = 3;

// Sections are not reached by the address of the page, which has the filters.
function goTo(id) {
  const section = at(id);
  const bar = at("filters").querySelector("details");
  if (bar && window.matchMedia("(max-width: 860px)").matches) bar.open = false;
  measureBar();
  section?.scrollIntoView();
  section?.querySelector("h2")?.setAttribute("tabindex", "-1");
  section?.querySelector("h2")?.focus({ preventScroll: true });
}
