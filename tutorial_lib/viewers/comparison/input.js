// What people do, by mouse, touch and keyboard.

import { clamp } from "./values.js";

const WHEEL_MS = 400; // a wheel that zoomed does not scroll the page within this time
const CLICK = 4; // CSS px that a pointer may move during a click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ZOOMS = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 };

/** Connect the elements of a view with its state. */
export function listen(view) {
  const { e } = view, on = (target, event, act, options = {}) =>
    target.addEventListener(event, act, { signal: view.closed.signal, ...options });
  for (const radio of e.modes) on(radio, "change", () => view.put({ mode: radio.value }));
  on(e.left, "change", () => view.put({ left: +e.left.value }));
  on(e.right, "input", () => view.put({ right: +e.right.value }));
  on(e.play, "click", () => view.play(!view.playing));
  on(e.other, "click", () => {
    view.second = !view.second;
    view.play(false);
  });
  on(e.tiles, "change", () => view.put({ tiles_shown: e.tiles.checked }));
  on(e.in, "click", () => zoomBy(view, 1.5));
  on(e.out, "click", () => zoomBy(view, 1 / 1.5));
  on(e.all, "click", () => zoomBy(view, 0));
  on(e.swipe, "input", () => view.put({ position: +e.swipe.value }));
  on(e.canvas, "wheel", (event) => turnWheel(view, event), { passive: false });
  on(e.canvas, "pointerdown", (event) => grasp(view, event));
  on(e.canvas, "pointermove", (event) => drag(view, event));
  on(e.canvas, "pointerup", (event) => letGo(view, event));
  on(e.canvas, "pointerleave", () => { view.cross = null; view.update(); });
  on(e.canvas, "keydown", (event) => pressKey(view, event));
}

/** Move the camera; gives whether it moved. Several keys may come before a drawing. */
function moveCamera(view, move) {
  const { camera } = view, before = String([camera.zoom, camera.center]);
  move(camera);
  view.put({ zoom: camera.zoom, center: camera.center });
  return String([camera.zoom, camera.center]) !== before;
}

const zoomBy = (view, factor, event) =>
  moveCamera(view, (camera) => camera.zoomTo(factor * camera.zoom, event && pointOf(event)));
const moveBy = (view, dx, dy) => moveCamera(view, (camera) => camera.moveBy(dx, dy));

/** The point of the canvas, [x, y], at which an event happens. */
const pointOf = ({ offsetX, offsetY }) => [offsetX, offsetY];

/** Zoom with Ctrl or focus, while there is more to see; scroll the page otherwise. */
function turnWheel(view, event) {
  const asked = event.ctrlKey || event.metaKey;
  if (!asked && !view.e.canvas.matches(":focus")) return;
  // The turn that reaches an end of the zoom must not go on to scroll the page.
  const goesOn = event.timeStamp - view.zoomedAt < WHEEL_MS;
  if (!zoomBy(view, Math.exp(-event.deltaY * 0.002), event) && !asked && !goesOn) return;
  view.zoomedAt = event.timeStamp;
  event.preventDefault();
}

function grasp(view, event) {
  view.e.canvas.focus({ preventScroll: true });
  view.e.canvas.setPointerCapture(event.pointerId);
  view.held = { x: event.clientX, y: event.clientY, moved: 0 };
}

function drag(view, event) {
  if (view.held) {
    const { clientX: x, clientY: y } = event, dx = x - view.held.x, dy = y - view.held.y;
    const moved = view.held.moved + Math.hypot(dx, dy);
    view.held = { x, y, moved };
    // A picture that is seen whole cannot move: the swipe line does.
    if (view.mode !== "swipe" || view.camera.zoom > 1) moveBy(view, dx, dy);
    else if (moved > CLICK) view.put({ position: clamp(event.offsetX / view.camera.width, 0, 1) });
  }
  readAt(view, view.camera.placeAt(pointOf(event)), false);
}

function letGo(view, event) {
  const pixel = view.held?.moved <= CLICK && view.pixelAt(view.camera.placeAt(pointOf(event)));
  if (pixel) view.put({ pixel: [pixel.row, pixel.col] });
  view.held = null;
}

/** Read the values at a place; a screen reader speaks them if keys chose the place. */
function readAt(view, place, byKeys) {
  view.cross = { place, byKeys };
  view.e.readout.setAttribute("aria-live", byKeys ? "polite" : "off");
  view.update();
}

function pressKey(view, event) {
  const { key, shiftKey } = event, arrow = ARROWS[key], factor = ZOOMS[key];
  if (!arrow && factor === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  if (!arrow) zoomBy(view, factor);
  else if (shiftKey || !moveBy(view, -60 * arrow[0], -60 * arrow[1])) moveCross(view, arrow);
}

/** Move the cross by one pixel, or by 3 CSS px where pixels are smaller. */
function moveCross(view, [dx, dy]) {
  const { camera } = view, from = view.cross?.place ?? camera.center;
  const step = Math.max((view.pixelAt(from)?.stack ?? view.whole).pixel, 3 / camera.scale);
  const place = [dy, dx].map((way, k) =>
    clamp(from[k] + way * step, camera.start[k], camera.start[k] + camera.size[k] - 1e-3));
  const [row, col, height, width] = camera.seen;
  const seen = place[0] >= row && place[0] < row + height && place[1] >= col && place[1] < col + width;
  if (!seen) moveCamera(view, () => camera.look(camera.zoom, place));
  readAt(view, place, true);
}
