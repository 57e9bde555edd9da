// ------------------------------------------------------------------------------- page

/** An element; a boolean attribute is there or not. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  // Without this JupyterLab takes letters, arrows and space for commands of its own.
  if (["input", "select", "button"].includes(tag) || "tabindex" in attributes)
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  element.append(...children);
  return element;
}

const field = (name, ...children) => make("label", { class: "compare-field" }, name, ...children);
const range = (label, low, high, step) =>
  make("input", { type: "range", min: low, max: high, step, "aria-label": label });

/** All elements of the widget, by name. */
function build(titles, id) {
  const e = { modes: {}, tabs: make("div", { class: "compare-modes", role: "radiogroup", "aria-label": "Mode" }) };
  for (const [mode, label] of Object.entries(MODES)) {
    e.modes[mode] = make("input", { type: "radio", name: id, value: mode });
    e.tabs.append(make("label", {}, e.modes[mode], make("span", {}, label)));
  }
  const options = () => titles.map((title, i) => make("option", { value: i }, title));
  e.left = make("select", { "aria-label": "First layer" }, ...options());
  e.right = range("Second layer", 0, titles.length - 1, 1);
  e.rightTitle = make("output", {});
  e.pair = make("span", { class: "compare-group" }, field("First", e.left), field("Second", e.right, e.rightTitle));
  e.play = make("button", { type: "button" });
  e.other = make("button", { type: "button" }, "Show the other");
  e.rate = range("Changes a second", 0.5, 3, 0.5);
  e.rateText = make("output", {});
  e.blinkTools = make("span", { class: "compare-group" }, e.play, e.other, field("Rate", e.rate, e.rateText));
  e.gain = range("Strength of the difference", 0, 6, 1);
  e.gainText = make("output", {});
  e.gainTools = make("span", { class: "compare-group" }, field("Strength", e.gain, e.gainText));
  e.tiles = make("input", { type: "checkbox" });
  e.sides = ["Side of a tile, in pixels", "The same for the other layer"].map((label) =>
    make("input", { type: "number", min: 1, step: 1, "aria-label": label }));
  e.tileTools = make("span", { class: "compare-group" }, make("label", { class: "compare-field" }, e.tiles, "Tiles of"), ...e.sides, "px");
  e.out = make("button", { type: "button", "aria-label": "Zoom out" }, "−");
  e.in = make("button", { type: "button", "aria-label": "Zoom in" }, "+");
  e.whole = make("button", { type: "button" }, "Whole");
  e.zoomTools = make("span", { class: "compare-group" }, e.out, e.in, e.whole);
  // One place for the tools of all modes: the picture must not move with the mode.
  e.modeTools = make("span", { class: "compare-tools" }, e.blinkTools, e.gainTools);
  e.bar = make("div", { class: "compare-bar" }, e.tabs, e.zoomTools, e.tileTools, e.pair, e.modeTools);
  e.canvas = make("canvas", { tabindex: 0, role: "application", "aria-describedby": id + "help" });
  e.handle = make("div", { class: "compare-handle", tabindex: 0, role: "slider", "aria-label": "Swipe line", "aria-valuemin": 0, "aria-valuemax": 100 });
  e.names = [make("span", { class: "compare-name" }), make("span", { class: "compare-name" })];
  e.stage = make("div", { class: "compare-stage" }, e.canvas, ...e.names, e.handle);
  e.place = make("span", {});
  e.readings = [make("span", {}), make("span", {}), make("span", {})];
  e.readout = make("div", { class: "compare-readout", "aria-live": "off" }, e.place, ...e.readings);
  e.legend = make("div", { class: "compare-legend" });
  e.notes = make("div", { class: "compare-notes", role: "status" });
  e.help = make("div", { class: "compare-notes", id: id + "help" },
    "Drag to move. Zoom: Ctrl + wheel, the wheel alone after a click, or + − 0. Arrow keys move the picture; with Shift, the cross.");
  e.root = make("div", { class: "compare" }, e.bar, e.stage, e.readout, e.legend, e.notes, e.help);
  return e;
}

/** Legend of one layer or of a difference: swatches, or a bar with its two ends. */
const swatch = (color, text) =>
  make("span", { class: "compare-swatch" }, make("i", { style: `background:${color}` }), text);
function scaleBar(ramp, low, high, text = "") {
  const stops = ramp.filter((_, i) => i % 15 === 0).map(css).join(",");
  return make("span", { class: "compare-swatch" }, text, number(low),
    make("i", { class: "compare-bar-ramp", style: `background:linear-gradient(to right,${stops})` }), number(high));
}
function layerLegend({ family, classes, ramp, limits: [low, high] }) {
  if (family === "classes") return classes.map(([, name, color]) => swatch(css(color), name));
  return family === "rgb" ? [] : [scaleBar(ramp, low[0], high[0])];
}
const noData = (layers) => (layers.some(({ valid }) => valid.includes(0))
  ? [swatch("repeating-linear-gradient(135deg,#b5b5b5 0 1px,#f6f6f6 1px 4px)", "no data")] : []);
