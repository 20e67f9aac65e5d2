// How far the feeds of the chosen accounts are read: one line with a light.

const STATES = { current: t("Current"), behind: t("Behind"), never: t("Never read"), barred: t("Not granted") };

function stateOf(feed) {
  if (feed.cursor === null) return feed.is_granted === false ? "barred" : "never";
  return feed.current_at === null || feed.current_at < feed.last_synced_at ? "behind" : "current";
}

function feedsOf(account) {
  return account === null ? Object.values(CONTENT.health).flat() : CONTENT.health[account] || [];
}

function asOf() {
  const moments = feedsOf(filters.account).map((feed) => feed.last_synced_at).filter(Boolean);
  return moments.sort().at(-1) ?? null;
}

function light(colour) {
  const names = { green: t("good"), amber: t("watch"), red: t("act") };
  return make("span", { class: `light ${colour}`, role: "img", "aria-label": names[colour] }, { green: "\u2713", amber: "!", red: "\u2715" }[colour]);
}

function reachedOf(feeds) {
  return feeds.filter((feed) => ["current", "barred"].includes(stateOf(feed))).length;
}

// The light of the data: by their age, feeds that are behind, and rejected records.
function dataColour(feeds) {
  const hours = asOf() === null ? Infinity : (now() - Date.parse(asOf())) / 3_600_000;
  const isRejected = feeds.some((feed) => feed.rejected_open);
  return worst([lightOf("data_age_hours", hours), reachedOf(feeds) === feeds.length ? "green" : "amber", isRejected ? "amber" : "green"]);
}

function health() {
  const feeds = feedsOf(filters.account);
  if (!feeds.length) return null;
  const rejected = feeds.reduce((sum, feed) => sum + feed.rejected_open, 0);
  const reached = reachedOf(feeds);
  const table = {
    columns: [column(t("Feed")), column(t("Status")), column(t("Last read")), column(t("Last change")), column(t("Behind"), grouped),
      column(t("Records"), grouped), column(t("Rejected"), grouped)],
    rows: feeds.map((feed) => row([feed.feed, STATES[stateOf(feed)], inAmsterdam(feed.last_synced_at),
      inAmsterdam(feed.last_changed_at), feed.behind, feed.records, feed.rejected_open])),
  };
  return make("section", { id: "health", class: "card wide health", "aria-labelledby": "health-title" },
    make("h2", { id: "health-title" }, light(dataColour(feeds)), " ", t("Data as of {time}", { time: asOf() ? inAmsterdam(asOf()) : t("never") })),
    make("p", { class: "note" }, [
      t("{part} of {whole} feeds are current", { part: grouped(reached), whole: grouped(feeds.length) }),
      rejected === 1 ? t("1 record was rejected") : t("{number} records were rejected", { number: grouped(rejected) }),
      thresholdText("data_age_hours"),
      t("\u2013 under \u201cBehind\u201d: Floriday does not report the highest number of that feed, so how far it is behind is not known"),
    ].join(" · ")),
    ...disclosure("health", t("Feeds"), table, t("Feeds of the account")));
}
