// How far the feeds of an account are read.

const STATES = [["current", "Read to the end"], ["behind", "Behind"], ["never", "Never read"], ["barred", "Not granted"]];

function stateOf(feed) {
  if (feed.cursor === null) return feed.is_granted === false ? "barred" : "never";
  return feed.current_at === null || feed.current_at < feed.last_synced_at ? "behind" : "current";
}

function health() {
  const feeds = CONTENT.health[chosen.account] || [];
  if (!feeds.length) return null;
  const count = (state) => feeds.filter((feed) => stateOf(feed) === state).length;
  const rejected = feeds.reduce((sum, feed) => sum + feed.rejected_open, 0);
  const reached = count("current");
  const groups = [...new Set(feeds.map(({ feed }) => feed.split(".")[0]))];
  const well = reached === feeds.length && rejected === 0;
  const series = STATES.map(([state, name]) => ({
    name, stack: "feeds",
    values: groups.map((group) => feeds.filter((feed) => feed.feed.startsWith(`${group}.`) && stateOf(feed) === state).length || null),
  })).filter(({ values }) => values.some(Boolean));
  const picture = horizontalBars({
    labels: groups.map(words), series, format: grouped, axis: { minInterval: 1 }, flat: true,
    alt: `Feeds by how far they are read. ${STATES.map(([state, name]) => `${name}: ${count(state)}`).join(", ")}.`,
  });
  const table = {
    columns: [column("Feed"), column("State"), column("Last read"), column("Last change"), column("Behind", grouped),
      column("Records", grouped), column("Rejected", grouped)],
    rows: feeds.map((feed) => [feed.feed, Object.fromEntries(STATES)[stateOf(feed)], inAmsterdam(feed.last_synced_at),
      inAmsterdam(feed.last_changed_at), feed.behind, feed.records, feed.rejected_open]),
  };
  const mark = make("span", { class: well ? "mark well" : "mark", "aria-hidden": "true" }, well ? "\u2713" : "!");
  const verdict = well ? "Fresh and complete" : rejected ? "Some records are missing" : "Not all is read";
  const section = make("section", { id: "health", class: "card wide health", "aria-labelledby": "health-title" },
    make("h2", { id: "health-title" }, mark, " ", verdict),
    make("div", { class: "side" }, make("div", { class: "figures" }, ...[
      { value: `${grouped(reached)} of ${grouped(feeds.length)}`, label: "feeds are read to their end" },
      { value: grouped(rejected), label: rejected === 1 ? "record was rejected" : "records were rejected" },
      { value: inAmsterdam(asOf()), label: "was the last sync, in Amsterdam" },
    ].map(figure)),
    make("div", null, ...drawing("health", picture))),
    ...disclosure("health", "Feeds", tableOf(table, "Feeds of the account"), feeds.length));
  return { section, picture: { id: "health-chart", ...picture } };
}

function asOf() {
  const moments = (CONTENT.health[chosen.account] || []).map((feed) => feed.last_synced_at).filter(Boolean);
  return moments.sort().at(-1) ?? null;
}
