// How far the feeds of the chosen accounts are read: one line with a light.

function light(colour) {
  const names = { green: t("good"), amber: t("watch"), red: t("act") };
  return make("span", { class: `light ${colour}`, role: "img", "aria-label": names[colour] }, { green: "\u2713", amber: "!", red: "\u2715" }[colour]);
}

// The light of the data: by their age, feeds that are behind, and rejected records.
function dataColour(feeds) {
  const hours = asOf() === null ? Infinity : (now() - Date.parse(asOf())) / 3_600_000;
  const isRejected = feeds.some((feed) => feed.rejected_open);
  const isLacking = feeds.some(({ state }) => ["behind", "never"].includes(state));
  return worst([lightOf("data_age_hours", hours), isLacking ? "amber" : "green", isRejected ? "amber" : "green"]);
}

function health() {
  const feeds = feedsOf(filters.account);
  if (!feeds.length) return null;
  const rejected = feeds.reduce((sum, feed) => sum + feed.rejected_open, 0);
  const count = (wanted) => feeds.filter(({ state }) => state === wanted).length;
  const barred = count("barred");
  const table = {
    columns: [column(t("Feed")), column(t("Status")), column(t("Last read")), column(t("Last change")), column(t("Behind"), grouped),
      column(t("Records"), grouped), column(t("Rejected"), grouped)],
    rows: feeds.map((feed) => row([feed.feed, STATES[feed.state], inAmsterdam(feed.last_synced_at),
      inAmsterdam(feed.last_changed_at), feed.behind, feed.records, feed.rejected_open])),
  };
  return make("section", { id: "health", class: "card wide health", "aria-labelledby": "health-title" },
    make("h2", { id: "health-title" }, light(dataColour(feeds)), " ", t("Data as of {time}", { time: asOf() ? inAmsterdam(asOf()) : t("never") })),
    make("p", { class: "note" }, [
      t("{part} of {whole} feeds are current", { part: grouped(count("current")), whole: grouped(feeds.length) }),
      barred ? t("{number} not granted", { number: grouped(barred) }) : "",
      rejected === 1 ? t("1 record was rejected") : t("{number} records were rejected", { number: grouped(rejected) }),
      thresholdText("data_age_hours"),
      t("\u2013 under \u201cBehind\u201d: Floriday does not report the highest number of that feed, so how far it is behind is not known"),
    ].filter(Boolean).join(" · ")),
    ...disclosure("health", t("Feeds"), table, t("Feeds of the account")));
}
