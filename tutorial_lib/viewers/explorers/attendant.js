// What plain ipywidgets leave out: keys stay with the control that has the focus, what is
// typed counts, and every control and picture has a name for those who cannot see it.

const CONTROLS = "input, select, button, textarea, [tabindex], [contenteditable]";

function nameOf(control) {
  const label = control.closest(".jupyter-widgets")?.querySelector(".widget-label");
  // A label without a text has a space of no width.
  return label?.textContent.replaceAll("\u200b", "").trim();
}

// Of what is typed beside a slider, ipywidgets take notice at Enter only. Left without
// it, a number would stand there that is set nowhere.
function confirmTyped(event) {
  const typed = event.target.closest?.(".widget-readout");
  typed?.dispatchEvent(new KeyboardEvent("keydown", { keyCode: 13, bubbles: true }));
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
    root.addEventListener("focusout", confirmTyped);
    look();
    root.dataset.ready = "true";
  };
  let frame = requestAnimationFrame(wait);
  model.on("change:description", look);
  return () => {
    cancelAnimationFrame(frame);
    watcher.disconnect();
    root?.removeEventListener("focusout", confirmTyped);
    model.off("change:description", look);
  };
}

export default { render };
