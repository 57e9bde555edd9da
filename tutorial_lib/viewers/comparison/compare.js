// ------------------------------------------------------------------------------- view

/** What stands around the canvas, and what people do. */
class View extends Drawing {
  constructor(model, elements, layers) {
    super(model, elements, layers);
    this.listen();
    this.draw();
  }

  /** All but the canvas, after each drawing. */
  show() {
    // Also where Python moved the view, or the room on the page changed.
    const { seen, zoom } = this.camera;
    if (String(seen) !== String(this.get("view"))) this.put({ view: seen });
    // Python may have asked for more than there is.
    if (zoom !== this.get("zoom")) this.put({ zoom, center: this.camera.center });
    this.showControls();
    this.showReading();
    this.keepTime();
  }

  showControls() {
    const { e, mode, camera } = this, [a, b] = this.pair;
    for (const [name, radio] of Object.entries(e.modes)) radio.checked = name === mode;
    e.left.value = this.get("left"); e.right.value = this.get("right");
    e.rightTitle.value = b.title; e.right.setAttribute("aria-valuetext", b.title);
    e.pair.hidden = this.layers.length < 3;
    e.blinkTools.classList.toggle("compare-off", mode !== "blink");
    e.gainTools.classList.toggle("compare-off", mode !== "difference" || !this.comparable || a.family === "classes");
    e.rate.value = this.get("rate"); e.rateText.value = `${this.get("rate")} a second`;
    e.gain.value = Math.round(Math.log2(this.get("gain"))); e.gainText.value = `× ${this.get("gain")}`;
    e.play.textContent = this.playing ? "Pause" : "Play";
    e.tiles.checked = this.get("tiles_shown");
    this.showSides();
    e.out.disabled = e.whole.disabled = camera.zoom <= 1;
    e.in.disabled = camera.zoom >= camera.largestZoom;
    this.showHandle(camera.width);
    this.showNames(a, b, camera.width);
    this.showLegend(a, b);
    e.canvas.style.touchAction = camera.zoom > 1 ? "none" : "pan-y";
    e.canvas.classList.toggle("compare-zoomed", camera.zoom > 1);
    e.canvas.setAttribute("aria-label", `${MODES[mode]}: ${a.title} and ${b.title}, zoom ${camera.zoom.toFixed(1)}. ${a.description} ${b.description}`);
  }

  /** One side of tiles, or those of both layers where they differ. */
  showSides() {
    const { sides } = this.e, tiles = this.get("tiles"), alike = new Set(tiles).size === 1;
    sides.forEach((side, k) => { if (!side.matches(":focus")) side.value = tiles[this.numbers[k]]; });
    sides[1].hidden = alike || this.mode === "difference" || tiles[this.numbers[0]] === tiles[this.numbers[1]];
  }

  showHandle(width) {
    const { handle } = this.e, percent = Math.round(100 * this.get("position"));
    handle.hidden = this.mode !== "swipe";
    handle.style.left = this.get("position") * width + "px";
    handle.setAttribute("aria-valuenow", percent);
    handle.setAttribute("aria-valuetext", `${percent} % ${this.pair[0].title}`);
  }

  showNames(a, b, width) {
    const [first, second] = this.e.names, { mode } = this, line = this.get("position") * width;
    first.textContent = { blink: (this.second ? b : a).title, difference: this.comparable ? `${b.title} ${a.family === "classes" ? "≠" : "−"} ${a.title}` : `${b.title}: no difference with ${a.title}, which is of another kind` }[mode] ?? a.title;
    second.textContent = b.title;
    second.hidden = mode === "blink" || mode === "difference";
    first.style.maxWidth = (second.hidden ? width - 16 : (mode === "swipe" ? line : width / 2) - 20) + "px";
    second.style.maxWidth = (mode === "swipe" ? width - line : width / 2) - 20 + "px";
    second.style.left = mode === "side_by_side" ? this.camera.panes[1].x + 8 + "px" : "auto";
    // No room left and right of the swipe line: rather no name than a cut one.
    if (mode === "swipe") { first.hidden = line < 60; second.hidden = width - line < 60; } else first.hidden = false;
  }

