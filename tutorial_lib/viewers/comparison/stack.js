// Layers with the same pixels: all of them on the whole window, or a pair on a part.

import { paint, subtract } from "./values.js";

export class LayerStack {
  constructor({ window, shape }, layers, styles) {
    [this.row, this.col, this.rows, this.cols] = window; // in pixels of the first raster
    this.shape = shape; // [height, width] of the pixels that were read
    this.layers = layers; // by number
    this.styles = styles; // legends and colours of differences
    this.differences = {};
  }

  /** Side of a pixel that was read, in pixels of the first raster. */
  get pixel() { return this.rows / this.shape[0]; }

  has(pair) { return pair.every((number) => this.layers[number]); }

  /** Pixel at a place: its index among those read, and its row and col; null outside. */
  pixelAt([row, col]) {
    const [height, width] = this.shape;
    const i = Math.floor(((row - this.row) * height) / this.rows);
    const j = Math.floor(((col - this.col) * width) / this.cols);
    if (i < 0 || j < 0 || i >= height || j >= width) return null;
    // As `picked` in reading.py: the middle one of several pixels was read.
    const middle = (k, length, count) => Math.floor(((2 * k + 1) * length) / (2 * count));
    return {
      stack: this, index: i * width + j,
      row: this.row + middle(i, this.rows, height), col: this.col + middle(j, this.cols, width),
    };
  }

  /** Difference of a pair, computed once; null for layers of two families. */
  difference([left, right], limits) {
    const [a, b] = [this.layers[left], this.layers[right]];
    if (a.family !== b.family) return null;
    return (this.differences[[left, right]] ??= { ...subtract(a, b, this.styles), ...limits });
  }

  /** Picture of one of the layers or differences, painted once. */
  picture(layer) { return (layer.picture ??= paint(this.shape, layer)); }
}
