// Sections on deliveries and corrections.

function fillRate(chosen) {
  const whole = total("fill", chosen);
  const weeks = weeksOf("fill", chosen).filter((week) => week <= CONTENT.week);
  const sums = new Map(added("fill", chosen, ["week"]).map((sum) => [sum.week, quotient(sum.delivered, sum.ordered)]));
  const rates = weeks.map((week) => sums.get(week) ?? null);
  const missing = (each) => Math.max(0, each.ordered - each.delivered);
  const perItem = added("fill", chosen, ["item"]).map((each) => ({ ...each, missing: missing(each) })).sort(falling("missing"));
  return {
    figures: [
      { value: percent(quotient(whole.delivered, whole.ordered)), label: "of the pieces first ordered were delivered" },
      { value: grouped(missing(whole)), label: "pieces short" },
    ],
    picture: weeks.length && verticalBars({
      weeks,
      series: [{ name: "Fill rate", values: rates, line: true }],
      format: percent,
      axis: { max: (range) => Math.max(1, Math.ceil(range.max * 20) / 20), min: (range) => Math.max(0, Math.floor(range.min * 10) / 10) },
      alt: `Fill rate by week of delivery. ${extremes(weeks.map(weekName), rates, percent)}`,
    }),
    table: {
      columns: [column("Trade item"), column("Orders", grouped), column("Ordered", grouped), column("Delivered", grouped),
        column("Short", grouped), column("Fill rate", percent)],
      rows: perItem.map((each) => [nameOf("item", each.item), each.orders, each.ordered, each.delivered, each.missing,
        quotient(each.delivered, each.ordered)]),
    },
  };
}

function onTime(chosen) {
  const whole = total("deliveries", chosen);
  const carriers = added("deliveries", chosen, ["carrier"]).sort(falling("load_carriers"));
  const shown = carriers.slice(0, MOST_BARS);
  const names = shown.map((each) => nameOf("carrier", each.carrier));
  const shares = shown.map((each) => quotient(each.on_time, each.load_carriers));
  return {
    figures: [
      { value: percent(quotient(whole.on_time, whole.load_carriers)), label: "of the load carriers came in time" },
      { value: grouped(whole.load_carriers - whole.on_time), label: `of ${grouped(whole.load_carriers)} came late` },
    ],
    picture: shown.length && horizontalBars({
      labels: names,
      series: [{ name: "In time", values: shares }],
      format: percent,
      axis: SHARE,
      alt: `Part of the load carriers that came in time, by carrier. ${extremes(names, shares, percent)}`,
    }),
    table: {
      columns: [column("Carrier"), column("Load carriers", grouped), column("In time", grouped), column("Late", grouped),
        column("Share", percent)],
      rows: carriers.map((each) => [nameOf("carrier", each.carrier), each.load_carriers, each.on_time,
        each.load_carriers - each.on_time, quotient(each.on_time, each.load_carriers)]),
    },
  };
}

function corrections(chosen) {
  const whole = total("corrections", chosen);
  const weeks = weeksOf("corrections", chosen);
  const sides = added("corrections", chosen, ["initiator"]).sort(falling("requests")).map((each) => each.initiator);
  const byWeek = added("corrections", chosen, ["week", "initiator"]);
  const requests = (week, side) =>
    byWeek.find((each) => each.week === week && each.initiator === side)?.requests ?? 0;
  const all = weeks.map((week) => sides.reduce((sum, side) => sum + requests(week, side), 0));
  const rows = added("corrections", chosen, ["partner", "initiator"]).sort(falling("requests"));
  return {
    figures: [
      { value: grouped(whole.requests), label: `requests, ${grouped(whole.accepted)} of them accepted` },
      { value: money(whole.value, chosen.code), label: "is what they changed" },
    ],
    picture: weeks.length && sides.length && verticalBars({
      weeks,
      series: sides.map((side) => ({
        name: `By ${words(CONTENT.keys[side]).toLowerCase()}`, stack: "sides", slot: slotOf("corrections", "initiator", "requests", side),
        values: weeks.map((week) => requests(week, side)),
      })),
      format: grouped,
      axis: { minInterval: 1 },
      alt: `Correction requests by week of delivery. ${extremes(weeks.map(weekName), all, grouped)}`,
    }),
    table: {
      columns: [column(PARTNER.One), column("Asked by"), column("Requests", grouped), column("Accepted", grouped),
        column("Pieces", grouped), worth("Value", chosen)],
      rows: rows.map((each) => [nameOf("partner", each.partner), words(CONTENT.keys[each.initiator]), each.requests,
        each.accepted, each.pieces, each.value]),
    },
  };
}
