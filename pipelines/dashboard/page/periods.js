// Revenue by week, month or quarter. Months and quarters have whole weeks: a week belongs to those of its Thursday, as in ISO years.

const SPANS = [["week", t("by week")], ["month", t("by month")], ["quarter", t("by quarter")]];

function thursdayOf(week) {
  return new Date(FIRST_MONDAY + (7 * week + 3) * DAY);
}

function quarterOf(week) {
  const thursday = thursdayOf(week);
  return 4 * thursday.getUTCFullYear() + Math.floor(thursday.getUTCMonth() / 3);
}

function quarterName(quarter) {
  return t("Q{quarter} {year}", { quarter: (quarter % 4) + 1, year: Math.floor(quarter / 4) });
}

function monthOfWeek(week) {
  return dateFormatter(LOCALE, { month: "short", year: "numeric", timeZone: "UTC" }).format(thursdayOf(week));
}

function weekRange(weeks) {
  const [first, last] = [weeks[0], weeks.at(-1)].map((week) => isoWeek(week).week);
  return first === last ? String(first) : `${first}\u2013${last}`;
}

function spanName(week, by) {
  return by === "quarter" ? quarterName(quarterOf(week)) : monthOfWeek(week);
}

// The weeks as the months or quarters that they belong to, which have `all` weeks together.
function spansOf(weeks, by) {
  const spans = new Map();
  for (const week of weeks) {
    const name = spanName(week, by);
    spans.set(name, [...(spans.get(name) || []), week]);
  }
  const near = Array.from({ length: 27 }, (_, place) => place - 13);
  return [...spans].map(([name, own]) => {
    const every = near.map((place) => own[0] + place).filter((week) => spanName(week, by) === name);
    return { name, weeks: own, every, all: every.length };
  });
}

function spanButtons() {
  const button = ([by, text]) => make("button", { type: "button", id: `by-${by}`, "aria-pressed": String(filters.by === by), on: { click: () => {
    filters.by = by;
    refresh();
    at(`by-${by}`).focus();
  } } }, text);
  return make("div", { class: "dues unprinted", role: "group", "aria-label": t("Bars") }, ...SPANS.map(button));
}

const SPAN_TITLES = { month: BUYS ? t("Spend by month") : t("Revenue by month"), quarter: BUYS ? t("Spend by quarter") : t("Revenue by quarter") };

