// The form to choose accounts, weeks, partners, trade items and the currency.

const PRESETS = [[4, t("4 weeks")], [13, t("13 weeks")], [26, t("26 weeks")], [52, t("52 weeks")], [null, t("All")]];
const MOST_LISTED = 200; // names in a list; the search finds all others

function choice(id, label, options, value, listener, size = "") {
  const select = make("select", { id, on: { change: () => listener(select.value) } },
    ...options.map(([key, text]) => make("option", { value: key === null ? "" : String(key) }, text)));
  select.value = value === null ? "" : String(value);
  return make("div", { class: `field ${size}` }, make("label", { for: id }, label), select);
}

// A list with a search, of which several may be chosen.
function severalOf(split, label) {
  const rank = (place) => [null, OTHER].indexOf(CONTENT.keys[place]);
  const entries = placesOf(filters.account, split).map((place) => [place, nameOf(split, place)])
    .sort((left, right) => rank(left[0]) - rank(right[0]) || left[1].localeCompare(right[1], LOCALE));
  const shown = make("summary", { id: `${split}-chosen`, "aria-label": "" }, "");
  const list = make("ul", null);
  const search = make("input", { type: "search", id: `${split}-search`, placeholder: t("Search"), "aria-label": t("Search"), on: { input: () => fill() } });
  const none = make("button", { type: "button", on: { click: () => { filters[split].clear(); refresh(); } } }, t("Choose all"));
  const name = () => {
    shown.textContent = chosenNames(split);
    shown.setAttribute("aria-label", `${label}: ${shown.textContent}`);
  };
  const entry = ([place, text]) => {
    const box = make("input", { type: "checkbox", on: { change: () => {
      if (box.checked) filters[split].add(place);
      else filters[split].delete(place);
      window.history.replaceState(null, "", address());
      name();
      render();
    } } });
    box.checked = filters[split].has(place);
    return make("li", null, make("label", null, box, " ", text));
  };
  const fill = () => {
    const wanted = search.value.toLocaleLowerCase(LOCALE);
    const found = entries.filter(([, text]) => text.toLocaleLowerCase(LOCALE).includes(wanted));
    list.replaceChildren(...found.slice(0, MOST_LISTED).map(entry),
      ...(found.length > MOST_LISTED ? [make("li", { class: "note" }, t("{number} more: search", { number: grouped(found.length - MOST_LISTED) }))] : []));
  };
  fill();
  name();
  const details = make("details", { id: split, open: at(split)?.open || false }, shown, make("div", { class: "panel" }, search, list, none));
  return make("div", { class: "field" }, make("span", { class: "label" }, label), details);
}

function chooseLimit(name, text) {
  const week = text === "" ? null : Number(text);
  const other = name === "from" ? "to" : "from";
  if (week === null) last(null);
  else if (name === "from") between(week, Math.max(week, filters[other] ?? lastWeek));
  else between(Math.min(week, filters[other] ?? firstWeek), week);
  refresh();
}

function fillFilters() {
  const focused = document.activeElement?.id;
  const weeks = Array.from({ length: lastWeek - firstWeek + 1 }, (_, place) => lastWeek - place).map((week) => [week, weekName(week)]);
  const presets = PRESETS.map(([count, text]) => make("button", {
    type: "button", id: `last-${count ?? "all"}`, "aria-pressed": String(isPreset(count)), on: { click: () => { last(count); refresh(); } },
  }, text));
  const currencies = currenciesOf(filters.account);
  const state = at("filters").querySelector("details")?.open ?? window.matchMedia("(min-width: 800px)").matches;
  const fields = make("div", { class: "fields" },
    accounts.length > 1 ? choice("account", t("Account"), [[null, t("All accounts")], ...accounts.map((name) => [name, name])], filters.account,
      (text) => { enter(text || null); refresh(); }) : null,
    make("div", { class: "field fit" }, make("span", { class: "label", id: "period" }, t("Last full weeks")),
      make("div", { class: "presets", role: "group", "aria-labelledby": "period" }, ...presets)),
    choice("from", t("From week"), [[null, t("the beginning")], ...weeks], filters.from, (text) => chooseLimit("from", text), "small"),
    choice("to", t("To week"), [[null, t("the end")], ...weeks], filters.to, (text) => chooseLimit("to", text), "small"),
    severalOf("partner", PARTNER.One),
    severalOf("item", t("Trade item")),
    currencies.length > 1 ? choice("currency", t("Currency"), currencies.map((place) => [place, CONTENT.keys[place] || t("none given")]),
      filters.currency, (text) => { filters.currency = Number(text); refresh(); }, "small") : null,
  );
  at("filters").replaceChildren(make("details", { open: state },
    make("summary", null, make("strong", null, t("Filters")), make("span", { id: "chosen" }, choices())), fields));
  if (focused) at(focused)?.focus();
}

// A list closes with Escape, and when something else is clicked.
function closeLists(event) {
  for (const list of document.querySelectorAll(".field details[open]")) {
    if (event.type === "keydown" ? event.key === "Escape" : !list.contains(event.target)) list.open = false;
  }
}

document.addEventListener("pointerdown", closeLists);
document.addEventListener("keydown", closeLists);
