// ------------------------------------------------------------------------------ sheets

/** Layers with the same pixels: all of them on the whole window, or a pair on a part. */
class Sheet {
  constructor({ window, shape }, layers) {
    [this.row0, this.col0, this.rows, this.cols] = window;
    this.shape = shape; // of what was read
    this.layers = layers; // by number
    this.pictures = new Map();
  }

  /** Size of a pixel that was read, in pixels of the first raster. */
  get pixel() { return this.rows / this.shape[0]; }

  has(...numbers) { return numbers.every((number) => this.layers[number]); }

  /** The pixel that is shown at a place: as it was read, and in the raster; or null. */
  pixelAt({ row, col }) {
    const [height, width] = this.shape;
    const i = Math.floor(((row - this.row0) * height) / this.rows), j = Math.floor(((col - this.col0) * width) / this.cols);
    if (i < 0 || j < 0 || i >= height || j >= width) return null;
    // As `picked` in reading.py: of many pixels the middle one is shown.
    const middle = (k, length, count) => Math.floor(((2 * k + 1) * length) / (2 * count));
    return { index: i * width + j, row: this.row0 + middle(i, this.rows, height), col: this.col0 + middle(j, this.cols, width) };
  }

  difference(left, right) {
    if (this.subtracted?.left !== left || this.subtracted.right !== right)
      this.subtracted = { left, right, ...subtract(this.layers[left], this.layers[right]) };
    return this.subtracted;
  }

  /** Picture of a layer; drawn once. */
  picture(number) {
    const layer = this.layers[number];
    if (!this.pictures.has(number)) this.pictures.set(number, paint(this.shape, layer.valid, layerColors(layer)));
    return this.pictures.get(number);
  }

  /** Picture of a difference, in colours up to a largest one; the last is kept. */
  differencePicture(left, right, largest, gain, scene) {
    const of = this.difference(left, right), kept = this.drawn;
    if (kept?.of === of && kept.gain === gain) return kept.canvas;
    const canvas = paint(this.shape, of.valid, differenceColors({ ...of, largest }, gain, scene));
    this.drawn = { of, gain, canvas };
    return canvas;
  }
}
