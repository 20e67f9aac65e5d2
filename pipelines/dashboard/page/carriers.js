// The section on load carriers.

const NO_BALANCES = t("Floriday reports neither the balances of load carriers and packages with customers nor their deposits.");

function loadCarriers(chosen) {
  const measures = ["carriers", "layers", "invoiced", "invoiced_layers"];
  const kinds = added("loadcarriers", chosen, ["kind"]).sort(falling("carriers"));
  const whole = addedUp(kinds, measures);
  const line = (each) => measures.map((measure) => each[measure]);
  return {
    figures: [
      { value: grouped(whole.carriers), label: t("load carriers shipped") },
      { value: grouped(whole.invoiced), label: t("load carriers invoiced") },
    ],
    table: {
      columns: [column(t("Kind")), column(t("Shipped"), grouped), column(t("Shelves shipped, besides the first"), grouped), column(t("Invoiced"), grouped), column(t("Shelves invoiced"), grouped)],
      rows: kinds.map((each) => row([words(CONTENT.keys[each.kind]), ...line(each)])),
      whole: [t("Total"), ...line(whole)],
    },
  };
}
