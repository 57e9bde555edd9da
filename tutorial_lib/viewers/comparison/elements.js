// The elements of the widget: widget.html has them, this module finds and makes them.

import { number } from "./values.js";

/** Build the elements; gives them by name. Titles are set as text, never as markup. */
export function build(markup, titles) {
  const root = document.createElement("div"), id = "compare" + Math.random().toString(36).slice(2);
  root.className = "compare";
  root.innerHTML = markup;
  const e = { root, modes: [...root.querySelectorAll("[type=radio]")], panes: [...root.querySelectorAll(".compare-pane")] };
  for (const part of root.querySelectorAll("[data-part]")) e[part.dataset.part] = part;
  for (const radio of e.modes) radio.name = id;
  e.help.id = id + "help";
  e.canvas.setAttribute("aria-describedby", e.help.id);
  e.left.append(...titles.map((title, number) => new Option(title, number)));
  e.right.max = titles.length - 1;
  e.pair.hidden = titles.length < 3;
  // Without this, JupyterLab takes letters, arrows and space for its own commands.
  for (const control of root.querySelectorAll("input, select, button, [tabindex]"))
    control.dataset.lmSuppressShortcuts = "true";
  return e;
}

const css = (rgb) => `rgb(${rgb})`;

function swatch(background, ...texts) {
  const entry = document.createElement("span"), box = document.createElement("i");
  entry.className = "compare-swatch";
  box.style.background = background;
  entry.append(box, ...texts);
  return entry;
}

/** Legend of a layer or a difference: a swatch for each class, or a bar with its ends. */
export function legendOf({ family, classes, ramp, limits: [low, high] }) {
  if (family === "rgb") return [];
  if (family === "classes") return classes.map(([, name, rgb]) => swatch(css(rgb), name));
  const stops = ramp.filter((_, step) => step % 15 === 0).map(css).join(",");
  const bar = swatch(`linear-gradient(to right,${stops})`, number(high[0]));
  bar.firstChild.className = "compare-ramp";
  bar.prepend(number(low[0]));
  return [bar];
}

export const noDataSwatch = () =>
  swatch("repeating-linear-gradient(135deg,#b5b5b5 0 1px,#f6f6f6 1px 4px)", "no data");
