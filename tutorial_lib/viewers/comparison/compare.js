// The compare widget. The browser has the values of all layers: swiping, zooming and
// reading ask nothing of Python, which gets the state after a moment of rest.

import { Camera } from "./camera.js";
import { drawCanvas } from "./canvas.js";
import { showControls } from "./controls.js";
import { build } from "./elements.js";
import { listen } from "./input.js";
import { LayerStack } from "./stack.js";
import { unpack } from "./values.js";

const SHOWN = ["mode", "left", "right", "position", "zoom", "center", "tiles", "tiles_shown", "_detail"];
const REST_MS = 150;
const BLINK_MS = 1000; // WCAG 2.3.1 allows at most three flashes a second

/** State of what is shown, from the widget's model, and the loop that draws it. */
class View {
  constructor(model, elements, layers) {
    Object.assign(this, { model, e: elements, layers, scene: model.get("_scene") });
    this.whole = new LayerStack(this.scene, layers, this.scene.differences);
    this.detail = null; // finer pixels of what is seen, of layers larger than a screen
    this.camera = new Camera(this.scene.window, this.canRefine ? 1 : this.whole.pixel);
    this.second = false; // which of the pair is seen while they blink
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.cross = null; // {place, byKeys}: where values are read
    this.closed = new AbortController();
    this.update = () => (this.frame ??= requestAnimationFrame(() => this.draw()));
    for (const name of SHOWN) model.on("change:" + name, this.update);
    this.observer = new ResizeObserver(this.update);
    this.observer.observe(this.e.root);
    listen(this);
    this.draw();
  }

  close() {
    this.closed.abort();
    this.observer.disconnect();
    clearInterval(this.timer);
    cancelAnimationFrame(this.frame);
    for (const name of SHOWN) this.model.off("change:" + name, this.update);
  }

  get(name) { return this.model.get(name); }

  /** Change the state: here at once, in Python after a moment of rest. */
  put(changes) {
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.model.save_changes(), REST_MS);
  }

  /** Whether Python can read finer pixels: a page without a kernel cannot. */
  get canRefine() { return this.get("_finer") && Boolean(this.model.widget_manager); }

  get mode() { return this.get("mode"); }
  get numbers() { return [this.get("left"), this.get("right")]; }
  get pair() { return this.numbers.map((number) => this.layers[number]); }
  get difference() { return this.whole.difference(this.numbers); }

  /** Difference on a stack; finer pixels have the colours of the whole. */
  differenceOn(stack) {
    const { difference } = this;
    return stack === this.whole ? difference : stack.difference(this.numbers, { limits: difference.limits });
  }

  /** Stacks that have both layers; finer pixels come last, and are drawn above. */
  get stacks() { return [this.whole, this.detail].filter((stack) => stack?.has(this.numbers)); }

  /** The finest pixel at a place; null outside the window. */
  pixelAt(place) { return this.stacks.map((stack) => stack.pixelAt(place)).findLast(Boolean) ?? null; }

  draw() {
    this.frame = null;
    if (!this.fitCanvas()) return;
    this.takeDetail();
    drawCanvas(this);
    this.keepInside();
    showControls(this);
    this.keepBlinking();
    Object.assign(this.e.root.dataset, { ready: true, mode: this.mode, second: this.second });
  }

  /** Fit the canvas to the page; false while it is not on the screen. */
  fitCanvas() {
    const { camera, e: { root, canvas, stage } } = this, room = root.clientWidth;
    if (!room) return false;
    camera.layout(room, this.get("_height"), this.mode === "side_by_side" ? 2 : 1, this.whole.pixel);
    camera.look(this.get("zoom"), this.get("center"));
    stage.style.width = camera.width + "px";
    canvas.style.height = camera.height + "px";
    return true;
  }

  /** Tell Python what is seen; it may have asked for more zoom than there is. */
  keepInside() {
    const { seen, zoom, center } = this.camera;
    if (String(seen) !== String(this.get("view"))) this.put({ view: seen });
    if (zoom !== this.get("zoom")) this.put({ zoom, center });
  }

  /** Use the finer pixels that Python has read. */
  async takeDetail() {
    const detail = this.get("_detail");
    if (!detail.layers || detail === this.taken) return;
    this.taken = detail;
    const layers = await Promise.all(detail.layers.map((one) => unpack(one, detail.shape)));
    if (detail !== this.taken || this.closed.signal.aborted) return; // a newer one is on its way
    const byNumber = Object.fromEntries(layers.map((layer) => [layer.number, layer]));
    this.detail = new LayerStack(detail, byNumber, this.scene.differences);
    this.update();
  }

  /** The clock of "blink"; it runs only while it is needed. */
  keepBlinking() {
    const runs = this.mode === "blink" && this.playing;
    if (runs === Boolean(this.timer)) return;
    clearInterval(this.timer);
    this.timer = runs && setInterval(() => { this.second = !this.second; this.update(); }, BLINK_MS);
  }

  play(playing) {
    this.playing = playing;
    this.update();
  }
}

export function render({ model, el }) {
  const about = model.get("_layers"), { shape } = model.get("_scene");
  const elements = build(model.get("_markup"), about.map(({ title }) => title));
  let view = null, closed = false;
  elements.notes.textContent = "Unpacking the layers…";
  el.append(elements.root);
  Promise.all(about.map((layer) => unpack(layer, shape)))
    .then((layers) => { if (!closed) view = new View(model, elements, layers); })
    .catch(({ message }) => {
      elements.notes.textContent = `The layers cannot be shown: ${message}. Update the browser, or use as_figure().`;
    });
  return () => { closed = true; view?.close(); };
}

export default { render };
