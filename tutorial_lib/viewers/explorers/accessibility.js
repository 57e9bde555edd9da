// Adds to the explorers what ipywidgets lack. JupyterLab's keyboard shortcuts stay away
// from their controls; a typed number is set when its field loses the focus; each control
// has a name, the picture an alternative text, and screen readers announce the verdict.

const CONTROLS = "input, select, button, textarea, [tabindex], [contenteditable]";

// ipywidgets put a zero-width space into a label without a text.
function nameOf(control) {
  const label = control.closest(".jupyter-widgets")?.querySelector(".widget-label");
  return label?.textContent.replaceAll("\u200b", "").trim() || null;
}

// ipywidgets (8.1) listen for "blur" on the parent of the number field, where it never
// arrives, because it does not bubble: they take a number after Enter only. This copy
// bubbles. A copy of Enter would move JupyterLab's focus to the cell, in command mode.
function setTypedNumber(event) {
  const field = event.target.closest?.(".widget-readout");
  field?.dispatchEvent(new FocusEvent("blur", { bubbles: true }));
}

function describe(root, description) {
  for (const control of root.querySelectorAll(CONTROLS)) {
    // JupyterLab looks for this at the focused element only, not at its parents.
    control.dataset.lmSuppressShortcuts = "true";
    control.ariaLabel ??= nameOf(control);
  }
  const words = root.querySelector(".kit-words");
  if (words) words.ariaLive = "polite";
  const picture = root.querySelector("img");
  if (picture && picture.alt !== description) picture.alt = description;
}

function render({ model, el }) {
  let root = null;
  const update = () => root && describe(root, model.get("description"));
  const watcher = new MutationObserver(update);
  // This view is made before the explorer's box is in the page.
  const start = () => {
    root = el.closest(".kit-explorer");
    if (!root) {
      frame = requestAnimationFrame(start);
      return;
    }
    el.style.display = "none";
    watcher.observe(root, { childList: true, subtree: true });
    root.addEventListener("focusout", setTypedNumber);
    update();
    root.dataset.ready = "true";
  };
  let frame = requestAnimationFrame(start);
  model.on("change:description", update);
  return () => {
    cancelAnimationFrame(frame);
    watcher.disconnect();
    root?.removeEventListener("focusout", setTypedNumber);
    model.off("change:description", update);
  };
}

export default { render };
