// A page with the widget in it, without a kernel: its state is in the page.

import { render } from "./compare.js";

/** What the widget needs of a model. */
class PageModel {
  listeners = new Map();

  constructor(state) { this.state = state; }

  get(name) { return this.state[name]; }

  set(name, value) {
    this.state[name] = value;
    for (const listener of this.listeners.get("change:" + name) ?? []) listener();
  }

  on(event, listener) { this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]); }

  off(event, listener) {
    this.listeners.set(event, (this.listeners.get(event) ?? []).filter((one) => one !== listener));
  }

  save_changes() {}
}

const state = JSON.parse(document.getElementById("state").textContent);
for (const layer of state._layers) layer.values = Uint8Array.from(atob(layer.values), (letter) => letter.charCodeAt(0));
const model = new PageModel(state);
const close = render({ model, el: document.getElementById("comparison") });
window.comparison = { model, close }; // for tests
