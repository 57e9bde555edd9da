// The compare widget. The values of all layers are here: while one looks, swipes or
// zooms, nothing is asked of Python; it hears of the state when things are at rest.

const MODES = { swipe: "Swipe", blink: "Blink", side_by_side: "Side by side", difference: "Difference" };
const STATE = ["mode", "left", "right", "position", "zoom", "center", "rate", "gain", "tiles", "tiles_shown", "pixel"];
const ARRAYS = {
  int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array,
};
const GAP = 6; // between two panes, px
const LARGEST_PIXEL = 48; // on the screen, zoomed in as far as it goes
const NARROWEST = 280; // px: a tall window gets borders rather than a sliver
const REST_MS = 150;
const CLOSEST = 8, HALO_FROM = 16; // px between lines of the tile overlay
const WHEEL_MS = 400; // the wheel that zoomed goes on zooming, and does not scroll

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const number = (value) => (value && Math.abs(value) < 1e-3 ? value.toExponential(3) : String(+value.toPrecision(5)));
const css = ([r, g, b]) => `rgb(${r},${g},${b})`;
const pack = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** Step 0 to 255 of a value between two limits; the middle where they are one. */
const level = (value, low, high) =>
  high > low ? Math.round(255 * clamp((value - low) / (high - low), 0, 1)) : 128;

// ---------------------------------------------------------------- layers and pictures

async function unpack(about, bytes, [height, width]) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const count = height * width;
  const values = new ARRAYS[about.type](buffer, 0, count * about.bands);
  return { ...about, count, values, valid: new Uint8Array(buffer, values.byteLength, count) };
}

/** Canvas of which pixel i has the packed colour color(i); none where not valid. */
function paint([height, width], valid, color) {
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) if (valid[i]) pixels[i] = color(i);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function layerColors({ family, values, count, classes, ramp, limits: [low, high] }) {
  if (family === "classes") {
    const palette = new Map(classes.map(([id, , color]) => [id, pack(color)]));
    return (i) => palette.get(values[i]);
  }
  if (family === "rgb")
    return (i) => pack([0, 1, 2].map((k) => level(values[k * count + i], low[k], high[k])));
  const colors = ramp.map(pack);
  return (i) => colors[level(values[i], low[0], high[0])];
}

/** What b differs by from a; as `difference` in differences.py. */
function subtract(a, b) {
  const kind = { classes: "classes", rgb: "size", values: "signed" }[a.family];
  const values = new Float32Array(a.count), valid = new Uint8Array(a.count);
  let largest = 0, changed = 0, total = 0;
  for (let i = 0; i < a.count; i++) {
    if (!a.valid[i] || !b.valid[i]) continue;
    let value = b.values[i] - a.values[i];
    if (kind === "classes") value = +(value !== 0);
    if (kind === "size") {
      value = 0;
      for (let k = i; k < a.values.length; k += a.count) value += Math.abs(b.values[k] - a.values[k]) / a.bands;
    }
    valid[i] = 1; values[i] = value; total += 1;
    changed += value !== 0;
    largest = Math.max(largest, Math.abs(value));
  }
  return { kind, values, valid, largest, share: total ? changed / total : 0 };
}

function differenceColors({ kind, values, largest }, gain, scene) {
  if (kind === "classes") {
    const colors = [scene.colors.same, scene.colors.changed].map((hex) =>
      pack([1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16))));
    return (i) => colors[values[i]];
  }
  const colors = scene.ramps[kind].map(pack), top = largest / gain || 1;
  return (i) => colors[level(values[i], kind === "size" ? 0 : -top, top)];
}
