// Draw the charts of the page, on the screen and on paper.

let pictures = [];
const printing = window.matchMedia("print");
let isPrinted = false;
// What fits on paper: the page is drawn before it is laid out.
const PRINTED = { whole: 660, half: 440, height: 0.65 };

function draw() {
  const look = colours();
  const onPaper = isPrinted || printing.matches;
  for (const picture of pictures) {
    const place = at(picture.id);
    const width = onPaper ? (place.closest(".side") ? PRINTED.half : PRINTED.whole) : place.clientWidth;
    const height = onPaper ? Math.round(picture.height * PRINTED.height) : picture.height;
    place.style.height = `${height}px`;
    let chart = charts.get(picture.id);
    if (!chart) {
      chart = echarts.init(place, null, { renderer: "svg", width, height });
      charts.set(picture.id, chart);
    } else chart.resize({ width, height });
    chart.setOption(picture.option(look, width), true);
  }
}

// Pages are counted before the media change, so sizes must be right by then; colours follow with it.
for (const [event, printed] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    isPrinted = printed;
    draw();
  });
}
let waiting = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(draw);
});
for (const query of [printing, window.matchMedia("(prefers-color-scheme: dark)")]) query.addEventListener("change", draw);
