// Draw the charts of the page, on the screen and on paper.

let pictures = [];
const charts = new Map();
const printing = window.matchMedia("print");
let isPrinted = false;
// What fits on paper, beside the table: the page is drawn before it is laid out.
const PRINTED = { width: 240 };

function draw() {
  const onPaper = isPrinted || printing.matches;
  const look = looks(onPaper);
  for (const picture of pictures) {
    const place = at(picture.id);
    const width = onPaper ? PRINTED.width : place.clientWidth;
    const height = picture.height(look, width);
    place.style.height = `${height}px`;
    let chart = charts.get(picture.id);
    if (!chart) {
      chart = echarts.init(place, null, { renderer: "svg", width, height });
      if (picture.choose) chart.getZr().on("click", ({ offsetX, offsetY }) => clicked(chart, picture, [offsetX, offsetY]));
      charts.set(picture.id, chart);
    } else chart.resize({ width, height });
    chart.setOption(picture.option(look, width), true);
  }
}

// A click beside a bar counts as one on it.
function clicked(chart, picture, point) {
  if (!chart.containPixel("grid", point)) return;
  const [x, y] = chart.convertFromPixel({ xAxisIndex: 0, yAxisIndex: 0 }, point);
  const place = chart.getOption().yAxis[0].type === "category" ? y : x;
  setTimeout(() => picture.choose(place)); // it replaces the chart, which still handles the click
}

// Pages are counted before the media change, so sizes must be right by then; colours follow with it.
for (const [event, printed] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    isPrinted = printed;
    draw();
  });
}
let waiting = 0;

// Once for all changes before the next frame.
function drawSoon() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(draw);
}
window.addEventListener("resize", drawSoon);
for (const query of [printing, window.matchMedia("(prefers-color-scheme: dark)")]) query.addEventListener("change", draw);
