// Sections on contracts, and on stock by its age.

// Why so much is expected: more is called off than the pace so far gives, or that pace gives more.
function basisOf([, , , , , , called, , , expected, , , , delivered]) {
  if (!expected) return t("nothing called off yet");
  return expected > called ? t("pace of delivery") : delivered >= called ? t("delivered") : t("what is called off");
}

const inDays = { show: (day) => dayName(Date.parse(day)) };

function contracts(chosen) {
  const rows = listed("contracts", chosen, { partner: 2, item: 3, currency: 11 });
  const short = rows.filter(isShort);
  const sum = (place) => rows.reduce((all, each) => all + Number(each[place] || 0), 0);
  return {
    figures: [
      { value: grouped(short.length), label: t("of {whole} lines: forecast below what was agreed", { whole: grouped(rows.length) }) },
      { value: money(short.reduce((all, each) => all + (each[5] - each[9]) * Number(each[12] || 0), 0), chosen.code), label: t("of the agreed value would be left, by this forecast") },
    ],
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Contract")), column(t("Until"), null, inDays),
        column(t("Days left"), grouped), column(t("Agreed"), grouped), column(t("Called off"), grouped), column(t("Not called off"), grouped), column(t("Delivered"), grouped),
        column(t("Forecast at the end"), grouped), column(t("Forecast from")), column(t("Part of agreed"), percent), worth(t("Price"), { code: chosen.code }, 3)],
      rows: rows.map((each) => {
        const [, reference, partner, item, until, agreed, called, remaining, days, expected, share, , agreedPrice, delivered] = each;
        return row([idName("partner", partner), idName("item", item), reference, until, days, agreed, called, remaining, delivered, expected, basisOf(each),
          share === null ? null : Number(share), agreedPrice === null ? null : Number(agreedPrice)], PLACES.get(partner));
      }),
      whole: [t("Total"), null, null, null, null, sum(5), sum(6), sum(7), sum(13), sum(9), null, quotient(sum(9), sum(5)), null],
    },
  };
}

// Whether a line of a contract would not be taken by its end.
function isShort(each) {
  return each[9] < each[5];
}

// Days after which a batch is old, and how many pieces older ones have left.
const OLD_DAYS = CONTENT.thresholds.stock_age_days.green;

function isOld(each) {
  return each[4] > OLD_DAYS;
}

const AGE_CLASSES = dictionary({ "0 to 3 days": t("0 to 3 days"), "4 to 7 days": t("4 to 7 days"), "8 to 14 days": t("8 to 14 days"), "15 to 30 days": t("15 to 30 days"),
  "over 30 days": t("over 30 days") });

function leftovers(chosen) {
  const rows = listed("leftovers", chosen, { item: 1 });
  const sum = (place, some = rows) => some.reduce((all, each) => all + (each[place] || 0), 0);
  const groups = [...new Set(rows.map((each) => each[7]))].map((age) => {
    const some = rows.filter((each) => each[7] === age);
    return { group: age, cells: [AGE_CLASSES[age] || t("without a day"), null, null, sum(3, some), sum(5, some), sum(6, some)] };
  });
  return {
    figures: [
      { value: grouped(sum(5)), label: t("pieces left, of all batches") },
      { value: grouped(sum(5, rows.filter(isOld))), label: t("of these, of batches of more than {days} days", { days: grouped(OLD_DAYS) }) },
      { value: grouped(sum(5) - sum(6)), label: t("of these, in no offer now") },
    ],
    table: {
      groups,
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Warehouse")), column(t("Days since harvest, oldest"), grouped), column(t("Batches"), grouped),
        column(t("Left"), grouped), column(t("Offered"), grouped)],
      rows: rows.map(([, item, place, batches, days, left, offered, age]) => ({ ...row([idName("item", item), place, days, batches, left, offered], PLACES.get(item)), group: age })),
      whole: [t("Total"), null, null, sum(3), sum(5), sum(6)],
    },
  };
}
