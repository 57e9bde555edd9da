// ----------------------------------------------------------------------------- drawing

/** The state, and the canvas that shows it. */
class Drawing {
  constructor(model, elements, layers) {
    Object.assign(this, { model, e: elements, layers, scene: model.get("_scene") });
    this.whole = new Sheet(this.scene, layers);
    this.detail = null; // finer pixels of what is seen, of layers larger than a screen
    this.camera = new Camera(this.scene.window, this.canRefine ? 1 : this.whole.pixel);
    this.second = false; // which of the pair blinks now
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.playing = !this.still.matches;
    this.cross = null; // the place that is read: {row, col, keys}
    this.context = this.e.canvas.getContext("2d");
    this.hatch = this.hatching();
    this.update = () => (this.frame ??= requestAnimationFrame(() => this.draw()));
    this.stop = new AbortController();
    for (const name of STATE) model.on("change:" + name, this.update);
    this.refine = () => this.takeDetail();
    model.on("change:_detail", this.refine);
    this.refine();
    this.watcher = new ResizeObserver(this.update);
    this.watcher.observe(this.e.root);
  }

  close() {
    this.stop.abort();
    this.watcher.disconnect();
    clearInterval(this.timer);
    cancelAnimationFrame(this.frame);
    for (const name of STATE) this.model.off("change:" + name, this.update);
    this.model.off("change:_detail", this.refine);
  }

  /** Python has read what is seen more finely. */
  async takeDetail() {
    const detail = this.get("_detail");
    if (!detail.layers) return;
    const layers = await Promise.all(detail.layers.map((one) => unpack(one, one.values, detail.shape)));
    if (detail !== this.get("_detail") || this.stop.signal.aborted) return; // a newer one is on its way
    this.detail = new Sheet(detail, Object.fromEntries(layers.map((layer) => [layer.number, layer])));
    this.update();
  }

  get(name) { return this.model.get(name); }

