// Texts in English and Dutch. The English text is the key; values in braces are filled in.

const LANGUAGES = { en: "English", nl: "Nederlands" };
const CHOSEN = new URLSearchParams(window.location.hash.slice(1)).get("language"); // with the switch on the page
const LANGUAGE = [CHOSEN, CONTENT.language, ...navigator.languages.map((each) => each.slice(0, 2))].find((each) => Object.hasOwn(LANGUAGES, each ?? "")) || "en";
const LOCALE = { en: "en-GB", nl: "nl-NL" }[LANGUAGE];
document.documentElement.lang = LANGUAGE;

function t(text, values = {}) {
  const pattern = (LANGUAGE === "nl" && DUTCH[text]) || text;
  return pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);

const PARTNER = BUYS
  ? { one: t("grower"), many: t("growers"), One: t("Grower"), Many: t("Growers") }
  : { one: t("customer"), many: t("customers"), One: t("Customer"), Many: t("Customers") };
const WORD = BUYS ? t("Spend") : t("Revenue");

const ABBREVIATIONS = new Set(["api", "fx", "gln", "rfh", "ui", "vbn", "vmp", "vrm"]);

// Floriday's constants as words; what it calls a supplier is a grower here.
const CONSTANTS = { SUPPLIER: t("Grower"), ORDER_REQUEST_REJECTED_BY_SUPPLIER: t("Order request rejected by the grower") };

function words(constant) {
  if (!constant) return t("Not given");
  if (Object.hasOwn(CONSTANTS, constant)) return CONSTANTS[constant];
  const text = constant.toLowerCase().split("_").map((word) => (ABBREVIATIONS.has(word) ? word.toUpperCase() : word)).join(" ");
  return t(text.charAt(0).toUpperCase() + text.slice(1));
}
