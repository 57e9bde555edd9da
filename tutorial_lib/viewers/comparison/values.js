// Values of layers: unpacked, subtracted, and painted in colours.

const ARRAYS = {
  int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array,
};

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Text of a number, with up to five digits. */
export function number(value) {
  const tiny = value && Math.abs(value) < 1e-3;
  return tiny ? value.toExponential(3) : String(+value.toPrecision(5));
}

/** Unpack the values of a layer; `encoded` is what encode_layer in encoding.py gives. */
export async function unpack(encoded, [height, width]) {
  const stream = new Blob([encoded.values]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const count = height * width;
  const values = new ARRAYS[encoded.type](buffer, 0, count * encoded.bands);
  return { ...encoded, count, values, valid: new Uint8Array(buffer, values.byteLength, count) };
}

/** Difference of two layers, to be drawn as a layer; as `difference` in differences.py. */
export function subtract(a, b, styles) {
  const { family, count } = a, planes = Array.from({ length: a.bands }, (_, band) => band * count);
  const apart = {
    classes: (i) => +(b.values[i] !== a.values[i]),
    values: (i) => b.values[i] - a.values[i],
    rgb: (i) => planes.reduce((sum, k) => sum + Math.abs(b.values[k + i] - a.values[k + i]), 0) / a.bands,
  }[family];
  const values = new Float32Array(count), valid = a.valid.map((one, i) => one & b.valid[i]);
  let largest = 0, changed = 0, total = 0;
  for (let i = 0; i < count; i++) {
    if (!valid[i]) continue;
    values[i] = apart(i);
    total += 1;
    changed += values[i] !== 0;
    largest = Math.max(largest, Math.abs(values[i]));
  }
  const top = largest || 1, limits = [[family === "rgb" ? 0 : -top], [top]];
  const kind = { family: family === "classes" ? "classes" : "values", isDifference: true, isMean: family === "rgb" };
  return { ...styles[family], ...kind, count, values, valid, limits, largest, share: total ? changed / total : 0 };
}

/** Canvas with the colours of a layer; transparent where it has no data. */
export function paint([height, width], layer) {
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  const color = colorOf(layer);
  for (let i = 0; i < pixels.length; i++) if (layer.valid[i]) pixels[i] = color(i);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Function that gives the packed colour of pixel i. */
function colorOf({ family, values, count, classes, ramp, limits: [low, high] }) {
  const pack = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  // Step 0 to 255 between two limits; the middle where both limits are equal.
  const step = (value, k) =>
    high[k] > low[k] ? Math.round(255 * clamp((value - low[k]) / (high[k] - low[k]), 0, 1)) : 128;
  if (family === "rgb") return (i) => pack([0, 1, 2].map((k) => step(values[k * count + i], k)));
  const colors = family === "classes" ? new Map(classes.map(([id, , rgb]) => [id, pack(rgb)])) : ramp.map(pack);
  return family === "classes" ? (i) => colors.get(values[i]) : (i) => colors[step(values[i], 0)];
}
