// Open orders: what must leave, from where, and until when it can be cancelled.

const MOST_PRINTED = 40; // rows that a meeting goes through

const EARLY_HOUR = "06:00";

const STEPS = dictionary({
  COMMIT: t("Can still be cancelled"), WAIT: t("To pick, not final yet"), PICK: t("To pick"), DESPATCH: t("To despatch"), DELIVER: t("On its way"),
});

const DUES = [["late", t("Overdue")], ["today", t("Today")], ["tomorrow", t("Tomorrow")], ["week", t("Later this week")], ["later", t("After this week")],
  ["left", t("Left, not reported as delivered")]];

// The day of today or tomorrow with its name, in Amsterdam.
function dayAfter(days) {
  const format = dateFormatter(LOCALE, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  return format.format(FIRST_MONDAY + (dayNumber(now()) + days) * DAY);
}

// A print is read on another day: today and tomorrow have their dates.
function dueName(due) {
  const [, name] = DUES.find(([each]) => each === due);
  return { today: `${name}, ${dayAfter(0)}`, tomorrow: `${name}, ${dayAfter(1)}` }[due] ?? name;
}

// What comes next: an order that is not final can be cancelled until its deadline, whatever its status, and waits after it.
function stepOf(step, until) {
  return step === "COMMIT" && until && Date.parse(until) < now() ? "WAIT" : step;
}

// Days since the first Monday of 1970, in Amsterdam; many orders are due at one time.
const dayNumbers = new Map();

function dayNumber(time) {
  const moment = Number(time);
  if (!dayNumbers.has(moment)) {
    const text = dateFormatter("en-CA", { timeZone: "Europe/Amsterdam" }).format(moment);
    dayNumbers.set(moment, Math.round((Date.parse(text) - FIRST_MONDAY) / DAY));
  }
  return dayNumbers.get(moment);
}

// When an order must be delivered, as of the time at which the page is read; "left" if it is on its way.
function dueOf(time, step) {
  if (step === "DELIVER") return "left";
  if (!time) return "later";
  if (Date.parse(time) < now()) return "late";
  const [day, today] = [dayNumber(new Date(time)), dayNumber(now())];
  if (day <= today + 1) return day === today ? "today" : "tomorrow";
  return Math.floor(day / 7) === Math.floor(today / 7) ? "week" : "later";
}

function isDue([, time, , step]) {
  return dueOf(time, step);
}

// Whether an order must be delivered tomorrow so early that it leaves today.
function isEarly(time, step) {
  return dueOf(time, step) === "tomorrow" && sortable(time).slice(-5) < EARLY_HOUR;
}

// Whether an order belongs to a choice: those that leave today belong to today, also if they are due early tomorrow.
function belongs(each, due) {
  return due === null || each.due === due || (due === "today" && each.isEarly);
}

// All open orders, also those that are not listed, with their numbers; with customers or trade items chosen, those that are listed.
function openOrders(rows, chosen) {
  const isWhole = !CONTENT.dues.length || chosen.partner.size || chosen.item.size;
  const found = isWhole ? rows.map((each) => [, each[1], each[3], 1, each[7], each[8], each[12], each[11]])
    : CONTENT.dues.filter(([account]) => chosen.account === null || account === chosen.account);
  return found.map(([, time, step, orders, pieces, packages, until, warehouse]) => ({
    due: dueOf(time, step), group: groupOfStep(stepOf(step, until)), isEarly: isEarly(time, step), warehouse, numbers: [orders, pieces || 0, packages || 0],
  }));
}

// The numbers of orders, pieces and packages of some of them.
function dueSum(found, fits) {
  return found.filter(fits).reduce((sum, { numbers }) => sum.map((each, place) => each + numbers[place]), [0, 0, 0]);
}

// What must be picked at each warehouse, if there are several.
function warehouseFigures(found, chosen) {
  const places = [...new Set(found.map(({ warehouse }) => warehouse))].sort((left, right) => String(left).localeCompare(String(right), LOCALE));
  const sums = places.map((place) => [place, dueSum(found, (each) => each.warehouse === place && belongs(each, chosen.due))]);
  return places.length < 2 ? [] : sums.filter(([, [, pieces]]) => pieces).map(([place, [, pieces, packages]]) =>
    ({ value: grouped(pieces), label: t("pieces to pick in {packages} packages from {warehouse}", { packages: grouped(packages), warehouse: place || t("an unknown warehouse") }) }));
}

// Firm orders, those that are not final though they cannot be cancelled any more, those that can, and those that have left.
function groupOfStep(step) {
  return { COMMIT: "open", WAIT: "waiting", DELIVER: "left" }[step] || "firm";
}

// Overdue first; among them, those of which something must still be picked.
function inDueOrder(rows) {
  const rank = (each) => DUES.findIndex(([due]) => due === isDue(each));
  const picked = (each) => Number(isDue(each) === "late" && !each[7]);
  return [...rows].sort((left, right) => rank(left) - rank(right) || picked(left) - picked(right));
}

function dueButtons(sum, early) {
  const numberOf = (due) => grouped(sum(due)[0]);
  const texts = { number: grouped(early), hour: EARLY_HOUR };
  const earlyTexts = { today: t("({number} of tomorrow before {hour})", texts), tomorrow: t("({number} before {hour})", texts) };
  const earlyOf = (due) => (early && earlyTexts[due] ? [" ", earlyTexts[due]] : []);
  const button = (due, text) => make("button", { type: "button", id: `due-${due ?? "all"}`, "aria-pressed": String(filters.due === due), on: { click: () => {
    filters.due = due;
    opened.add("departures");
    refresh();
    at(`due-${due ?? "all"}`).focus();
  } } }, `${text} `, make("strong", null, numberOf(due)), ...earlyOf(due));
  return make("div", { class: "dues", role: "group", "aria-label": t("When they must be delivered") }, button(null, t("All")), 
    ...DUES.filter(([due]) => ["today", "tomorrow", filters.due].includes(due) || sum(due)[0]).map(([due]) => button(due, dueName(due))));
}

function departures(chosen) {
  const all = inDueOrder(listed("departures", chosen, { partner: 4, item: 5 }));
  const rows = all.filter((each) => belongs({ due: isDue(each), isEarly: isEarly(each[1], each[3]) }, chosen.due));
  const found = openOrders(all, chosen);
  const sum = (due, group) => dueSum(found, (each) => belongs(each, due ?? null) && (group ? each.group === group : true));
  const [early] = dueSum(found, (each) => each.isEarly);
  const [firm, waiting, open] = ["firm", "waiting", "open"].map((group) => sum(chosen.due, group));
  const near = Math.min(MOST_PRINTED, rows.filter((each) => ["late", "today", "tomorrow"].includes(isDue(each))).length);
  const line = (name, [orders, pieces, containers]) => [`${name}: ${counted(orders, t("order"), t("orders"))}`, ...Array(8).fill(null), pieces, containers, null, null];
  const groups = [["firm", t("Firm orders")], ["waiting", t("Not final yet, but no longer cancellable (prepare them too)")], ["open", t("Can still be cancelled")], ["left", t("Left, not reported as delivered")]]
    .filter(([group]) => rows.some((each) => groupOfStep(stepOf(each[3], each[12])) === group))
    .map(([group, name]) => ({ group, cells: line(name, sum(chosen.due, group)) }));
  return {
    choices: all.length ? dueButtons(sum, early) : null,
    figures: [
      { value: grouped(firm[0]), label: t("firm orders to leave") },
      waiting[0] > 0 && { value: grouped(waiting[0]), label: t("no longer cancellable, but not final yet: prepare too") },
      { value: grouped(open[0]), label: t("orders that can still be cancelled") },
      { value: grouped(firm[1] + waiting[1]), label: t("pieces to pick that cannot be cancelled, in {packages} packages", { packages: grouped(firm[2] + waiting[2]) }) },
      open[0] > 0 && { value: grouped(open[1]), label: t("pieces to pick that can be cancelled, in {packages} packages", { packages: grouped(open[2]) }) },
      early > 0 && [null, "today", "tomorrow"].includes(chosen.due) && { value: grouped(early), label: early === 1 ? t("of tomorrow's orders is due before {hour}: it leaves today", { hour: EARLY_HOUR }) : t("of tomorrow's orders are due before {hour}: they leave today", { hour: EARLY_HOUR }) },
      ...warehouseFigures(found, chosen),
    ],
    table: {
      groups,
      columns: [column(t("Latest delivery"), null, { show: nearInAmsterdam }), column(t("Order")), column(t("Next step")), column(t("Cancellable until"), null, { show: nearInAmsterdam }),
        column(t("Customer"), null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Leaves from")), column(t("Destination")),
        column(t("Pieces"), grouped), column(t("Pieces to pick"), grouped), column(t("Packages to pick"), grouped), column(t("Package code")), column(t("Carrier"))],
      rows: rows.map(([, time, order, step, customer, item, destination, open, containers, carrier, , warehouse, until, ordered, kind]) => ({
        ...row([time, order, STEPS[stepOf(step, until)] || words(step), until, idName("partner", customer), idName("item", item), warehouse, destination, ordered, open, containers, kind, carrier], PLACES.get(customer)), group: groupOfStep(stepOf(step, until)),
      })),
      few: Math.max(FEW, near),
      paper: Math.max(PAPER, near),
      whole: line(t("Total"), sum(chosen.due)),
    },
  };
}