  showLegend(a, b) {
    const { legend } = this.e, difference = this.mode === "difference";
    this.showNotes(a, b);
    const key = [this.mode, a.title, b.title, difference && this.get("gain")].join("|");
    if (key === this.legendKey && this.legendDetail === this.detail) return;
    Object.assign(this, { legendKey: key, legendDetail: this.detail });
    legend.replaceChildren(...(difference && this.comparable ? this.differenceLegend() : this.layerLegends()));
  }

  showNotes(a, b) {
    const fine = this.numbers.filter((number) => this.isTooFine(number)).map((number) => this.get("tiles")[number]);
    const text = [...this.scene.notes, this.canRefine && "Zoom in for the others.",
      this.mode === "difference" && !this.comparable
        && `${a.title} and ${b.title} are of different kinds and have no difference. Choose two layers of one kind, or another mode.`,
      fine.length && `Zoom in to see tiles of ${[...new Set(fine)].join(" and ")} px.`].filter(Boolean).join(" ");
    if (this.e.notes.textContent !== text) this.e.notes.textContent = text;
  }

  layerLegends() {
    // Finer pixels may be of classes that none of the others is of.
    const shown = this.sheets.flatMap((sheet) => this.numbers.map((number) => sheet.layers[number]));
    const known = new Map(shown.flatMap(layerLegend).map((entry) => [entry.outerHTML, entry]));
    return [...known.values(), ...noData(shown)];
  }

  differenceLegend() {
    const { kind, largest, share, valid } = this.difference, percent = (part) => `${+(100 * part).toPrecision(4)} %`;
    const nodata = noData([{ valid }]), pixels = nodata.length ? "pixels with data in both" : "pixels";
    if (!largest) return [make("span", {}, `The layers are equal in all ${pixels}.`), ...nodata];
    if (kind === "classes")
      return [swatch(this.scene.colors.same, `the same class: ${percent(1 - share)} of the ${pixels}`), swatch(this.scene.colors.changed, `another class: ${percent(share)}`), ...nodata];
    const top = largest / this.get("gain"), mean = kind === "size" ? " (mean over the bands, without sign)" : "";
    return [scaleBar(this.scene.ramps[kind], kind === "size" ? 0 : -top, top),
      make("span", {}, `${percent(share)} of the ${pixels} differ, by at most ${number(largest)}${mean}`), ...nodata];
  }

  showReading() {
    const { e, numbers } = this, pixel = this.cross && this.pixelAt(this.cross);
    e.place.textContent = pixel
      ? `row ${pixel.row}, column ${pixel.col}` + this.coordinates(pixel.row, pixel.col)
      : "Point at the picture to read its values.";
    this.pair.forEach(({ title }, k) => (e.readings[k].textContent = pixel ? `${title}: ${this.value(pixel.sheet.layers[numbers[k]], pixel.index)}` : ""));
    const { kind, valid, values } = (pixel && this.mode === "difference" && this.comparable && pixel.sheet.difference(...numbers)) || {};
    const apart = kind && kind !== "classes" && valid[pixel.index];
    e.readings[2].textContent = apart ? `difference: ${number(values[pixel.index])}` : "";
  }

  coordinates(row, col) {
    if (!this.scene.transform) return "";
    const [a, , c, , d, f] = this.scene.transform, { decimals } = this.scene;
    return `  (x ${(c + (col + 0.5) * a).toFixed(decimals)}, y ${(f + (row + 0.5) * d).toFixed(decimals)})`;
  }

  value({ family, valid, values, count, bands, classes }, pixel) {
    if (!valid[pixel]) return "no data";
    if (family === "classes") {
      const found = classes.find(([id]) => id === values[pixel]);
      return `${found[1]} (${found[0]})`;
    }
    return Array.from({ length: bands }, (_, k) => number(values[k * count + pixel])).join(", ");
  }

