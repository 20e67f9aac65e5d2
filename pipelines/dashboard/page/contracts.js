// Sections on contracts, and on stock by its age.

// Why so much is expected: more is called off and still to come than the pace so far gives, or that pace gives more.
function basisOf([, , , , , , , , days, expected, , , , delivered, , pace, outstanding]) {
  if (!expected) return t("nothing delivered or called off yet");
  if (expected === delivered) return t("delivered");
  return outstanding >= Math.round(Number(pace) * days) ? t("what is still to come") : t("pace of delivery");
}

// How many pieces a line stays below what was agreed, by the forecast.
function missingOf(each) {
  return Math.max(0, each[5] - each[9]);
}

// Called-off pieces that will not come.
function lostOf(each) {
  return Math.max(0, each[6] - each[13] - each[16]);
}

function missingValue(each) {
  return missingOf(each) * Number(each[12] || 0);
}

// Lines in other currencies than the chosen one, which neither the table nor a sum has.
function otherLines(chosen, fits = () => true) {
  const lines = listed("contracts", { ...chosen, code: null }, { partner: 2, item: 3, currency: 11 }).filter((each) => each[11] !== chosen.code && fits(each));
  const codes = [...new Set(lines.map((each) => each[11] || t("no currency given")))].sort();
  return chosen.code !== null && lines.length ? t("{lines} in {currencies}", { lines: counted(lines.length, t("line"), t("lines")), currencies: codes.join(", ") }) : "";
}

function contracts(chosen) {
  const rows = listed("contracts", chosen, { partner: 2, item: 3, currency: 11 });
  const short = rows.filter(isShort);
  const sum = (place) => rows.reduce((all, each) => all + Number(each[place] || 0), 0);
  const [missing, value] = [missingOf, missingValue].map((of) => short.reduce((all, each) => all + of(each), 0));
  const lost = rows.reduce((all, each) => all + lostOf(each), 0);
  const others = otherLines(chosen);
  return {
    more: others && t("Not shown: {lines}; choose the currency above.", { lines: others }),
    figures: [
      { value: grouped(short.length), label: t("of {whole} lines: forecast below what was agreed", { whole: grouped(rows.length) }) },
      { value: grouped(missing), label: t("agreed pieces will not be delivered, by this forecast") },
      { value: money(value, chosen.code), label: t("of the agreed value will not be delivered, by this forecast") },
      { value: grouped(rows.reduce((all, each) => all + Math.max(0, each[5] - each[6]), 0)), label: t("agreed pieces not called off yet") },
      { value: grouped(sum(16)), label: t("pieces called off and still to come") },
      lost > 0 && { value: grouped(lost), label: t("pieces called off that will not come: their orders were rejected, cancelled or corrected") },
    ],
    table: {
      columns: [column(PARTNER.One, null, { choose: (key) => toggle("partner", key) }), column(t("Trade item")), column(t("Contract")), column(t("From"), null, inDays), column(t("Until"), null, inDays),
        column(t("Agreed"), grouped), column(t("Called off"), grouped), column(t("Delivered"), grouped), column(t("Still to come"), grouped), column(t("Lost"), grouped),
        column(t("Pace: pieces a week"), grouped), column(t("Forecast at the end"), grouped), column(t("Forecast based on")), column(t("Part of agreed"), percent),
        column(t("Pieces short"), grouped), worth(t("Value short"), chosen, 0)],
      rows: rows.map((each) => {
        const [, reference, partner, item, until, agreed, called, , days, expected, share, , agreedPrice, delivered, from, pace, outstanding] = each;
        return row([idName("partner", partner), idName("item", item), reference, from, until, agreed, called, delivered, outstanding, lostOf(each), pace === null ? null : 7 * Number(pace),
          expected, basisOf(each), share === null ? null : Number(share), missingOf(each), agreedPrice === null ? null : missingValue(each)], PLACES.get(partner));
      }),
      whole: [t("Total"), null, null, null, null, sum(5), sum(6), sum(13), sum(16), lost, null, sum(9), null, quotient(sum(9), sum(5)), missing, value],
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
  const line = (some) => {
    const [batches, left, offered] = [3, 5, 6].map((place) => sum(place, some));
    return [batches, left, offered, left - offered, quotient(left - offered, left)];
  };
  const groups = [...new Set(rows.map((each) => each[7]))].map((age) => {
    const some = rows.filter((each) => each[7] === age);
    return { group: age, cells: [AGE_CLASSES[age] || t("without a day"), null, null, ...line(some)] };
  });
  return {
    figures: [
      { value: grouped(sum(5)), label: t("pieces left, of all batches") },
      { value: grouped(sum(5, rows.filter(isOld))), label: t("pieces of batches of more than {days} days", { days: grouped(OLD_DAYS) }) },
      { value: grouped(sum(5) - sum(6)), label: t("pieces in no offer now ({part} of all that are left)", { part: percent(line(rows)[4]) }) },
    ],
    table: {
      groups,
      columns: [column(t("Trade item"), null, { choose: (key) => toggle("item", key) }), column(t("Warehouse")), column(t("Days since harvest, oldest"), grouped), column(t("Batches"), grouped),
        column(t("Left"), grouped), column(t("Offered"), grouped), column(t("In no offer"), grouped), column(t("Share in no offer"), percent)],
      rows: rows.map((each) => ({ ...row([idName("item", each[1]), each[2], each[4], ...line([each])], PLACES.get(each[1])), group: each[7] })),
      whole: [t("Total"), null, null, ...line(rows)],
    },
  };
}
