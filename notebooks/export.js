/* Widgets of a page that has no kernel: each model keeps its state here, and its own
   module draws it. The interface is the one that anywidget gives such a module. */
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
    this.tell(`change:${name}`);
    this.tell("change");
  }
  tell(event) {
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

function revived({ state, buffers }) {
  for (const { path, data } of buffers) {
    const last = path.at(-1);
    const parent = path.slice(0, -1).reduce((part, key) => part[key], state);
    parent[last] = new DataView(bytes(data).buffer);
  }
  return new Model(state);
}

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

const saved = JSON.parse(document.getElementById("widget-models").textContent);
for (const [id, one] of Object.entries(saved)) {
  const places = document.querySelectorAll(`[data-widget-model="${id}"]`);
  // What fails leaves the picture that stands in its place.
  start(revived(one), places).catch((error) => console.error(error));
}