  /** The clock of "blink"; it runs only while it is needed. */
  keepTime() {
    const tempo = this.mode === "blink" && this.playing ? 1000 / clamp(this.get("rate"), 0.5, 3) : 0;
    if (tempo === this.tempo) return;
    this.tempo = tempo;
    clearInterval(this.timer);
    if (tempo) this.timer = setInterval(() => this.showOther(), tempo);
  }

  showOther() {
    this.second = !this.second;
    this.update();
  }

  play(playing) {
    this.playing = playing;
    this.update();
  }

  // -------------------------------------------------------------- what people do

  listen() {
    const { e } = this;
    const on = (target, event, act, options = {}) =>
      target.addEventListener(event, act, { signal: this.stop.signal, ...options });
    for (const [mode, radio] of Object.entries(e.modes)) on(radio, "change", () => this.put({ mode }));
    on(e.left, "change", () => this.put({ left: +e.left.value }));
    on(e.right, "input", () => this.put({ right: +e.right.value }));
    on(e.rate, "input", () => this.put({ rate: +e.rate.value }));
    on(e.gain, "input", () => this.put({ gain: 2 ** e.gain.value }));
    on(e.play, "click", () => this.play(!this.playing));
    on(e.other, "click", () => { this.play(false); this.showOther(); });
    on(this.still, "change", () => this.play(!this.still.matches));
    on(e.tiles, "change", () => this.put({ tiles_shown: e.tiles.checked }));
    e.sides.forEach((side, k) => {
      on(side, "input", () => this.setSide(k, Number(side.value)));
      on(side, "change", () => (side.value = this.get("tiles")[this.numbers[k]])); // what is no size goes
    });
    on(e.in, "click", () => this.zoomBy(1.5));
    on(e.out, "click", () => this.zoomBy(1 / 1.5));
    on(e.whole, "click", () => this.zoomTo(1));
    on(e.handle, "pointerdown", (event) => { event.preventDefault(); e.handle.focus({ preventScroll: true }); e.handle.setPointerCapture(event.pointerId); });
    on(e.handle, "pointermove", (event) => e.handle.hasPointerCapture(event.pointerId) && this.swipeTo(event));
    on(e.handle, "keydown", (event) => this.obey(event, this.handleKeys(event)));
    on(e.canvas, "wheel", (event) => this.wheel(event), { passive: false });
    on(e.canvas, "pointerdown", (event) => this.grasp(event));
    on(e.canvas, "pointermove", (event) => this.drag(event));
    on(e.canvas, "pointerup", (event) => this.letGo(event));
    on(e.canvas, "pointerleave", () => { this.cross = null; this.update(); });
    on(e.canvas, "keydown", (event) => this.obey(event, this.canvasKeys(event)));
  }

  /** A new side of tiles: of one layer, or of all that were alike. */
  setSide(k, side) {
    if (!Number.isInteger(side) || side < 1) return;
    const tiles = this.get("tiles"), alike = new Set(tiles).size === 1;
    this.put({ tiles: tiles.map((old, number) => (alike || number === this.numbers[k] ? side : old)), tiles_shown: true });
  }

