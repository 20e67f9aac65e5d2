// Pictures, drawn by Apache ECharts as SVG. Each comes with a sentence that says what is to be seen.

// Colours of the page, and the size of texts. Charts on paper have room for fewer labels.
function looks(isPaper) {
  const font = isPaper ? 8 : 12;
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    font, isPaper, ink: of("--ink"), muted: of("--muted"), line: of("--line"), card: of("--card"), before: of("--before"),
    series: [1, 2, 3, 4, 5, 6].map((number) => of(`--series-${number}`)),
  };
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

function frame(look, titles) {
  const text = { color: look.muted, fontFamily: FONT, fontSize: look.font };
  return {
    animation: false,
    textStyle: text,
    color: look.series,
    grid: { left: 4, right: 12, top: titles.top, bottom: titles.bottom, containLabel: true },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: "shadow", shadowStyle: { color: look.muted, opacity: 0.12 } },
      backgroundColor: look.card, borderColor: look.line, borderWidth: 1, padding: 10,
      textStyle: { ...text, color: look.ink },
    },
  };
}

// An axis of values; its title is their unit.
function scale(look, format, unit, more = {}, width = 600) {
  return {
    type: "value", splitNumber: look.isPaper || width < 400 ? 2 : 4,
    axisLabel: { color: look.muted, fontSize: look.font, formatter: tick(format), hideOverlap: true, showMaxLabel: true }, axisLine: { show: false },
    axisTick: { show: false }, splitLine: { lineStyle: { color: look.line } }, name: unit, nameTextStyle: { color: look.muted, fontSize: look.font }, ...more,
  };
}

function tick(format) {
  return format === percent ? (value) => percent(value, 0) : (value) => short(value).replace("K", "k");
}

// From nothing to all of it, in quarters.
const SHARE = { min: 0, max: 1, interval: 0.25 };

function tip(title, entries, format) {
  const lines = entries
    .filter(({ value }) => value !== null && value !== undefined)
    .map(({ seriesName, value, seriesIndex }) => `${seriesName}  ${format(value, seriesIndex)}`);
  return [title, ...lines].join("\n");
}

// Of what is not complete yet.
const HATCHES = (look) => ({ symbol: "rect", color: look.card, dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4 });

function drawnSeries(look, each, place, flat) {
  const colour = each.colour || look.series[(each.slot ?? place) % look.series.length];
  const common = { name: each.name, data: each.values, xAxisIndex: each.second ? 1 : 0, emphasis: { disabled: true } };
  if (each.line) {
    return {
      ...common, type: "line", symbol: "circle", symbolSize: 5, showSymbol: each.values.length < 30, connectNulls: false,
      lineStyle: { width: 2, color: colour, type: each.dashed ? [4, 4] : "solid" }, itemStyle: { color: colour }, z: 3,
    };
  }
  return {
    ...common, type: "bar", stack: each.stack, barMaxWidth: flat ? look.font + 4 : 2 * look.font + 2, barCategoryGap: "28%",
    itemStyle: {
      color: colour, opacity: each.hatched ? 0.55 : 1, decal: each.hatched ? HATCHES(look) : null,
      borderRadius: each.stack ? 0 : flat ? [0, 2, 2, 0] : [2, 2, 0, 0],
    },
  };
}

// Series with a value that the axis can show: smaller ones would only give it a legend, or an end below nothing.
function visible(series) {
  const most = Math.max(...series.flatMap(({ values }) => values.map((value) => Math.abs(value ?? 0))));
  const shown = series.filter(({ values }) => values.some((value) => Math.abs(value ?? 0) > most / 1000));
  return shown.length ? shown : series;
}

// The legend as text; a single series is described by the title.
function legendOf({ series }) {
  if (series.length < 2) return null;
  return make("ul", { class: "legend" }, ...series.map(({ name, colour, line, hatched, slot }, place) =>
    make("li", { class: `${colour || `series-${1 + ((slot ?? place) % 6)}`}${line ? " line" : ""}${hatched ? " hatched" : ""}` }, name)));
}

// Vertical bars and lines, one group for each week, or for other periods with names. A click chooses it.
function verticalBars({ weeks, series, format, unit, axis = {}, alt, names = weeks.map(weekName), label = (place) => weekLabel(weeks, place), title = t("week of delivery"),
  choose = (place) => chooseWeek(weeks[place]) }) {
  return {
    alt,
    series,
    height: (look) => (look.isPaper ? 100 : 250),
    choose,
    option: (look) => ({
      ...frame(look, look.isPaper ? { top: 18, bottom: 16 } : { top: 30, bottom: 24 }),
      tooltip: {
        ...frame(look, {}).tooltip,
        formatter: (entries) => tip(names[entries[0].dataIndex], entries, (value) => format(value)),
      },
      xAxis: {
        type: "category", data: names, axisTick: { show: false }, axisLine: { lineStyle: { color: look.line } },
        axisLabel: { color: look.muted, fontSize: look.font, hideOverlap: true, lineHeight: look.font + 3, formatter: (_, place) => label(place) },
        name: look.isPaper ? "" : title, nameLocation: "middle", nameGap: 44, nameTextStyle: { color: look.muted, fontSize: look.font },
      },
      yAxis: [scale(look, format, unit, { nameLocation: "end", nameGap: 12, nameTextStyle: { color: look.muted, fontSize: look.font, align: "left" }, ...axis })],
      series: series.map((each, place) => drawnSeries(look, { ...each, colour: look[each.colour] }, place)),
    }),
  };
}

