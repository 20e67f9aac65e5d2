// The state of each feed, and which figures of the page it makes wrong: a figure needs the feeds of CONTENT.needs.

const STATES = { current: t("Current"), behind: t("Behind"), never: t("Never read"), barred: t("Not granted") };

// A feed that fails is not read any more, while the others are: so many hours after its last reading, it is behind.
const MOST_HOURS = CONTENT.thresholds.data_age_hours.red;

function newestOf(feeds) {
  return feeds.map((feed) => feed.last_synced_at).filter(Boolean).sort().at(-1) ?? null;
}

function stateOf({ cursor, is_granted: isGranted, current_at: currentAt, last_synced_at: syncedAt }, newest) {
  if (cursor === null) return isGranted === false ? "barred" : "never";
  const hours = (Date.parse(newest) - Date.parse(syncedAt)) / 3_600_000;
  return currentAt === null || currentAt < syncedAt || hours > MOST_HOURS ? "behind" : "current";
}

for (const feeds of Object.values(CONTENT.health)) {
  const newest = newestOf(feeds);
  for (const feed of feeds) feed.state = stateOf(feed, newest);
}

function feedsOf(account) {
  return account === null ? Object.values(CONTENT.health).flat() : CONTENT.health[account] || [];
}

// When the data were last read; of several accounts, when those of each were.
function asOf() {
  const accounts = filters.account === null ? Object.values(CONTENT.health) : [feedsOf(filters.account)];
  const moments = accounts.map(newestOf);
  return moments.includes(null) ? null : moments.sort()[0] ?? null;
}

// The feeds that a fact or list of the chosen accounts needs: those that were never read, and since when others are behind.
function lacking(name) {
  const accounts = filters.account === null ? Object.values(CONTENT.health) : [feedsOf(filters.account)];
  const found = { unread: new Set(), behind: new Map() };
  for (const feeds of accounts.filter((each) => each.length)) {
    for (const needed of CONTENT.needs[name] || []) {
      const feed = feeds.find((each) => each.feed === needed);
      if (!feed || ["never", "barred"].includes(feed.state)) found.unread.add(needed);
      else if (feed.state === "behind" && !(found.behind.get(needed) < feed.last_synced_at)) found.behind.set(needed, feed.last_synced_at);
    }
  }
  return found;
}

const NAMES = (feeds) => [...feeds].sort().join(", ");

// What is said of a figure instead of it, or beside it; empty if all that it needs is current.
function lackText({ unread, behind }) {
  if (unread.size) return unread.size === 1 ? t("not known: the feed {feeds} was never read", { feeds: NAMES(unread) }) : t("not known: the feeds {feeds} were never read", { feeds: NAMES(unread) });
  return [...behind].sort().map(([feed, time]) => t("{feed} was last read {time}", { feed, time: inAmsterdam(time) })).join(", ");
}

// What the figures of the page lack together.
function lackNotices() {
  const [unread, behind] = [new Set(), new Map()];
  for (const name of Object.keys(CONTENT.needs)) {
    const found = lacking(name);
    for (const feed of found.unread) unread.add(feed);
    for (const [feed, time] of found.behind) behind.set(feed, time);
  }
  const old = [...behind].sort().map(([feed, time]) => `${feed} (${inAmsterdam(time)})`).join(", ");
  return [
    unread.size && t("Never read, so that what needs them is not known: {feeds}. `floriday status` shows why.", { feeds: NAMES(unread) }),
    old && t("Not read to the end lately, so that changes are missing: {feeds}. `floriday status` shows why.", { feeds: old }),
  ].filter(Boolean);
}
