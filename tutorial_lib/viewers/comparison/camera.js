// What part of the window is seen, and where it is on the canvas.

import { clamp } from "./values.js";

const GAP = 6; // between two panes, CSS px
const NARROWEST = 280; // CSS px: a tall window gets empty borders rather than a thin canvas
const LARGEST_PIXEL = 48; // CSS px that a pixel takes at the largest zoom

/** A place is [row, col] in pixels of the first raster, a point [x, y] in CSS px. */
export class Camera {
  constructor([row, col, rows, cols], smallest) {
    Object.assign(this, { start: [row, col], size: [rows, cols], smallest, zoom: 1 });
    this.center = [row + rows / 2, col + cols / 2];
  }

  /** Size the canvas: as wide and high as the room and the shape of the window allow. */
  layout(room, highest, paneCount) {
    const [rows, cols] = this.size, gaps = GAP * (paneCount - 1);
    const pane = Math.min((room - gaps) / paneCount, (highest * cols) / rows);
    this.width = Math.round(clamp(paneCount * pane + gaps, Math.min(room, NARROWEST), room));
    this.height = Math.round(clamp((pane * rows) / cols, 60, highest));
    this.paneWidth = (this.width - gaps) / paneCount;
    this.panes = Array.from({ length: paneCount }, (_, k) => k * (this.paneWidth + GAP));
  }

  /** CSS px per pixel of the first raster, when the whole window is seen. */
  get fit() { return Math.min(this.paneWidth / this.size[1], this.height / this.size[0]); }
  get scale() { return this.fit * this.zoom; }
  get largestZoom() { return Math.max(1, LARGEST_PIXEL / this.fit / this.smallest); }

  look({ zoom, center }) {
    this.zoom = clamp(zoom, 1, this.largestZoom);
    this.center = this.inside(center, this.scale);
  }

  /** Half of what is seen at a scale, in pixels of the first raster: [down, across]. */
  half(scale) { return [this.height / scale / 2, this.paneWidth / scale / 2]; }

  /** A centre moved so that the view stays inside the window. */
  inside(center, scale) {
    return this.half(scale).map((half, k) => {
      const start = this.start[k], size = this.size[k];
      return 2 * half >= size ? start + size / 2 : clamp(center[k], start + half, start + size - half);
    });
  }

  /** How far a point is from the middle of its pane: [down, across]. */
  offset([x, y]) {
    const pane = this.panes.findLast((left) => x >= left) ?? 0;
    return [y - this.height / 2, x - pane - this.paneWidth / 2];
  }

  placeAt(point) { return this.offset(point).map((way, k) => this.center[k] + way / this.scale); }

  /** The point of a place in the pane that begins at x = `pane`. */
  pointOf([row, col], pane) {
    const x = pane + this.paneWidth / 2 + (col - this.center[1]) * this.scale;
    return [x, this.height / 2 + (row - this.center[0]) * this.scale];
  }

  /** {zoom, center} after zooming; the place below a point stays there. */
  zoomed(zoom, point) {
    const next = clamp(zoom, 1, this.largestZoom), scale = this.fit * next;
    const offset = point ? this.offset(point) : [0, 0];
    const center = offset.map((way, k) => this.center[k] + way / this.scale - way / scale);
    return { zoom: next, center: this.inside(center, scale) };
  }

  /** {zoom, center} after moving the picture by CSS px; null where it cannot move. */
  moved(dx, dy) {
    const { zoom, scale, center: [row, col] } = this;
    const center = this.inside([row - dy / scale, col - dx / scale], scale);
    return Math.hypot(center[0] - row, center[1] - col) * scale < 0.01 ? null : { zoom, center };
  }

  /** [row, col, height, width] of the pixels of which at least half a CSS px is seen. */
  get seen() {
    if (this.zoom <= 1) return [...this.start, ...this.size];
    const spans = this.half(this.scale).map((half, k) => {
      const rim = half - 0.5 / this.scale, start = this.start[k];
      const first = Math.max(start, Math.floor(this.center[k] - rim));
      return [first, Math.min(start + this.size[k], Math.ceil(this.center[k] + rim)) - first];
    });
    return [spans[0][0], spans[1][0], spans[0][1], spans[1][1]];
  }
}
