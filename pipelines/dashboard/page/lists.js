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

// The day of the last delivery, in Amsterdam, from the days since; none for one that is today or still to come.
function lastDay(silent) {
  const today = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Amsterdam" }).format(new Date(CONTENT.made));
  return silent ? new Date(Date.parse(today) - silent * DAY).toISOString().slice(0, 10) : null;
}

function changes(chosen) {
  const rows = listed("changes", chosen, { partner: 1 }).filter((each) => chosen.code === null || each[5] === chosen.code);
  const number = (status) => grouped(rows.filter((each) => stateOfCustomer(each) === status).length);
  const sum = (place) => rows.reduce((all, each) => all + Number(each[place] || 0), 0);
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
      columns: [column(t("Customer"), null, { choose: (key) => toggle("partner", key) }), column(t("Status")), worth(WORD, chosen),
        worth(t("A year earlier"), chosen), worth(t("Difference"), chosen), column(t("Change"), (part) => change(1 + part, 1)),
        column(t("Last order"), null, { show: inAmsterdam, screen: true }), column(t("Last delivery"), null, { show: (day) => dayName(Date.parse(day)) }), column(t("Days silent"), grouped), column(t("Usual days between"), grouped)],
      rows: rows.map((each) => {
        const [, customer, , now, before, , time, silent, usual] = each;
        const state = stateOfCustomer(each);
        return row([idName("partner", customer), state ? words(state) : null, Number(now), Number(before), Number(now) - Number(before),
          Number(before) ? Number(now) / Number(before) - 1 : null, time, lastDay(silent), silent, usual === null ? null : Number(usual)], PLACES.get(customer));
      }),
      few: 24,
      paper: 12,
      whole: [t("Total"), null, sum(3), sum(4), sum(3) - sum(4), sum(4) ? sum(3) / sum(4) - 1 : null, null, null, null, null],
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
