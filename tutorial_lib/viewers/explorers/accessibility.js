// Adds to the explorers what ipywidgets lack. JupyterLab's keyboard shortcuts stay away
// from their controls; a typed number replaces the old one, and is set when its field
// loses the focus, or moved by the arrow keys; End moves a slider to its end; each control
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

// With Tab, the browser puts the caret before the old number: 144 typed into 192 would be
// 144192. With a click (the field is active), people choose the caret's place.
function selectNumber(event) {
  const field = event.target.closest?.(".widget-readout");
  if (field && !field.matches(":active")) getSelection().selectAllChildren(field);
}

// noUiSlider, the slider of ipywidgets, takes End for the maximum that it had at first, and
// so does its aria-valuemax until the next change of the value.
function goToEnd(event) {
  const handle = event.key === "End" && event.target.closest?.(".noUi-handle");
  if (!handle) return;
  event.preventDefault();
  event.stopPropagation();
  const slider = handle.closest(".noUi-target").noUiSlider;
  slider.set(slider.options.range.max);
}

// A slider moves in steps while a key or the pointer moves it, and takes any number at all
// other times: noUiSlider would round a typed one.
const MOVES = /^(Arrow|Page|Home|End)/;
function useSteps(event, steps) {
  const slider = event.target.closest?.(".noUi-target");
  const step = slider && steps[nameOf(slider)];
  if (!step || (event.key && !MOVES.test(event.key))) return;
  slider.noUiSlider.updateOptions({ step }, false);
  const leave = () => slider.noUiSlider.updateOptions({ step: 1 }, false);
  const end = event.type === "keydown" ? "keyup" : "pointerup";
  // After noUiSlider has put the handle down.
  addEventListener(end, () => setTimeout(leave), { once: true });
}

const sliderOf = (field) => field.closest(".jupyter-widgets").querySelector(".noUi-target").noUiSlider;

// A number field is an element that can be edited: screen readers are told its number.
function describeField(field) {
  const { min, max } = sliderOf(field).options.range;
  field.role = "spinbutton";
  Object.assign(field, { ariaValueMin: min, ariaValueMax: max, ariaValueNow: parseFloat(field.textContent) });
}

// The arrow keys move the number of a spin button.
function stepNumber(event, steps) {
  const field = event.target.closest?.(".widget-readout");
  const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!field || !way) return;
  event.preventDefault();
  const slider = sliderOf(field);
  slider.set(+slider.get() + way * (steps[nameOf(field)] ?? 1));
}

function describe(root, description) {
  for (const control of root.querySelectorAll(CONTROLS)) {
    // JupyterLab looks for this at the focused element only, not at its parents.
    control.dataset.lmSuppressShortcuts = "true";
    control.ariaLabel ??= nameOf(control);
  }
  root.querySelectorAll(".widget-readout").forEach(describeField);
  const words = root.querySelector(".kit-words");
  if (words) words.ariaLive = "polite";
  const picture = root.querySelector("img");
  if (picture && picture.alt !== description) picture.alt = description;
}

function render({ model, el }) {
  let root = null;
  const update = () => root && describe(root, model.get("description"));
  const closed = new AbortController();
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
    const options = { signal: closed.signal };
    root.addEventListener("focusin", selectNumber, options);
    root.addEventListener("focusout", setTypedNumber, options);
    for (const name of ["pointerdown", "keydown"]) {
      const listener = (event) => useSteps(event, model.get("steps"));
      root.addEventListener(name, listener, { ...options, capture: true });
    }
    root.addEventListener("keydown", goToEnd, { ...options, capture: true });
    root.addEventListener("keydown", (event) => stepNumber(event, model.get("steps")), options);
    update();
    root.dataset.ready = "true";
  };
  let frame = requestAnimationFrame(start);
  model.on("change:description", update);
  return () => {
    cancelAnimationFrame(frame);
    watcher.disconnect();
    closed.abort();
    model.off("change:description", update);
  };
}

export default { render };