function weekLabel(weeks, place) {
  const { year, week } = isoWeek(weeks[place]);
  return `${week}${place === 0 || week === 1 ? `\n${year}` : ""}`;
}

const ROW = 26; // height of a bar with a name of one line, in pixels
const PAPER_BARS = 8;
const measuring = document.createElement("canvas").getContext("2d");

// A name in up to two lines of a width, on paper in one. Of a longer one the middle is left out: names of one kind differ at their ends.
function inLines(name, width, { font, isPaper }) {
  measuring.font = `${font}px ${FONT}`;
  const fits = (text) => measuring.measureText(text).width <= width;
  const cut = (text) => {
    let kept = text.length - 1;
    const shorter = () => `${text.slice(0, Math.ceil(kept / 2)).trimEnd()}\u2026${text.slice(text.length - Math.floor(kept / 2)).trimStart()}`;
    while (kept > 2 && !fits(shorter())) kept -= 1;
    return shorter();
  };
  const lines = name.split(" ").reduce((all, word) => {
    const longer = all.length ? `${all.at(-1)} ${word}` : word;
    return fits(longer) || !all.length ? [...all.slice(0, -1), longer] : [...all, word];
  }, []);
  if (isPaper) return [fits(name) ? name : cut(name)];
  const kept = lines.length > 2 ? [lines[0], lines.slice(1).join(" ")] : lines;
  return kept.map((line) => (fits(line) ? line : cut(line)));
}

function nameWidth(width) {
  return Math.min(220, width * 0.44);
}

// Horizontal bars, one row for each name. A click chooses the name, where that is a filter.
function horizontalBars({ labels: names, series, format, unit, secondFormat, secondUnit, axis = {}, alt, choose }) {
  const second = (look, width) => scale(look, secondFormat, secondUnit, {
    ...SHARE, interval: look.isPaper || width < 400 ? 0.5 : 0.25, position: "top", splitLine: { show: false }, nameLocation: "middle", nameGap: 24,
  });
  return {
    alt,
    series,
    choose,
    height: (look, width) => {
      const most = Math.max(...names.map((name) => inLines(name, nameWidth(width), look).length));
      if (look.isPaper) return 44 + (secondFormat ? 22 : 0) + Math.min(names.length, PAPER_BARS) * (look.font + 4);
      return 70 + (secondFormat ? 48 : 0) + names.length * Math.max(ROW, most * (look.font + 2) + 4);
    },
    option: (look, width) => ({
      ...frame(look, { top: secondFormat ? (look.isPaper ? 20 : 28) : 6, bottom: look.isPaper ? 16 : 26 }),
      tooltip: {
        ...frame(look, {}).tooltip,
        formatter: (entries) => tip(
          names[entries[0].dataIndex], entries, (value, place) => (series[place].second ? secondFormat : format)(value),
        ),
      },
      xAxis: [scale(look, format, unit, { nameLocation: "middle", nameGap: look.isPaper ? 20 : 26, ...axis }, width), ...(secondFormat ? [second(look, width)] : [])],
      yAxis: {
        type: "category", inverse: true, data: names.slice(0, look.isPaper ? PAPER_BARS : names.length), axisTick: { show: false }, axisLine: { lineStyle: { color: look.line } },
        axisLabel: {
          color: look.ink, fontSize: look.font, lineHeight: look.font + 2, interval: 0,
          formatter: (name) => inLines(name, nameWidth(width), look).join("\n"),
        },
      },
      series: series.map((each, place) => drawnSeries(look,
        { ...each, values: look.isPaper ? each.values.slice(0, PAPER_BARS) : each.values, colour: look[each.colour] }, place, true)),
    }),
  };
}

function extremes(names, values, format) {
  const points = values.map((value, place) => [value, place]).filter(([value]) => value !== null);
  if (!points.length) return t("There are no values.");
  const [most, highest] = points.reduce((left, right) => (right[0] > left[0] ? right : left));
  const [least, lowest] = points.reduce((left, right) => (right[0] < left[0] ? right : left));
  return t("Highest is {most} ({highest}), lowest {least} ({lowest}).",
    { most: format(most), highest: names[highest], least: format(least), lowest: names[lowest] });
}
