// What stands around the picture: controls, names, values, legend and notes.

import { isTooFine } from "./canvas.js";
import { legendOf, noDataSwatch } from "./elements.js";
import { number } from "./values.js";

/** Bring everything around the picture up to date. */
export function showControls(view) {
  const { e, camera, mode, pair: [a, b] } = view;
  const chosen = e.modes.find((radio) => radio.value === mode);
  chosen.checked = true;
  [e.left.value, e.right.value] = view.numbers;
  e.rightTitle.value = b.title;
  e.right.setAttribute("aria-valuetext", b.title);
  e.play.textContent = view.playing ? "Pause" : "Play";
  // A button that is really disabled would lose the focus, and keys would go to the cell.
  e.out.ariaDisabled = e.all.ariaDisabled = camera.zoom <= 1;
  e.in.ariaDisabled = camera.zoom >= camera.largestZoom;
  e.tiles.checked = view.get("tiles_shown");
  e.sides.textContent = `of ${sidesOf(view, tiled(view))} px`;
  e.root.classList.toggle("compare-zoomed", camera.zoom > 1);
  const name = `${chosen.nextSibling.textContent}: ${a.title} and ${b.title}, zoom ${camera.zoom.toFixed(1)}`;
  e.canvas.setAttribute("aria-label", `${name}. ${a.description} ${b.description}`);
  showNames(view);
  showValues(view);
  showLegend(view);
  showNotes(view);
}

/** The layers whose tiles can be drawn: a difference has those of the first one. */
const tiled = (view) => (view.mode === "difference" ? view.numbers.slice(0, 1) : view.numbers);

/** Text of the sides of the tiles of some layers. */
const sidesOf = (view, numbers) => [...new Set(numbers.map((number) => view.get("tiles")[number]))].join(" and ");

/** The swipe line, and the names of what lies beside it or in the panes. */
function showNames(view) {
  const { e, camera, mode, pair: [a, b] } = view, position = view.get("position");
  const line = position * camera.width, percent = Math.round(100 * position);
  // Shares of the picture, which is narrower on paper.
  const share = (x) => 100 * x / camera.width + "%";
  e.handle.style.left = share(line);
  e.swipe.value = position;
  e.swipe.setAttribute("aria-valuetext", `${percent} % ${a.title}`);
  const apart = view.difference ? ` ${a.family === "classes" ? "≠" : "−"} ${a.title}` : "";
  const name = { blink: [a, b][+view.second].title, difference: b.title + apart }[mode] ?? a.title;
  const [first, second = camera.width] = mode === "swipe" ? [0, line] : camera.panes;
  const places = [[name, first, second - first], [b.title, second, camera.width - second]];
  places.forEach(([text, left, width], k) => {
    e.panes[k].firstChild.textContent = text;
    Object.assign(e.panes[k].style, { left: share(left), width: share(width) });
  });
}

function showValues(view) {
  const { e, cross, numbers, pair } = view, pixel = cross && view.pixelAt(cross.place);
  const texts = ["Point at the picture to read its values.", "", "", ""];
  if (pixel) {
    const { stack, index, row, col } = pixel;
    texts[0] = `row ${row}, column ${col}${coordinates(view.scene, row, col)}`;
    numbers.forEach((n, k) => (texts[k + 1] = `${pair[k].title}: ${valueText(stack.layers[n], index)}`));
    const found = view.mode === "difference" && view.difference && view.differenceOn(stack);
    if (found?.family === "values" && found.valid[index]) texts[3] = `difference: ${number(found.values[index])}`;
  }
  texts.forEach((text, k) => (e.readout.children[k].textContent = text));
}

function coordinates({ transform, decimals }, row, col) {
  if (!transform) return "";
  const [a, , c, , d, f] = transform;
  return `  (x ${(c + (col + 0.5) * a).toFixed(decimals)}, y ${(f + (row + 0.5) * d).toFixed(decimals)})`;
}

function valueText({ family, valid, values, count, bands, classes }, index) {
  if (!valid[index]) return "no data";
  if (family === "classes") return `${classes.find(([id]) => id === values[index])[1]} (${values[index]})`;
  return Array.from({ length: bands }, (_, band) => number(values[band * count + index])).join(", ");
}

/** The legend is made anew only where it changes: it is costly while the line moves. */
function showLegend(view) {
  const key = [view.mode === "difference", ...view.numbers].join();
  if (key === view.legendKey && view.legendDetail === view.detail) return;
  Object.assign(view, { legendKey: key, legendDetail: view.detail });
  const difference = view.mode === "difference" && view.difference;
  view.e.legend.replaceChildren(...(difference ? differenceLegend(difference) : layerLegends(view)));
}

const hasGaps = ({ valid }) => valid.includes(0);

function layerLegends({ stacks, numbers }) {
  // Finer pixels may have classes that the coarse ones do not have.
  const layers = stacks.flatMap((stack) => numbers.map((number) => stack.layers[number]));
  const entries = new Map(layers.flatMap(legendOf).map((entry) => [entry.outerHTML, entry]));
  return [...entries.values(), ...(layers.some(hasGaps) ? [noDataSwatch()] : [])];
}

/** Percentages of the pixels that are equal and that differ: two decimals, more if one is tiny. */
function percents(share) {
  const smaller = 100 * Math.min(share, 1 - share);
  const decimals = smaller ? Math.max(2, 1 - Math.floor(Math.log10(smaller))) : 0;
  const differing = (100 * share).toFixed(decimals);
  // Subtracted rather than rounded by itself: so the two add up to 100.
  return [+(100 - differing).toFixed(decimals), +differing];
}

function differenceLegend(difference) {
  const { family, classes, largest, share, isMean } = difference;
  const nodata = hasGaps(difference) ? [noDataSwatch()] : [];
  const pixels = nodata.length ? "pixels with data in both" : "pixels";
  if (!largest) return [`The layers are equal in all ${pixels}.`, ...nodata];
  if (family === "classes") {
    const shares = percents(share).map((part) => `${part} %`);
    shares[0] += ` of the ${pixels}`;
    const named = classes.map(([id, name, rgb]) => [id, `${name}: ${shares[id]}`, rgb]);
    return [...legendOf({ ...difference, classes: named }), ...nodata];
  }
  const text = `${+(100 * share).toPrecision(4)} % of the ${pixels} differ, by at most ${number(largest)}`;
  return [...legendOf(difference), isMean ? `${text} (mean over the bands, without sign)` : text, ...nodata];
}

function showNotes(view) {
  const { e, scene, mode, pair: [a, b] } = view, notes = [...scene.notes];
  if (view.canRefine) notes.push("Zoom in to see all of them.");
  if (mode === "difference" && !view.difference)
    notes.push(`${a.title} and ${b.title} are of different kinds and have no difference.`,
      "Choose two layers of one kind, or another mode.");
  const fine = view.get("tiles_shown") ? tiled(view).filter((number) => isTooFine(view, number)) : [];
  if (fine.length) notes.push(`Zoom in to see tiles of ${sidesOf(view, fine)} px.`);
  // The notes are a live region: the same text set again would be read again.
  if (e.notes.textContent !== notes.join(" ")) e.notes.textContent = notes.join(" ");
}