  /** Where an event is on the canvas. */
  point(event) {
    const box = this.e.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  placeAt(event) { return this.camera.placeAt(...this.point(event)); }

  swipeTo(event) { this.put({ position: clamp(this.point(event)[0] / this.camera.width, 0, 1) }); }

  /** Look elsewhere: several keys may be pressed before the next drawing. */
  look(state) {
    this.camera.look(state.zoom, state.center);
    this.put(state);
  }

  zoomTo(zoom, place) { this.look(this.camera.zoomed(zoom, place)); }

  zoomBy(factor) { this.zoomTo(this.camera.zoom * factor); }

  /** Move the picture by screen pixels; says whether it moved. */
  moveBy(dx, dy) {
    const state = this.camera.moved(dx, dy);
    if (state) this.look(state);
    return Boolean(state);
  }

  /** Zoom, but only with Ctrl or focus, and where there is more to see: else scroll. */
  wheel(event) {
    const wanted = event.ctrlKey || event.metaKey;
    if (!wanted && !this.e.canvas.matches(":focus")) return;
    const { camera } = this;
    const zoom = clamp(camera.zoom * Math.exp(-event.deltaY * 0.002), 1, camera.largestZoom);
    // At an end, the turn that brought it there must not throw the page away.
    if (zoom !== camera.zoom) this.zoomedAt = event.timeStamp;
    else if (!wanted && !(event.timeStamp - this.zoomedAt < WHEEL_MS)) return;
    else this.zoomedAt = event.timeStamp;
    event.preventDefault();
    this.zoomTo(zoom, this.placeAt(event));
  }

  grasp(event) {
    this.e.canvas.focus({ preventScroll: true });
    this.e.canvas.setPointerCapture(event.pointerId);
    this.held = { x: event.clientX, y: event.clientY, moved: 0 };
  }

  drag(event) {
    if (this.held) {
      const dx = event.clientX - this.held.x, dy = event.clientY - this.held.y;
      const moved = this.held.moved + Math.hypot(dx, dy);
      this.held = { x: event.clientX, y: event.clientY, moved };
      // There is nowhere to move a picture that is seen whole: the line follows.
      if (this.mode === "swipe" && this.camera.zoom <= 1) { if (moved > 4) this.swipeTo(event); }
      else this.moveBy(dx, dy);
    }
    this.cross = this.placeAt(event);
    this.e.readout.setAttribute("aria-live", "off");
    this.update();
  }

  letGo(event) {
    if (this.held?.moved <= 4) {
      const pixel = this.pixelAt(this.placeAt(event));
      if (pixel) this.put({ pixel: [pixel.row, pixel.col] });
    }
    this.held = null;
  }

  obey(event, act) {
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  handleKeys({ key, shiftKey }) {
    const step = shiftKey ? 0.1 : 0.01, position = this.get("position");
    const to = { ArrowLeft: position - step, ArrowDown: position - step, ArrowRight: position + step, ArrowUp: position + step,
      PageDown: position - 0.1, PageUp: position + 0.1, Home: 0, End: 1 }[key];
    return to !== undefined && (() => this.put({ position: clamp(to, 0, 1) }));
  }

  canvasKeys({ key, shiftKey }) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (step) return () => (!shiftKey && this.moveBy(-60 * step[0], -60 * step[1])) || this.moveCross(...step);
    return { "+": () => this.zoomBy(1.5), "=": () => this.zoomBy(1.5), "-": () => this.zoomBy(1 / 1.5),
      0: () => this.zoomTo(1), " ": () => { if (this.mode === "blink") { this.play(false); this.showOther(); } } }[key];
  }

  /** Move the cross by a pixel, or where pixels are tiny by three on the screen. */
  moveCross(dx, dy) {
    const { camera } = this, [row, col] = camera.center, end = 1e-3;
    const from = this.cross ?? { row, col }, size = this.pixelAt(from)?.sheet.pixel ?? this.whole.pixel;
    const step = Math.max(size, 3 / camera.scale);
    this.cross = { keys: true,
      row: clamp(from.row + dy * step, camera.row0, camera.row0 + camera.rows - end),
      col: clamp(from.col + dx * step, camera.col0, camera.col0 + camera.cols - end) };
    const [top, left, height, width] = camera.seen;
    const seen = this.cross.row >= top && this.cross.row < top + height && this.cross.col >= left && this.cross.col < left + width;
    if (!seen) this.zoomTo(camera.zoom, { ...this.cross, dx: 0, dy: 0 });
    this.e.readout.setAttribute("aria-live", "polite");
    this.update();
  }
}

function render({ model, el }) {
  const about = model.get("_layers"), values = model.get("_values");
  const elements = build(about.map(({ title }) => title), "compare" + Math.random().toString(36).slice(2));
  let view = null, closed = false;
  elements.notes.textContent = "Unpacking the layers…";
  el.append(elements.root);
  Promise.all(about.map((one, i) => unpack(one, values[i], model.get("_scene").shape)))
    .then((layers) => { if (!closed) view = new View(model, elements, layers); })
    .catch((error) => { elements.notes.textContent = `The layers could not be shown: ${error.message}. Update the browser, or use as_figure().`; });
  return () => { closed = true; view?.close(); };
}

export default { render };
