// Read the content. Facts are columns; texts in them are places in CONTENT.keys.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// An object whose keys are texts of the content: without a prototype, "constructor" is a key like any other.
function dictionary(object) {
  return Object.assign(Object.create(null), object);
}

document.getElementById("old").hidden = "DecompressionStream" in window;
const CONTENT = await unpacked(document.getElementById("content").textContent.trim());
CONTENT.accounts = dictionary(CONTENT.accounts);
CONTENT.health = dictionary(CONTENT.health);
CONTENT.incomplete = dictionary(CONTENT.incomplete);
for (const split of Object.keys(CONTENT.names)) CONTENT.names[split] = dictionary(CONTENT.names[split]);
const FACTS = CONTENT.facts;
const BUYS = CONTENT.api === "customers";
const SPLITS = new Set(["account", "week", "partner", "item", "carrier", "channel", "instrument", "currency",
  "price_currency", "initiator", "reason", "kind", "decision", "cause", "outside", "age"]);
const MEASURES = Object.fromEntries(
  Object.entries(FACTS).map(([name, columns]) => [name, Object.keys(columns).filter((each) => !SPLITS.has(each))]),
);
const PLACES = new Map(CONTENT.keys.map((text, place) => [text, place]));
const OTHER = "*";

for (const columns of Object.values(FACTS)) {
  columns.week = columns.week.map((week) => (week === null ? null : week + CONTENT.first));
}
