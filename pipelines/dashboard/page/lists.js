// Sections with lists of single purchase orders and customers. Those of changes are the same in all weeks.

// The rows of a list for the chosen accounts, partners and items; places are those of the identifiers in a row.
function listed(list, chosen, { partner, item, currency }) {
  const fits = (split, id) => !chosen[split].size || [...chosen[split]].some((place) => CONTENT.keys[place] === id);
  return CONTENT.lists[list].filter((each) => (chosen.account === null || each[0] === chosen.account)
    && (partner === undefined || fits("partner", each[partner])) && (currency === undefined || chosen.code === null || each[currency] === chosen.code) && (item === undefined || fits("item", each[item])));
}

function idName(split, id) {
  return id ? labelOf(split, id) : null;
}

const SAME = 0.02; // a change by less is none

// The state of a customer: one that did not order for much longer than usual is silent, whatever it bought before.
function stateOfCustomer([, , status, now, before, , , , , isSilent]) {
  if (isSilent && status !== "STOPPED") return "SILENT";
  const isSame = Number(before) && Math.abs(Number(now) / Number(before) - 1) < SAME;
  return isSame && ["FALLEN", "GROWN"].includes(status) ? "UNCHANGED" : status;
}

// The states in their order: those of customers that need a question first. Each has the amount by which its customers are sorted.
const CUSTOMER_STATES = [
  ["STOPPED", t("Stopped"), (now, before) => before], ["SILENT", t("Silent"), Math.max], ["FALLEN", t("Bought less"), (now, before) => before - now],
  ["GROWN", t("Bought more"), (now, before) => now - before], ["NEW", t("New"), (now) => now], ["UNCHANGED", t("Bought as much"), (now) => now], [null, t("Without weeks to compare"), (now) => now],
];

function inStates(rows) {
  return CUSTOMER_STATES.map(([state, name, by]) => {
    const amountOf = (each) => by(Number(each[3]), Number(each[4]));
    return { state, name, rows: rows.filter((each) => stateOfCustomer(each) === state).sort((left, right) => amountOf(right) - amountOf(left)) };
  });
}

function changes(chosen) {
  const states = inStates(listed("changes", chosen, { partner: 1 }).filter((each) => chosen.code === null || each[5] === chosen.code));
  const number = (wanted) => grouped(states.find(({ state }) => state === wanted).rows.length);
  const amounts = (some) => {
    const [now, before] = [3, 4].map((place) => some.reduce((all, each) => all + Number(each[place] || 0), 0));
    return [now, before, now - before, before ? now / before - 1 : null];
  };
  const line = ([, customer, , now, before, , time, silent, usual, , last, next], state, name) => [idName("partner", customer), state ? name : null,
    ...amounts([[0, 0, 0, now, before]]), time, last, silent, usual === null ? null : Number(usual), next];
  return {
    figures: [
      { value: number("STOPPED"), label: t("stopped") },
      { value: number("SILENT"), label: t("are silent") },
      { value: number("FALLEN"), label: t("bought less") },
      { value: number("GROWN"), label: t("bought more") },
      { value: number("NEW"), label: t("are new") },
      { value: number("UNCHANGED"), label: t("bought as much, within {part}", { part: percent(SAME, 0) }) },
    ],
    table: {
      groups: states.filter(({ rows }) => rows.length).map(({ state, name, rows }) => ({ group: state, cells: [`${name}: ${counted(rows.length, t("customer"), t("customers"))}`, null, ...amounts(rows), ...Array(5).fill(null)] })),
      columns: [column(t("Customer"), null, { choose: (key) => toggle("partner", key) }), column(t("Status")), worth(WORD, chosen),
        worth(t("A year earlier"), chosen), differing(t("Difference"), chosen), column(t("Change"), (part) => change(1 + part, 1)),
        column(t("Last order"), null, { show: inAmsterdam, screen: true }), column(t("Last delivery"), null, inDays), column(t("Days since"), grouped),
        column(t("Usual days between"), grouped), column(t("Next delivery"), null, inDays)],
      rows: states.flatMap(({ state, name, rows }) => rows.map((each) => ({ ...row(line(each, state, name), PLACES.get(each[1])), group: state }))),
      few: 24,
      paper: 12,
      whole: [t("Total"), null, ...amounts(states.flatMap(({ rows }) => rows)), ...Array(5).fill(null)],
    },
  };
}

function actions(chosen) {
  const whole = total("actions", chosen).orders;
  const reasons = added("actions", chosen, ["reason"]).sort(falling("mentions"));
  const names = reasons.map((each) => words(CONTENT.keys[each.reason]));
  const week = (day) => Math.floor((Date.parse(day) - FIRST_MONDAY) / (7 * DAY));
  const shown = listed("actions", chosen, { partner: 4, item: 5 }).filter(([, , , day]) =>
    chosen.from === null || (day && week(day) >= chosen.from && week(day) <= chosen.to));
  return {
    figures: [{ value: grouped(whole), label: whole === 1 ? t("purchase order") : t("purchase orders") }],
    picture: reasons.length && horizontalBars({
      labels: names,
      series: [{ name: t("Purchase orders"), values: reasons.map((each) => each.mentions) }],
      format: grouped,
      unit: t("purchase orders"),
      axis: { minInterval: 1 },
      alt: `${t("Purchase orders by why they need action.")} ${extremes(names, reasons.map((each) => each.mentions), grouped)}`,
    }),
    table: {
      columns: [column(t("Delivery"), null, { show: (day) => dayName(Date.parse(day)) }), column(t("Reference")), column(t("Grower")), column(t("Trade item")), column(t("Units"), grouped),
        column(t("Why"))],
      rows: shown.map(([, reference, why, day, grower, what, quantity]) => row([day, reference,
        idName("partner", grower), idName("item", what), quantity === null ? null : Number(quantity), why.map(words).join(", ")])),
    },
  };
}