// The picture and the table of revenue by month or quarter: all of full weeks, as what they are compared with. Weeks that are not over,
// or in which the data begin, are apart, hatched in the picture and in a row of their own.
function revenueBySpan(chosen) {
  const weeks = weeksOf("sales", chosen, true);
  const found = new Map(added("sales", { ...chosen, from: null }, ["week"]).map((each) => [each.week, each]));
  const [years, year, whole] = [yearsOf(chosen), comparison(chosen), total("sales", chosen)];
  const isOver = (week) => week < CONTENT.week;
  const sum = (some, measure) => some.reduce((all, week) => all + (found.get(week)?.[measure] ?? 0), 0);
  const sums = (some) => ["orders", "pieces", "revenue"].map((measure) => sum(some, measure));
  const first = firstFullWeek(chosen);
  const spans = spansOf(weeks, chosen.by).map((each) => {
    const over = each.weeks.filter((week) => isOver(week) && week >= first);
    const compared = over.filter((week) => years.before(week) !== null);
    const [now, before] = [years.now, years.before].map((of) => compared.reduce((all, week) => all + of(week), 0));
    return { ...each, over, compared, now, before, isWhole: over.length === each.all };
  });
  const full = spans.map((each) => (each.over.length ? sum(each.over, "revenue") : null));
  const open = spans.map((each) => sum(each.weeks.filter((week) => !each.over.includes(week)), "revenue") || null);
  const part = (some, all) => t("{part} of {whole}", { part: grouped(some), whole: counted(all, t("week"), t("weeks")) });
  const names = spans.map((each) => `${each.name} (${part(each.over.length, each.all)})`);
  const rows = spans.filter((each) => each.over.length).map((each) =>
    row([each.name, each.isWhole ? weekRange(each.over) : `${weekRange(each.over)} (${part(each.over.length, each.all)})`, ...sums(each.over),
      each.compared.length ? each.now : null, each.compared.length ? each.before : null, each.before ? each.now / each.before - 1 : null, t("{part} of {whole}", { part: grouped(each.compared.length), whole: grouped(each.over.length) })], each.weeks[0]));
  const apart = (name, range, some, key) => row([name, range, ...sums(some), null, null, null, null], key);
  const partial = weeks.filter((week) => isOver(week) && week < first && found.has(week));
  const later = weeks.filter((week) => !isOver(week) && (chosen.from === null || week <= chosen.to));
  return {
    title: SPAN_TITLES[chosen.by],
    picture: weeks.length && verticalBars({
      weeks: spans.map((each) => each.weeks[0]),
      names,
      label: (place) => (spans[place].isWhole ? spans[place].name.replace(/ (?=\d{4}$)/, "\n")
        : `${spans[place].name}\n${t("{part} of {whole} weeks", { part: spans[place].over.length, whole: spans[place].all })}`),
      title: chosen.by === "quarter" ? t("quarter of delivery, in whole weeks") : t("month of delivery, in whole weeks"),
      choose: (place) => { between(spans[place].weeks[0], spans[place].weeks.at(-1)); refresh(); },
      series: [
        { name: t("{word}, full weeks", { word: WORD }), stack: "weeks", slot: 0, values: full },
        ...(open.some((value) => value !== null) ? [{ name: t("Not a full week"), stack: "weeks", slot: 0, hatched: true, values: open }] : []),
        { name: t("A year earlier"), values: spans.map((each) => (each.over.length && each.compared.length === each.over.length ? each.before : null)), line: true, dashed: true, colour: "before" },
      ],
      format: amount(chosen),
      unit: chosen.code || "",
      alt: `${t("Value of the full weeks by month or quarter, with the year before.")} ${extremes(names, full, amount(chosen))}`,
    }),
    table: {
      columns: [column(t("Period"), null, { byKey: true }), column(t("Weeks")), column(t("Orders"), grouped), column(t("Pieces"), grouped), worth(WORD, chosen),
        worth(t("In the weeks compared"), chosen), worth(t("A year earlier"), chosen), column(t("Change"), (growth) => change(1 + growth, 1)), column(t("Weeks compared"))],
      rows: [...(later.length ? [apart(t("Not over yet"), weekRange(later), later, later[0])] : []), ...rows.reverse(),
        ...(partial.length ? [apart(t("Not a full week: the data begin in it"), weekRange(partial), partial, partial[0])] : []),
        ...(chosen.from === null && found.has(null) ? [apart(weekName(null), null, [null], null)] : [])],
      whole: [t("Total"), null, whole.orders, whole.pieces, whole.revenue, year ? year.now : null, year ? year.value : null, year ? year.part : null, year ? year.weeks : null],
    },
  };
}

// A choice of quarters for the filters.
function quarterField() {
  const weeks = Array.from({ length: lastWeek - firstWeek + 1 }, (_, place) => firstWeek + place);
  const quarters = spansOf(weeks, "quarter").reverse();
  const chosen = quarters.find((each) => filters.from === each.weeks[0] && filters.to === each.weeks.at(-1));
  const options = quarters.map((each) => [each.weeks[0], `${each.name} (${t("week {weeks}", { weeks: weekRange(each.every) })})`]);
  return choice("quarter", t("Quarter (whole weeks)"), [[null, NOTHING], ...options], chosen ? chosen.weeks[0] : null, (text) => {
    const quarter = quarters.find((each) => String(each.weeks[0]) === text);
    if (quarter) between(quarter.weeks[0], quarter.weeks.at(-1));
    else last(USUAL);
    refresh();
  }, "week");
}
