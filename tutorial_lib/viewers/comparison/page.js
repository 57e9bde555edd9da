// A page with the widget in it, without a kernel: its state is in the page.

import { render } from "./compare.js";

/** What the widget needs of a model. */
class PageModel extends EventTarget {
  constructor(state) {
    super();
    this.state = state;
  }

  get(name) { return this.state[name]; }

  set(name, value) {
    this.state[name] = value;
    this.dispatchEvent(new Event("change:" + name));
  }

  on(event, listener) { this.addEventListener(event, listener); }
  off(event, listener) { this.removeEventListener(event, listener); }
  save_changes() {} // there is no Python to save to
}

const state = JSON.parse(document.getElementById("state").textContent);
for (const layer of state._layers) layer.values = Uint8Array.from(atob(layer.values), (letter) => letter.charCodeAt(0));
const model = new PageModel(state);
const close = render({ model, el: document.getElementById("comparison") });
window.comparison = { model, close }; // for tests
