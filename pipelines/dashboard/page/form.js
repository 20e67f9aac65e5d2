// How numbers, money, weeks and elements look, in the language of the page.

const NOTHING = "\u2013";
const DAY = 86400000;
const FIRST_MONDAY = Date.UTC(1970, 0, 5);
const formats = new Map();

function formatter(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(LOCALE, { signDisplay: "negative", ...options }));
  return formats.get(key);
}

// To make a format takes a hundred times as long as to use it.
function dateFormatter(locale, options) {
  const key = `${locale} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, options));
  return formats.get(key);
}

function formatted(value, options) {
  return value === null || value === undefined || !Number.isFinite(value) ? NOTHING : formatter(options).format(value);
}

const digits = (decimals) => ({ minimumFractionDigits: decimals, maximumFractionDigits: decimals });

function grouped(value, decimals = 0) {
  return formatted(value, digits(decimals));
}

function money(value, currency, decimals = 0, more = {}) {
  if (/^[A-Z]{3}$/.test(currency || "")) return formatted(value, { style: "currency", currency, ...digits(decimals), ...more });
  return value === null ? NOTHING : `${currency || "?"}\u00a0${grouped(value, decimals)}`;
}

// What is not all is never shown as 100 %.
function percent(part, decimals = 1) {
  const unit = 10 ** -(decimals + 2);
  const shown = part < 1 && part > 1 - unit / 2 ? 1 - unit : part > 0 && part < unit / 2 ? unit : part;
  return formatted(shown, { style: "percent", ...digits(decimals) });
}

function change(now, before) {
  return before ? formatted(now / before - 1, { style: "percent", ...digits(1), signDisplay: "exceptZero" }) : null;
}

const COMPACT = { notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: 2 };

function short(value) {
  return formatted(value, COMPACT);
}

function quotient(part, whole) {
  return whole ? part / whole : null;
}

// A week is a number: how many lie between it and the first Monday of 1970.
function isoWeek(number) {
  const thursday = new Date(FIRST_MONDAY + (7 * number + 3) * DAY);
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY)) };
}

function weekName(number) {
  return number === null ? t("without a week") : t("week {week}, {year}", isoWeek(number));
}

// A week in the address of the page, and back.
function weekCode(number) {
  const { year, week } = isoWeek(number);
  return `${year}-W${String(week).padStart(2, "0")}`;
}

function weekOfCode(code) {
  const [, year, week] = /^(\d{4})-W(\d{2})$/.exec(code || "") || [];
  return year ? Math.floor((Date.UTC(year, 0, 4) - FIRST_MONDAY) / (7 * DAY)) + Number(week) - 1 : null;
}

function dayName(time) {
  return dateFormatter(LOCALE, { dateStyle: "medium", timeZone: "UTC" }).format(time);
}

function monday(number) {
  return dayName(FIRST_MONDAY + 7 * number * DAY);
}

// The week of the same ISO number a year earlier; none for a week 53 where that year had none.
function yearEarlier(number) {
  const { year, week } = isoWeek(number);
  return [number - 52, number - 53].find((each) => {
    const other = isoWeek(each);
    return other.year === year - 1 && other.week === week;
  });
}

function inAmsterdam(text) {
  if (!text) return NOTHING;
  const format = dateFormatter(LOCALE, { timeZone: "Europe/Amsterdam", dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(text));
}

// Of a day that is near: with its name, without its year.
function nearInAmsterdam(text) {
  if (!text) return NOTHING;
  const format = dateFormatter(LOCALE, { timeZone: "Europe/Amsterdam", weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  return format.format(new Date(text));
}

const TIMES = [inAmsterdam, nearInAmsterdam];

// A time of Amsterdam as 2026-11-28 13:30.
function sortable(text) {
  const format = dateFormatter("sv-SE", { timeZone: "Europe/Amsterdam", dateStyle: "short", timeStyle: "short" });
  return format.format(new Date(text));
}

// The time at which the page is read, at the earliest that at which it was made.
function now() {
  return Math.max(Date.now(), Date.parse(CONTENT.made));
}

function counted(number, one, many) {
  return `${grouped(number)} ${number === 1 ? one : many}`;
}

// Text becomes text: nothing of the content is ever read as markup.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
