// The first screen: key figures.

function summary() {
  const tiles = [];
  const tile = (value, label, more, href) => tiles.push(make("a", { class: "tile", href },
    make("span", { class: "label" }, label), make("strong", null, value), make("span", { class: "more" }, more || "")));
  if (FACTS.sales) {
    const sums = total("sales", chosen);
    const year = comparison(chosen);
    tile(money(sums.revenue, chosen.code), WORD, year ? `${year.text} on last year (${year.weeks})` : "", "#revenue");
    tile(grouped(sums.orders), "Orders", `${grouped(sums.pieces)} pieces`, "#partners");
  }
  if (FACTS.fill) {
    const sums = total("fill", chosen);
    tile(percent(quotient(sums.delivered, sums.ordered)), "Fill rate", `${grouped(Math.max(0, sums.ordered - sums.delivered))} pieces short`, "#fill");
  }
  if (FACTS.deliveries) {
    const sums = total("deliveries", chosen);
    tile(percent(quotient(sums.on_time, sums.load_carriers)), "On time", counted(sums.load_carriers, "load carrier"), "#punctuality");
  }
  if (FACTS.invoices) {
    const sums = total("invoices", chosen);
    tile(money(sums.open, chosen.code), "Not invoiced", `${money(sums.excess, chosen.code)} too much`, "#invoices");
  }
  if (FACTS.actions) tile(grouped(total("actions", chosen).orders), "Need action", "purchase orders", "#actions");
  return make("nav", { class: "tiles", "aria-label": "Key figures" }, ...tiles);
}
