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
  const text = make("span", null, "");
  const shown = make("summary", { id: `${split}-chosen`, "aria-label": "" }, text);
  const list = make("ul", null);
  const search = make("input", { type: "search", id: `${split}-search`, placeholder: t("Search"), "aria-label": t("Search"), on: { input: () => fill() } });
  const none = make("button", { type: "button", class: "none", on: { click: () => {
    filters[split].clear();
    refresh();
    at(`${split}-chosen`).focus();
  } } }, t("Clear this filter"));
  const name = () => {
    text.textContent = boxText(split);
    shown.title = chosenNames(split, Infinity);
    shown.setAttribute("aria-label", `${label}: ${shown.title}`);
    none.hidden = !filters[split].size;
  };
  const entry = ([place, entryName]) => {
    const box = make("input", { type: "checkbox", on: { change: () => {
      if (box.checked) filters[split].add(place);
      else filters[split].delete(place);
      remember();
      name();
      render();
    } } });
    box.checked = filters[split].has(place);
    return make("li", null, make("label", null, box, " ", entryName));
  };
  const fill = () => {
    const wanted = search.value.toLocaleLowerCase(LOCALE);
    const found = entries.filter(([, entryName]) => entryName.toLocaleLowerCase(LOCALE).includes(wanted));
    if (!found.length) list.replaceChildren(make("li", { class: "note", role: "status" }, t("No name contains \u201c{text}\u201d.", { text: search.value })));
    else list.replaceChildren(...found.slice(0, MOST_LISTED).map(entry),
      ...(found.length > MOST_LISTED ? [make("li", { class: "note" }, t("{number} more: search", { number: grouped(found.length - MOST_LISTED) }))] : []));
  };
  fill();
  name();
  const details = make("details", { id: split, open: at(split)?.open || false }, shown, make("div", { class: "panel" }, search, list, none));
  return make("div", { class: "field" }, make("span", { class: "label" }, label), details);
}

// One name, or how many: several names are too long for the box.
function boxText(split) {
  const { size } = filters[split];
  return size > 1 ? countOf(split, size) : chosenNames(split);
}

// A first week after the last one moves both to it, and says so: the next choice is usually that of the other end.
let moved = "";

function chooseLimit(name, text) {
  const week = text === "" ? null : Number(text);
  const other = name === "from" ? "to" : "from";
  if (week !== null && filters[other] !== null && (name === "from" ? week > filters[other] : week < filters[other])) {
    moved = name === "from" ? t("{week} is after the last week that was chosen, so it is the only one now.", { week: weekName(week) })
      : t("{week} is before the first week that was chosen, so it is the only one now.", { week: weekName(week) });
  }
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
    choice("from", t("From week"), [[null, t("the beginning")], ...weeks], filters.from, (text) => chooseLimit("from", text), "week"),
    choice("to", t("To week"), [[null, t("the end")], ...weeks], filters.to, (text) => chooseLimit("to", text), "week"),
    quarterField(),
    severalOf("partner", PARTNER.One),
    severalOf("item", t("Trade item")),
    currencies.length > 1 ? choice("currency", t("Currency"), currencies.map((place) => [place, CONTENT.keys[place] || t("none given")]),
      filters.currency, (text) => { filters.currency = Number(text); refresh(); }, "small") : null,
    make("p", { class: "moved note", role: "status" }, moved),
  );
  moved = "";
  at("filters").replaceChildren(make("details", { open: state },
    make("summary", null, make("strong", null, t("Filters")), make("span", { id: "chosen" }, inShort())), fields),
  make("button", { type: "button", id: "clear", on: { click: clear } }, t("Clear all")));
  markFiltered();
  if (focused) at(focused)?.focus();
}

// The button that clears all filters is there when one is chosen.
let usual = "";

function markFiltered() {
  at("clear").hidden = address(false) === usual;
}

function clear() {
  readAddress(new URLSearchParams());
  refresh();
  at("filters").querySelector("summary").focus();
}

// A list closes with Escape, and when something else is clicked.
function closeLists(event) {
  for (const list of document.querySelectorAll(".field details[open], #contents[open]")) {
    const byKey = event.type === "keydown";
    if (byKey ? event.key !== "Escape" : list.contains(event.target)) continue;
    if (byKey && list.contains(document.activeElement)) list.querySelector("summary").focus();
    list.open = false;
  }
}

// The height of what stays at the top: what is scrolled to comes below it. Open filters scroll away, and one line stays; a click on it
// brings them back, until something else is clicked or scrolled.
function measureBar() {
  const [bar, line] = [at("filters"), at("passed")];
  const height = window.getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : window.getComputedStyle(line).display === "none" ? 0 : LINE;
  document.documentElement.style.setProperty("--bar", `${height}px`);
}
const LINE = 40; // pixels

function pin(isPinned) {
  if (at("filters").classList.contains("pinned") === isPinned) return;
  at("filters").classList.toggle("pinned", isPinned);
  measureBar();
  if (isPinned) at("filters").querySelector("summary").focus({ preventScroll: true });
}

function unpin({ type, key, target }) {
  if (type === "keydown" ? key === "Escape" && !document.querySelector(".field details[open]") : !at("filters").contains(target)) pin(false);
}

new ResizeObserver(measureBar).observe(at("filters"));
new IntersectionObserver(([{ isIntersecting, boundingClientRect: { bottom } }]) => at("passed").classList.toggle("on", !isIntersecting && bottom < 0)).observe(at("filters"));
at("again").addEventListener("click", () => pin(true));
for (const event of ["pointerdown", "wheel", "touchmove", "keydown"]) document.addEventListener(event, unpin, { passive: true });
document.addEventListener("pointerdown", closeLists);
document.addEventListener("keydown", closeLists);
