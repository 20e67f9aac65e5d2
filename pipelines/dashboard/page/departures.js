// Open orders: what must leave, from where, and until when it can be cancelled.

const MOST_PRINTED = 40; // rows that a meeting goes through

const STEPS = dictionary({
  COMMIT: t("Can still be cancelled"), PICK: t("To pick"), DESPATCH: t("To despatch"), DELIVER: t("On its way"),
});

const DUES = [["late", t("Overdue")], ["today", t("Today")], ["tomorrow", t("Tomorrow")], ["week", t("Later this week")], ["later", t("After this week")],
  ["left", t("Left, not reported as delivered")]];

// Days since the first Monday of 1970, in Amsterdam.
function dayNumber(time) {
  const text = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Amsterdam" }).format(time);
  return Math.round((Date.parse(text) - FIRST_MONDAY) / DAY);
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

// The numbers of orders, pieces and packages of all open orders, also of those that are not listed; with customers or trade items
// chosen, of those that are listed.
function dueSums(rows, chosen) {
  const isWhole = !CONTENT.dues.length || chosen.partner.size || chosen.item.size;
  const all = isWhole ? rows.map((each) => [isDue(each), each[3], 1, each[7] || 0, each[8] || 0])
    : CONTENT.dues.filter(([account]) => chosen.account === null || account === chosen.account)
      .map(([, time, step, orders, pieces, packages]) => [dueOf(time, step), step, orders, pieces || 0, packages || 0]);
  return (due, group) => all.filter(([when, step]) => (due ? when === due : true) && (group ? groupOfStep(step) === group : true))
    .reduce((sum, [, , ...numbers]) => sum.map((each, place) => each + numbers[place]), [0, 0, 0]);
}

// Firm orders, those that can still be cancelled, and those that have left.
function groupOfStep(step) {
  return { COMMIT: "open", DELIVER: "left" }[step] || "firm";
}

// Overdue first; among them, those of which something must still be picked.
function inDueOrder(rows) {
  const rank = (each) => DUES.findIndex(([due]) => due === isDue(each));
  const picked = (each) => Number(isDue(each) === "late" && !each[7]);
  return [...rows].sort((left, right) => rank(left) - rank(right) || picked(left) - picked(right));
}

function dueButtons(sum) {
  const numberOf = (due) => grouped(sum(due)[0]);
  const button = (due, text) => make("button", { type: "button", id: `due-${due ?? "all"}`, "aria-pressed": String(filters.due === due), on: { click: () => {
    filters.due = due;
    opened.add("departures");
    refresh();
    at(`due-${due ?? "all"}`).focus();
  } } }, `${text} `, make("strong", null, numberOf(due)));
  return make("div", { class: "dues", role: "group", "aria-label": t("When they must be delivered") }, button(null, t("All")), ...DUES.map(([due, text]) => button(due, text)));
}

function departures(chosen) {
  const all = inDueOrder(listed("departures", chosen, { partner: 4, item: 5 }));
  const rows = all.filter((each) => chosen.due === null || isDue(each) === chosen.due);
  const sum = dueSums(all, chosen);
  const [, pieces, packages] = sum(chosen.due);
  const near = Math.min(MOST_PRINTED, rows.filter((each) => ["late", "today", "tomorrow"].includes(isDue(each))).length);
  const line = (name, [orders, open, containers]) => [`${name}: ${counted(orders, t("order"), t("orders"))}`, ...Array(8).fill(null), open, containers, null];
  const groups = [["firm", t("Firm orders")], ["open", t("Can still be cancelled")], ["left", t("Left, not reported as delivered")]]
    .filter(([group]) => rows.some((each) => groupOfStep(each[3]) === group))
    .map(([group, name]) => ({ group, cells: line(name, sum(chosen.due, group)) }));
  return {
    choices: all.length ? dueButtons(sum) : null,
    figures: [
      { value: grouped(sum(chosen.due, "firm")[0]), label: t("firm orders to leave") },
      { value: grouped(sum(chosen.due, "open")[0]), label: t("orders that can still be cancelled") },
      { value: grouped(pieces), label: t("pieces to pick") },
      { value: grouped(packages), label: t("packages to pick") },
    ],
    table: {
      groups,
      columns: [column(t("Latest delivery"), null, { show: nearInAmsterdam }), column(t("Order")), column(t("Next step"), null, { screen: true }), column(t("Cancellable until"), null, { show: nearInAmsterdam }),
        column(t("Customer"), null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Leaves from")), column(t("Destination")),
        column(t("Pieces"), grouped, { screen: true }), column(t("Pieces to pick"), grouped), column(t("Packages to pick"), grouped), column(t("Carrier"))],
      rows: rows.map(([, time, order, step, customer, item, destination, open, containers, carrier, , warehouse, until, ordered]) => ({
        ...row([time, order, STEPS[step] || words(step), until, idName("partner", customer), idName("item", item), warehouse, destination, ordered, open, containers, carrier], PLACES.get(customer)), group: groupOfStep(step),
      })),
      few: Math.max(FEW, near),
      paper: Math.max(PAPER, near),
      whole: line(t("Total"), sum(chosen.due)),
    },
  };
}
