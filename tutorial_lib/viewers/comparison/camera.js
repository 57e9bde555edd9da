// What part of the window is seen, and where it is on the canvas.

import { clamp } from "./values.js";

const GAP = 6; // between two panes, CSS px
const NARROWEST = 280; // CSS px: a tall window gets empty borders rather than a thin canvas
const LARGEST_PIXEL = 48; // CSS px that a pixel takes at the largest zoom

/** With a whole number of the screen's pixels for each pixel, seams of one pixel show. */
function wholeScale(scale) {
  const ratio = globalThis.devicePixelRatio || 1;
  return scale * ratio < 1 ? scale : Math.floor(scale * ratio + 1e-6) / ratio;
}

/** A place is [row, col] in pixels of the first raster, a point [x, y] in CSS px. */
export class Camera {
  constructor([row, col, rows, cols], smallest) {
    Object.assign(this, { start: [row, col], size: [rows, cols], smallest, zoom: 1 });
    this.fit = 1; // CSS px per pixel of the first raster, when the whole window is seen
  }

  /** Size the canvas: as wide and high as the room and the shape of the window allow. */
  layout(room, highest, paneCount, pixel) {
    const [rows, cols] = this.size, gaps = GAP * (paneCount - 1);
    const largest = Math.min((room - gaps) / paneCount / cols, highest / rows);
    this.fit = wholeScale(largest * pixel) / pixel;
    this.width = clamp(Math.ceil(paneCount * this.fit * cols + gaps), Math.min(room, NARROWEST), room);
    this.height = clamp(Math.ceil(this.fit * rows), 60, highest);
    this.paneWidth = (this.width - gaps) / paneCount;
    this.panes = Array.from({ length: paneCount }, (_, k) => k * (this.paneWidth + GAP));
  }

  get scale() { return this.fit * this.zoom; }
  get largestZoom() { return Math.max(1, LARGEST_PIXEL / this.fit / this.smallest); }

  /** Set zoom and centre, within what is possible: the view stays inside the window. */
  look(zoom, center) {
    this.zoom = clamp(zoom, 1, this.largestZoom);
    this.center = [this.height, this.paneWidth].map((side, k) => {
      const half = Math.min(side / this.scale, this.size[k]) / 2;
      return clamp(center[k], this.start[k] + half, this.start[k] + this.size[k] - half);
    });
  }

  /** Zoom, and keep the place below a point where it is. */
  zoomTo(zoom, point = [this.paneWidth / 2, this.height / 2]) {
    const before = this.placeAt(point);
    this.look(zoom, this.center);
    this.look(this.zoom, this.placeAt(point).map((after, k) => this.center[k] + (before[k] - after)));
  }

  /** Move the picture by CSS px. */
  moveBy(dx, dy) { this.look(this.zoom, [this.center[0] - dy / this.scale, this.center[1] - dx / this.scale]); }

  placeAt([x, y]) {
    const pane = this.panes.findLast((left) => x >= left) ?? 0;
    const offset = [y - this.height / 2, x - pane - this.paneWidth / 2];
    return offset.map((way, k) => this.center[k] + way / this.scale);
  }

  /** The point of a place in the pane that begins at x = `pane`. */
  pointOf([row, col], pane) {
    const x = pane + this.paneWidth / 2 + (col - this.center[1]) * this.scale;
    return [x, this.height / 2 + (row - this.center[0]) * this.scale];
  }

  /** [row, col, height, width] of the pixels of which at least half a CSS px is seen. */
  get seen() {
    if (this.zoom <= 1) return [...this.start, ...this.size];
    const from = this.placeAt([0.5, 0.5]), to = this.placeAt([this.paneWidth - 0.5, this.height - 0.5]);
    const first = from.map((place, k) => Math.max(this.start[k], Math.floor(place)));
    const last = to.map((place, k) => Math.min(this.start[k] + this.size[k], Math.ceil(place)));
    return [...first, last[0] - first[0], last[1] - first[1]];
  }
}
