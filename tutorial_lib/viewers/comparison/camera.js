// -------------------------------------------------------------------- where things are

/** What part of the window is seen, and where on the canvas. Places are (row, col) in
 * pixels of the first raster, the canvas is measured in CSS pixels. */
class Camera {
  constructor(window, pixel) {
    [this.row0, this.col0, this.rows, this.cols] = window;
    this.pixel = pixel; // size of the smallest that is shown
    Object.assign(this, { width: 0, height: 0, paneCount: 1, zoom: 1, center: [0, 0] });
  }

  /** Canvas for the room there is: as wide and high as the window's shape allows. */
  layout(room, most, paneCount) {
    const gaps = GAP * (paneCount - 1);
    const pane = Math.min((room - gaps) / paneCount, (most * this.cols) / this.rows);
    this.paneCount = paneCount;
    this.width = Math.round(clamp(paneCount * pane + gaps, Math.min(room, NARROWEST), room));
    this.height = Math.round(clamp((pane * this.rows) / this.cols, 60, most));
  }

  look(zoom, center) {
    this.zoom = clamp(zoom, 1, this.largestZoom);
    this.center = this.inside(center);
  }

  get panes() {
    const width = (this.width - GAP * (this.paneCount - 1)) / this.paneCount;
    return Array.from({ length: this.paneCount }, (_, k) => ({ x: k * (width + GAP), width }));
  }

  /** Screen pixels per pixel of the first raster, when all of the window is seen. */
  get fit() { return Math.min(this.panes[0].width / this.cols, this.height / this.rows); }
  get scale() { return this.fit * this.zoom; }
  get largestZoom() { return Math.max(1, LARGEST_PIXEL / this.fit / this.pixel); }

  /** A centre moved so that the view stays inside the window. */
  inside([row, col], scale = this.scale) {
    const along = (place, start, length, screen) => {
      const half = screen / scale / 2;
      return 2 * half >= length ? start + length / 2 : clamp(place, start + half, start + length - half);
    };
    return [along(row, this.row0, this.rows, this.height), along(col, this.col0, this.cols, this.panes[0].width)];
  }

  /** Where the window's corner is on the canvas, in one pane. */
  corner(pane) {
    const [row, col] = this.center;
    return [pane.x + pane.width / 2 - (col - this.col0) * this.scale, this.height / 2 - (row - this.row0) * this.scale];
  }

  /** The place below a point of the canvas, and how far the point is from the middle. */
  placeAt(x, y) {
    const pane = this.panes.findLast((one) => x >= one.x) ?? this.panes[0];
    const [left, top] = this.corner(pane);
    return { row: this.row0 + (y - top) / this.scale, col: this.col0 + (x - left) / this.scale,
      dx: x - pane.x - pane.width / 2, dy: y - this.height / 2 };
  }

  /** State after zooming so that a place stays where it is on the canvas. */
  zoomed(zoom, place = { row: this.center[0], col: this.center[1], dx: 0, dy: 0 }) {
    const next = clamp(zoom, 1, this.largestZoom), scale = this.fit * next;
    const center = this.inside([place.row - place.dy / scale, place.col - place.dx / scale], scale);
    return { zoom: next, center };
  }

  /** State after moving the picture by screen pixels; null where it cannot move. */
  moved(dx, dy) {
    const [row, col] = this.center, center = this.inside([row - dy / this.scale, col - dx / this.scale]);
    const way = Math.hypot(center[0] - row, center[1] - col) * this.scale;
    return way < 0.01 ? null : { zoom: this.zoom, center };
  }

  /** (row, col, height, width) of the pixels of which half a screen pixel is seen. */
  get seen() {
    if (this.zoom <= 1) return [this.row0, this.col0, this.rows, this.cols];
    const [row, col] = this.center;
    const along = (place, start, length, screen) => {
      const half = (screen - 1) / this.scale / 2, end = start + length;
      const first = Math.max(start, Math.floor(place - half));
      return [first, Math.min(end, Math.ceil(place + half)) - first];
    };
    const [top, height] = along(row, this.row0, this.rows, this.height);
    const [left, width] = along(col, this.col0, this.cols, this.panes[0].width);
    return [top, left, height, width];
  }
}
