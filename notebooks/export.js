/* Code, output and tables that are cut off can be scrolled by keyboard too. A screen
   reader says what they are. */
function letScroll(entries) {
  for (const { target } of entries) {
    if (target.scrollWidth <= target.clientWidth + 1 || target.hasAttribute("tabindex")) continue;
    target.tabIndex = 0;
    if (target.matches("table")) continue;
    target.role = "group";
    target.ariaLabel = target.matches("pre") ? "Output" : "Code";
  }
}

const scrollable = new ResizeObserver(letScroll);
const wide = ".jp-InputArea-editor, .jp-OutputArea-output pre, .jp-RenderedHTMLCommon table";
for (const one of document.querySelectorAll(wide)) scrollable.observe(one);

/* Widgets in a page without a kernel. A model holds the state of a widget, and the
   widget's own module draws it. Model has the methods that anywidget gives such a
   module; what would go to the kernel is dropped. */
class Model {
  constructor(state) {
    this.state = state;
    this.listeners = new Map();
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    this.state[name] = value;
    this.notify(`change:${name}`);
    this.notify("change");
  }
  notify(event) {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener();
  }
  on(event, listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }
  off(event, listener) {
    const left = (this.listeners.get(event) ?? []).filter((one) => listener && one !== listener);
    this.listeners.set(event, left);
  }
  save_changes() {}
  send() {}
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/* A saved model. Its binary buffers are put back into the state. */
function modelOf({ state, buffers }) {
  for (const { path, data } of buffers) {
    const last = path.at(-1);
    const parent = path.slice(0, -1).reduce((part, key) => part[key], state);
    parent[last] = new DataView(bytes(data).buffer);
  }
  return new Model(state);
}

/* Loads the module in the model's state, and draws the widget in each place. */
async function start(model, places) {
  const source = new Blob([model.get("_esm")], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  const exported = (await import(address)).default;
  URL.revokeObjectURL(address);
  const widget = typeof exported === "function" ? await exported() : exported;
  const style = document.createElement("style");
  style.textContent = model.get("_css") ?? "";
  document.head.append(style);
  await widget.initialize?.({ model });
  for (const place of places) {
    const el = document.createElement("div");
    await widget.render({ model, el });
    place.replaceChildren(el);
  }
}

const saved = JSON.parse(document.getElementById("widget-models")?.textContent ?? "{}");
for (const [id, one] of Object.entries(saved)) {
  const places = document.querySelectorAll(`[data-widget-model="${id}"]`);
  // If a widget fails, its picture stays.
  start(modelOf(one), places).catch((error) => console.error(error));
}
