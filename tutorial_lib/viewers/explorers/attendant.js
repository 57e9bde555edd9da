// What plain ipywidgets leave out: keys stay with the control that has the focus, and
// every control and picture has a name for those who cannot see it.

const CONTROLS = "input, select, button, textarea, [tabindex], [contenteditable]";

function nameOf(control) {
  const label = control.closest(".jupyter-widgets")?.querySelector(".widget-label");
  // A label without a text has a space of no width.
  return label?.textContent.replaceAll("\u200b", "").trim();
}

// Of what was typed beside a slider, ipywidgets take notice at Enter only. Left without
// it, a number would stand there that is set nowhere. What nobody changed is let alone:
// it may be rounded.
function confirmTyped(root) {
  let confirmed = null;
  const readout = (event) => event.target.closest?.(".widget-readout");
  const note = (event) => {
    if (event.type === "focusin" || event.key === "Enter") {
      confirmed = readout(event)?.textContent ?? null;
    }
  };
  const leave = (event) => {
    const typed = readout(event);
    if (!typed || typed.textContent === confirmed) return;
    typed.dispatchEvent(new KeyboardEvent("keydown", { keyCode: 13, bubbles: true }));
  };
  const listeners = { focusin: note, keydown: note, focusout: leave };
  for (const [type, react] of Object.entries(listeners)) {
    root.addEventListener(type, react);
  }
  return () => {
    for (const [type, react] of Object.entries(listeners)) {
      root.removeEventListener(type, react);
    }
  };
}

function tend(root, description) {
  for (const control of root.querySelectorAll(CONTROLS)) {
    // JupyterLab looks at the element that has the focus, and at no parent of it.
    control.dataset.lmSuppressShortcuts = "true";
    const name = nameOf(control);
    if (name && !control.hasAttribute("aria-label")) {
      control.setAttribute("aria-label", name);
    }
  }
  const picture = root.querySelector("img");
  if (picture && picture.alt !== description) picture.alt = description;
}

function render({ model, el }) {
  let root = null;
  let letTypedBe = () => {};
  const look = () => root && tend(root, model.get("description"));
  const watcher = new MutationObserver(look);
  // The box is put into the page after its parts are made.
  const wait = () => {
    root = el.closest(".kit-explorer");
    if (!root) {
      frame = requestAnimationFrame(wait);
      return;
    }
    el.style.display = "none";
    watcher.observe(root, { childList: true, subtree: true });
    letTypedBe = confirmTyped(root);
    look();
    root.dataset.ready = "true";
  };
  let frame = requestAnimationFrame(wait);
  model.on("change:description", look);
  return () => {
    cancelAnimationFrame(frame);
    watcher.disconnect();
    letTypedBe();
    model.off("change:description", look);
  };
}

export default { render };