  /** Change the state: at once here, in Python after a moment of rest. */
  put(changes) {
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.model.save_changes(), REST_MS);
  }

  /** Whether there are finer pixels, and a Python that reads them: not in a mere page. */
  get canRefine() { return this.get("_finer") && Boolean(this.model.widget_manager); }

  get mode() { return this.get("mode"); }
  get pair() { return [this.layers[this.get("left")], this.layers[this.get("right")]]; }
  get comparable() { return this.pair[0].family === this.pair[1].family; }

  get numbers() { return [this.get("left"), this.get("right")]; }

  get difference() { return this.whole.difference(...this.numbers); }

  /** The pixels to draw, coarse ones first: the finer ones lie above them. */
  get sheets() { return [this.whole, this.detail].filter((sheet) => sheet?.has(...this.numbers)); }

  /** The finest pixels at a place, or null: {sheet, index, row, col}. */
  pixelAt(place) {
    const found = this.sheets.map((sheet) => ({ sheet, ...sheet.pixelAt(place) }));
    return found.findLast(({ index }) => index !== undefined) ?? null;
  }

  draw() {
    this.frame = null;
    if (!this.layout()) return;
    const g = this.context, ratio = devicePixelRatio;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, this.camera.width, this.camera.height);
    for (const part of this.parts()) this.drawPart(g, part);
    this.show();
    this.e.root.dataset.ready = "true";
    this.e.root.dataset.second = this.second;
  }

  /** Fit the canvas to the page; false while it is not on the screen. */
  layout() {
    const room = this.e.root.clientWidth, { camera } = this, { canvas } = this.e;
    if (!room) return false;
    camera.layout(room, this.get("_height"), this.mode === "side_by_side" ? 2 : 1);
    camera.look(this.get("zoom"), this.get("center"));
    const width = Math.round(camera.width * devicePixelRatio), height = Math.round(camera.height * devicePixelRatio);
    // Setting a size wipes the canvas, also when it is the same.
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.e.stage.style.width = camera.width + "px";
    canvas.style.height = camera.height + "px";
    return true;
  }

  /** What is drawn where: a layer, or the difference, in a pane, between two x. */
  parts() {
    const [left, right] = this.numbers, { panes } = this.camera, line = this.get("position") * this.camera.width;
    const part = (number, pane, from = pane.x, to = pane.x + pane.width) => ({ number, pane, from, to });
    if (this.mode === "swipe") return [part(left, panes[0], 0, line), part(right, panes[0], line)];
    if (this.mode === "side_by_side") return [part(left, panes[0]), part(right, panes[1])];
    if (this.mode === "blink") return [part(this.second ? right : left, panes[0])];
    return [{ ...part(right, panes[0]), subtracted: this.comparable }];
  }

  picture(sheet, { number, subtracted }) {
    if (!subtracted) return sheet.picture(number);
    return sheet.differencePicture(...this.numbers, this.difference.largest, this.get("gain"), this.scene);
  }

  drawPart(g, part) {
    const { camera } = this, [x, y] = camera.corner(part.pane);
    g.save();
    g.beginPath(); g.rect(part.from, 0, part.to - part.from, camera.height); g.clip();
    for (const sheet of this.sheets) this.drawSheet(g, sheet, part, x, y);
    if (this.get("tiles_shown")) this.drawTiles(g, part, x, y);
    if (this.cross && (this.cross.keys || this.mode === "side_by_side")) this.drawCross(g, x, y);
    g.restore();
  }

  drawSheet(g, sheet, part, x, y) {
    const { camera } = this, picture = this.picture(sheet, part);
    const box = [x + (sheet.col0 - camera.col0) * camera.scale, y + (sheet.row0 - camera.row0) * camera.scale,
      sheet.cols * camera.scale, sheet.rows * camera.scale];
    g.fillStyle = this.hatch; g.fillRect(...box);
    // Class colours are never mixed. Where many pixels share one on the screen the others
    // are, differences too: a seam of one pixel must not fall between them.
    const sharp = !part.subtracted && this.layers[part.number].family === "classes";
    g.imageSmoothingEnabled = !sharp && box[2] < picture.width;
    g.imageSmoothingQuality = "medium";
    g.drawImage(picture, ...box);
  }

  /** Side of a layer's tiles on the screen, px. */
  tileWidth(number) { return this.get("tiles")[number] * Math.min(...this.layers[number].spacing) * this.camera.scale; }

  /** Whether a tile of a layer is too small to be drawn: lines would hide the picture. */
  isTooFine(number) { return this.get("tiles_shown") && this.tileWidth(number) < CLOSEST; }

  drawTiles(g, part, x, y) {
    // The blocks that a difference shows are those that were compared with.
    const number = part.subtracted ? this.numbers[0] : part.number;
    if (this.isTooFine(number)) return;
    const { corner, spacing } = this.layers[number], tile = this.get("tiles")[number];
    const lines = new Path2D(), { width, height, scale, row0, col0 } = this.camera;
    const along = (start, first, step, length, add) => {
      const origin = start + first * scale, wide = step * scale;
      for (let at = origin + Math.ceil(-origin / wide) * wide; at <= length; at += wide) add(Math.round(at) + 0.5);
    };
    along(y, corner[0] - row0, tile * spacing[0], height, (at) => { lines.moveTo(0, at); lines.lineTo(width, at); });
    along(x, corner[1] - col0, tile * spacing[1], width, (at) => { lines.moveTo(at, 0); lines.lineTo(at, height); });
    this.stroke(g, lines, this.tileWidth(number) >= HALO_FROM);
  }

  drawCross(g, x, y) {
    const lines = new Path2D(), size = 9, { scale, row0, col0 } = this.camera;
    const left = x + (this.cross.col - col0) * scale, top = y + (this.cross.row - row0) * scale;
    lines.moveTo(left - size, top); lines.lineTo(left + size, top);
    lines.moveTo(left, top - size); lines.lineTo(left, top + size);
    this.stroke(g, lines);
  }

  /** Dark lines with light borders, to be seen on everything. */
  stroke(g, lines, halo = true) {
    if (halo) { g.strokeStyle = "rgba(255,255,255,.45)"; g.lineWidth = 3; g.stroke(lines); }
    g.strokeStyle = "rgba(17,17,17,.85)"; g.lineWidth = 1; g.stroke(lines);
  }

  hatching() {
    const tile = new OffscreenCanvas(8, 8), g = tile.getContext("2d");
    g.fillStyle = "#f6f6f6"; g.fillRect(0, 0, 8, 8);
    g.strokeStyle = "#b5b5b5";
    for (const x of [-8, 0, 8]) { g.moveTo(x, 8); g.lineTo(x + 8, 0); }
    g.stroke();
    return this.context.createPattern(tile, "repeat");
  }
}
