// The page: header, notices, and the sections drawn anew whenever something is chosen.

// What a reader should know before trusting the figures.
function notices() {
  const { merged: { partners, items: merged }, outside: { older, later, last: latest } } = CONTENT;
  const texts = lackNotices();
  const age = Math.floor((now() - Date.parse(CONTENT.made)) / DAY);
  if (age >= 2) texts.push(t("This page was made {days} days ago: `floriday dashboard` makes a new one.", { days: grouped(age) }));
  if (partners || merged) {
    texts.push(t("To keep the file small, {partners} smaller {kind} and {items} smaller trade items are shown together as others; totals"
      + " are complete. `floriday report` has them all.", { partners: grouped(partners), kind: PARTNER.many, items: grouped(merged) }));
  }
  if (older) texts.push(t("Left out are {orders} from before {week}.", { orders: counted(older, t("order"), t("orders")), week: weekName(CONTENT.first) }));
  if (later) texts.push(t("Left out are {orders} from after {week}.", { orders: counted(later, t("order"), t("orders")), week: weekName(latest) }));
  if (isOutside()) texts.push(t("There are no data of {weeks}, which --from and --to asked for.", { weeks: periodName(CONTENT.chosen.from, CONTENT.chosen.to) }));
  if (CONTENT.limited) texts.push(t("This page contains only: {names}. What cannot be limited to that is left out.", { names: CONTENT.limited }));
  return texts.map((text) => make("p", { class: "notice" }, ...withCommands(text)));
}

function nothing() {
  return make("section", { class: "card wide", id: "nothing" }, make("h2", null, t("There is nothing to show yet")),
    make("p", null, ...withCommands(t("No order, delivery or batch is in the warehouse yet. Once `floriday sync` has read some,"
      + " `floriday dashboard` makes this page with them."))));
}

// Opens the page in the other language; the texts are those of the moment at which it is loaded.
function otherLanguage() {
  const other = Object.keys(LANGUAGES).find((each) => each !== LANGUAGE);
  const open = () => {
    const query = new URLSearchParams(window.location.hash.slice(1));
    query.set("language", other);
    window.history.replaceState(null, "", `#${query}`);
    window.location.reload();
  };
  const button = make("button", { type: "button", class: "pick", lang: other, on: { click: open } }, LANGUAGES[other]);
  return make("div", { class: "screen" }, make("dt", null, t("Language")), make("dd", null, button));
}

function header() {
  const organization = filters.account === null && accounts.length ? t("All accounts") : CONTENT.accounts[filters.account] || filters.account || t("Dashboard");
  at("kind").textContent = BUYS ? t("Floriday purchases") : t("Floriday sales");
  at("organization").textContent = organization;
  document.title = `${organization} \u2013 ${t("Floriday dashboard")}`;
  const feeds = feedsOf(filters.account);
  const facts = [[t("Data as of"), [...(feeds.length ? [light(dataColour(feeds)), " "] : []), asOf() ? inAmsterdam(asOf()) : t("never synced")]],
    [t("Running week"), [weekName(CONTENT.week)]], [t("Currency"), [filters.currency === null ? NOTHING : filters.code || t("none given")]]];
  at("facts").replaceChildren(...facts.map(([term, text]) => make("div", null, make("dt", null, term), make("dd", null, ...text))), otherLanguage());
  at("foot").textContent = t("Made {time} by floriday-warehouse. Days and weeks are those of Amsterdam, currencies are never added together."
    + " Charts by Apache ECharts. This page sends no network requests.", { time: inAmsterdam(CONTENT.made) });
}

// Links to all sections; the address of the page has the filters, so they do not change it.
function fillContents() {
  const sections = [...at("figures").querySelectorAll("section:not(#nothing)")];
  const link = (section) => make("li", null, make("a", { href: `#${section.id}`, on: { click: (event) => {
    event.preventDefault();
    at("contents").open = false;
    goTo(section.id);
  } } }, section.id === "health" ? t("Feeds") : section.querySelector("h2").textContent));
  at("contents").hidden = !sections.length;
  at("contents").replaceChildren(make("summary", null, t("Contents")), make("nav", { class: "panel", "aria-label": t("Contents") }, make("ul", null, ...sections.map(link))));
}

// On paper, the sections that are left out because they are closed.
function nameUnprinted() {
  const titles = (sections) => [...document.querySelectorAll(sections)].map((each) => (each.closest("#health") ? t("Feeds") : each.textContent)).join(", ");
  const [none, figures] = ["section.screen:not(.opened, .headline) h2, #health:not(.opened) h2", "section.headline:not(.opened) h2"].map(titles);
  at("unprinted").textContent = [none && t("Not printed, because their tables are closed: {titles}.", { titles: none }),
    figures && t("Printed without their tables, which are closed: {titles}.", { titles: figures }),
    (none || figures) && t("Open a table to print it.")].filter(Boolean).join(" ");
}

// Two halves share a row. One without another half beside it takes the whole row, so that sections keep their order without gaps.
function arrange() {
  let half = null;
  for (const section of at("figures").children) {
    const isHalf = section.matches("section:not(.wide, :has(> .table:not(.closed)))");
    section.classList.remove("alone");
    if (!isHalf) half?.classList.add("alone");
    half = isHalf && !half ? section : null;
  }
  half?.classList.add("alone");
}

// The section in which something was last chosen; the choice leaves it where it is on the screen.
let touched = null;
at("figures").addEventListener("click", (event) => { touched = event.target.closest("#figures > section")?.id ?? null; }, true);

// Do what moves sections, and then scroll by as much as the touched one moved.
function inPlace(change) {
  const top = () => at(touched ?? "")?.getBoundingClientRect().top;
  const before = top();
  change();
  const after = top();
  if (before !== undefined && after !== undefined) window.scrollBy(0, after - before);
  touched = null;
}

function render() {
  header();
  const isEmpty = !Object.values(FACTS).some((columns) => {
    const fits = isOfAccount(columns, filters.account);
    return columns.account.some((_, place) => fits(place));
  });
  const built = isEmpty ? [] : SECTIONS.filter(({ fact, list, sells }) => !(sells && BUYS) && (list ? CONTENT.lists[list] : FACTS[fact])).map(sectionOf);
  for (const chart of charts.values()) chart.dispose();
  charts.clear();
  at("filters").hidden = isEmpty;
  at("figures").replaceChildren(...notices(), ...(isEmpty ? [nothing()] : [summary(), amountsNote(), tasks()]),
    ...built.map(({ section }) => section), ...[health()].filter(Boolean));
  pictures = built.map((each) => each.picture).filter(Boolean);
  arrange();
  fillContents();
  nameUnprinted();
  draw();
  if (!isEmpty) {
    at("again").replaceChildren(make("strong", null, t("Filters")), make("span", null, inShort()));
    at("chosen").textContent = inShort();
    at("shown").textContent = t("Shown: {choices}.", { choices: choices() });
  }
}

function start() {
  enter(accounts[0] ?? null);
  usual = address(false);
  readAddress();
  fillFilters();
  render();
}

at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("figures").focus();
});
window.addEventListener("hashchange", start);
start();
