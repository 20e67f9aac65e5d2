// How numbers, weeks and elements look. Thin spaces group digits, days are written as in ISO 8601: no language is favoured.

const THIN = "\u202f";
const MINUS = "\u2212";
const NOTHING = "\u2013";
const DAY = 86400000;
const FIRST_MONDAY = Date.UTC(1970, 0, 5);

function grouped(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
  const text = whole.replace(/\B(?=(\d{3})+$)/g, THIN) + (rest ? "." + rest : "");
  return (value < 0 && /[1-9]/.test(text) ? MINUS : "") + text;
}

function money(value, currency, decimals = 0) {
  return value === null ? NOTHING : `${currency || "?"}\u00a0${grouped(value, decimals)}`;
}

function percent(part, decimals = 1) {
  return part === null || !Number.isFinite(part) ? NOTHING : `${grouped(100 * part, decimals)}${THIN}%`;
}

function change(now, before) {
  if (!before) return null;
  const part = now / before - 1;
  return `${part > 0 ? "+" : ""}${percent(part)}`;
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${grouped(value / 1e6, size < 1e7 ? 1 : 0)}M`;
  return size >= 1e4 ? `${grouped(value / 1e3)}k` : grouped(value, size && size < 10 && !Number.isInteger(value) ? 2 : 0);
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
  if (number === null) return "without a week";
  const { year, week } = isoWeek(number);
  return `${year}-W${String(week).padStart(2, "0")}`;
}

function monday(number) {
  return new Date(FIRST_MONDAY + 7 * number * DAY).toISOString().slice(0, 10);
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
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Amsterdam", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(text));
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

const ABBREVIATIONS = new Set(["api", "fx", "rfh", "ui", "vmp", "vrm"]);

// Floriday's constants as words.
function words(constant) {
  if (!constant) return "Not given";
  const text = constant.toLowerCase().split("_").map((word) => (ABBREVIATIONS.has(word) ? word.toUpperCase() : word)).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function counted(number, one, many = `${one}s`) {
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
