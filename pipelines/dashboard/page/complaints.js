// Sections on complaints, and on requests that have no answer.

function reasonName(place) {
  const text = CONTENT.keys[place];
  return text === null ? t("No reason given") : text === OTHER ? t("Other reasons") : text;
}

function complaints(chosen) {
  const asked = (each) => ["COMPLAINT", "CORRECTION"].includes(CONTENT.keys[each.kind]);
  const rows = added("complaints", chosen, ["partner", "item", "reason", "kind", "decision"]).filter(asked)
    .sort((left, right) => falling("complaints")(left, right) || right.value - left.value);
  const kinds = added("complaints", chosen, ["kind"]);
  const failed = (kind) => kinds.find((each) => CONTENT.keys[each.kind] === kind);
  const figure = (kind, label) => failed(kind) && { value: grouped(failed(kind).complaints), label: label(money(failed(kind).value, chosen.code)) };
  const reasons = added("complaints", chosen, ["reason", "kind"]).filter(asked);
  const names = [...new Set(reasons.map((each) => each.reason))];
  const number = (reason, kind) => reasons.filter((each) => each.reason === reason && (!kind || CONTENT.keys[each.kind] === kind))
    .reduce((sum, each) => sum + each.complaints, 0);
  const shown = names.sort((left, right) => number(right) - number(left)).slice(0, MOST_BARS);
  const whole = addedUp(rows, MEASURES.complaints);
  const line = (each) => [each.complaints, each.accepted, each.declined, quotient(each.hours, each.answers), each.pieces, each.value];
  return {
    figures: [
      { value: grouped(whole.complaints), label: t("complaints and corrections that were requested of us") },
      { value: grouped(quotient(whole.hours, whole.answers)), label: t("hours to an answer, on average") },
      figure("REJECTED", (value) => t("orders were rejected ({value})", { value })),
      figure("CANCELLED", (value) => t("orders were cancelled ({value})", { value })),
      figure("UNFULFILLABLE", (value) => t("orders could not be fulfilled ({value})", { value })),
    ],
    picture: shown.length && horizontalBars({
      labels: shown.map(reasonName),
      series: [["COMPLAINT", t("Complaints after delivery")], ["CORRECTION", t("Corrections before delivery")]].map(([kind, name], slot) => ({
        name, slot, stack: "kinds", values: shown.map((reason) => number(reason, kind)),
      })),
      format: grouped,
      unit: t("requests"),
      axis: { minInterval: 1 },
      alt: `${t("Complaints and corrections by reason.")} ${extremes(shown.map(reasonName), shown.map((reason) => number(reason)), grouped)}`,
    }),
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Reason")), column(t("Kind"), null, { screen: true }),
        column(t("Decision"), null, { screen: true }), column(t("Requests"), grouped), column(t("Accepted"), grouped, { screen: true }), column(t("Declined"), grouped, { screen: true }),
        column(t("Hours to an answer"), grouped, { screen: true }), column(t("Pieces taken off"), grouped, { screen: true }), worth(t("Value taken off"), chosen)],
      rows: rows.map((each) => row([nameOf("partner", each.partner), nameOf("item", each.item), reasonName(each.reason), words(CONTENT.keys[each.kind]),
        CONTENT.keys[each.decision] ? words(CONTENT.keys[each.decision]) : null, ...line(each)], each.partner)),
      whole: [t("Total"), null, null, null, null, ...line(whole)],
    },
  };
}

// Who has to answer a request: we, or the other side; or nobody any more, because its time is over.
function answerOf([, , , , initiator, , , expires]) {
  if (expires && Date.parse(expires) < now()) return "late";
  return initiator === (BUYS ? "CUSTOMER" : "SUPPLIER") ? "theirs" : "ours";
}

function requests(chosen) {
  const rows = listed("requests", chosen, { partner: 2, item: 3, currency: 8 });
  const figure = (answer, label) => ({ value: grouped(rows.filter((each) => answerOf(each) === answer).length), label });
  return {
    figures: [
      figure("ours", t("wait for our answer")),
      figure("theirs", t("wait for an answer of the other side")),
      figure("late", t("are past the time to answer them")),
    ],
    table: {
      columns: [column(t("Order")), column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Asked by")), column(t("Reason")),
        column(t("Asked at"), null, { show: inAmsterdam }), column(t("Answer until"), null, { show: inAmsterdam })],
      rows: rows.map(([, order, partner, item, initiator, reason, requested, expires]) => row([order, idName("partner", partner), idName("item", item), words(initiator),
        reason, requested, expires], PLACES.get(partner))),
    },
  };
}
