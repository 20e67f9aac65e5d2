// Sections on contracts, and on stock by its age.

const inDays = { show: (day) => dayName(Date.parse(day)) };

function contracts(chosen) {
  const rows = listed("contracts", chosen, { partner: 2, item: 3, currency: 11 });
  const short = rows.filter(isShort);
  const sum = (place) => rows.reduce((all, each) => all + Number(each[place] || 0), 0);
  return {
    figures: [
      { value: grouped(short.length), label: t("of {whole} lines would not be called off by their end", { whole: grouped(rows.length) }) },
      { value: money(short.reduce((all, each) => all + (each[5] - each[9]) * Number(each[12] || 0), 0), chosen.code), label: t("of the agreed value would be left") },
    ],
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Contract"), null, { screen: true }), column(t("Until"), null, inDays),
        column(t("Days left"), grouped, { screen: true }), column(t("Agreed"), grouped), column(t("Called off"), grouped), column(t("Not called off"), grouped),
        column(t("Expected at the end"), grouped), column(t("Part of agreed"), percent), worth(t("Price"), { code: chosen.code }, 3)],
      rows: rows.map(([, reference, partner, item, until, agreed, called, remaining, days, expected, share, , agreedPrice]) => row([idName("partner", partner), idName("item", item),
        reference, until, days, agreed, called, remaining, expected, share === null ? null : Number(share), agreedPrice === null ? null : Number(agreedPrice)], PLACES.get(partner))),
      whole: [t("Total"), null, null, null, null, sum(5), sum(6), sum(7), sum(9), quotient(sum(9), sum(5)), null],
    },
  };
}

// Whether a line of a contract would not be taken by its end.
function isShort(each) {
  return each[9] < each[5];
}

const OLD_DAYS = 14;

function leftovers(chosen) {
  const rows = listed("leftovers", chosen, { item: 1 });
  const sum = (place, some = rows) => some.reduce((all, each) => all + (each[place] || 0), 0);
  return {
    figures: [
      { value: grouped(sum(5)), label: t("pieces left, of all batches") },
      { value: grouped(sum(5, rows.filter((each) => each[4] > OLD_DAYS))), label: t("of these, of batches of more than {days} days", { days: OLD_DAYS }) },
      { value: grouped(sum(5) - sum(6)), label: t("of these, in no offer now") },
    ],
    table: {
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Warehouse")), column(t("Days since harvest"), grouped), column(t("Batches"), grouped),
        column(t("Left"), grouped), column(t("Offered"), grouped)],
      rows: rows.map(([, item, place, batches, days, left, offered]) => row([idName("item", item), place, days, batches, left, offered], PLACES.get(item))),
      whole: [t("Total"), null, null, sum(3), sum(5), sum(6)],
    },
  };
}
