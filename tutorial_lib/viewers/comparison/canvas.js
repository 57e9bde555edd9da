// What is drawn on the canvas: pictures, the tiles over them, and the cross.

const CLOSEST = 8; // CSS px between lines of tiles; closer lines would hide the picture
const CROSS = 9; // half of its size, CSS px

/** Draw everything that a view shows. */
export function drawCanvas(view) {
  const { camera, e } = view, g = e.canvas.getContext("2d"), ratio = devicePixelRatio;
  // A new size also clears the canvas.
  Object.assign(e.canvas, { width: Math.round(camera.width * ratio), height: Math.round(camera.height * ratio) });
  g.scale(ratio, ratio);
  for (const part of parts(view)) {
    g.save();
    g.beginPath();
    g.rect(part.from, 0, part.to - part.from, camera.height);
    g.clip();
    for (const stack of view.stacks) drawStack(g, camera, stack, part);
    if (view.get("tiles_shown") && !isTooFine(view, part.number)) drawTiles(g, view, part);
    if (view.cross && (view.cross.byKeys || view.mode === "side_by_side")) drawCross(g, view, part);
    g.restore();
  }
}

/** Parts of the canvas: in each, one layer of a stack is drawn, in a pane, between two x. */
function parts(view) {
  const { camera, mode } = view, [left, right] = view.numbers, [first, second] = camera.panes;
  const part = (number, pane, from = pane, to = pane + camera.paneWidth) =>
    ({ number, pane, from, to, layer: (stack) => stack.layers[number] });
  const line = view.get("position") * camera.width;
  if (mode === "swipe") return [part(left, first, 0, line), part(right, first, line)];
  if (mode === "side_by_side") return [part(left, first), part(right, second)];
  if (mode === "blink") return [part(view.second ? right : left, first)];
  // The blocks that a difference shows are usually those of the first layer.
  return [view.difference ? { ...part(left, first), layer: (stack) => view.differenceOn(stack) } : part(right, first)];
}

function drawStack(g, camera, stack, part) {
  const layer = part.layer(stack), picture = stack.picture(layer);
  const width = stack.cols * camera.scale;
  const box = [...camera.pointOf([stack.row, stack.col], part.pane), width, stack.rows * camera.scale];
  g.fillStyle = hatching(g);
  g.fillRect(...box);
  // Colours of classes are never mixed. Differences are, where several pixels share one
  // on the screen: a seam of one pixel would be lost otherwise.
  const sharp = layer.family === "classes" && !layer.isDifference;
  g.imageSmoothingEnabled = !sharp && width < picture.width;
  g.imageSmoothingQuality = "medium";
  g.drawImage(picture, ...box);
}

/** Pattern of pixels without data. */
let pattern = null;
function hatching(g) {
  if (pattern) return pattern;
  const tile = new OffscreenCanvas(8, 8), t = tile.getContext("2d");
  t.fillStyle = "#f6f6f6";
  t.fillRect(0, 0, 8, 8);
  t.strokeStyle = "#b5b5b5";
  for (const x of [-8, 0, 8]) { t.moveTo(x, 8); t.lineTo(x + 8, 0); }
  t.stroke();
  return (pattern = g.createPattern(tile, "repeat"));
}

/** Whether the tiles of a layer are too small on the screen to be drawn. */
export function isTooFine(view, number) {
  return view.get("tiles")[number] * Math.min(...view.layers[number].spacing) * view.camera.scale < CLOSEST;
}

/** Tiles are counted from the corner of their own layer. */
function drawTiles(g, view, { number, pane }) {
  const { camera } = view, { width, height } = camera, lines = new Path2D();
  const { corner, spacing } = view.layers[number], tile = view.get("tiles")[number];
  const [x, y] = camera.pointOf(corner, pane);
  const along = (origin, step, length, add) => {
    for (let at = origin + Math.ceil(-origin / step) * step; at <= length; at += step) add(Math.round(at) + 0.5);
  };
  along(y, tile * spacing[0] * camera.scale, height, (at) => { lines.moveTo(0, at); lines.lineTo(width, at); });
  along(x, tile * spacing[1] * camera.scale, width, (at) => { lines.moveTo(at, 0); lines.lineTo(at, height); });
  stroke(g, lines);
}

function drawCross(g, { camera, cross }, { pane }) {
  const [x, y] = camera.pointOf(cross.place, pane), lines = new Path2D();
  lines.moveTo(x - CROSS, y); lines.lineTo(x + CROSS, y);
  lines.moveTo(x, y - CROSS); lines.lineTo(x, y + CROSS);
  stroke(g, lines);
}

/** Dark lines, with light borders so that they are seen on everything. */
function stroke(g, lines) {
  for (const [strokeStyle, lineWidth] of [["rgba(255,255,255,.45)", 3], ["rgba(17,17,17,.85)", 1]]) {
    Object.assign(g, { strokeStyle, lineWidth });
    g.stroke(lines);
  }
}
