// "Was this section clear?": two buttons and a field for a note. The kernel writes the
// answer into a file, and says in `status` what came of it.

// JupyterLab leaves keys alone at an element with this attribute.
const KEEP_KEYS = { lmSuppressShortcuts: "true" };

// Milliseconds until the strip says that the kernel has not answered.
const PATIENCE = 1500;
const WAITING =
  "Not saved yet. The kernel is busy, or it was restarted: then run this cell again.";

const NO_BUTTON = "Press “clear” or “unclear” to save the note.";

function element(name, settings, ...children) {
  const made = Object.assign(document.createElement(name), settings);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  const section = model.get("section");
  const status = element("span", { className: "kit-clear-status" });
  status.role = "status";
  let timer = null;
  const press = (answer) => {
    const number = (model.get("_pressed").number ?? 0) + 1;
    model.set("_pressed", { answer, note: note.value, number });
    model.save_changes();
    clearTimeout(timer);
    timer = setTimeout(() => (status.textContent = WAITING), PATIENCE);
  };
  const buttons = ["clear", "unclear"].map((answer) => {
    const button = element("button", { type: "button", textContent: answer });
    button.addEventListener("click", () => press(answer));
    return button;
  });
  const note = element("input", { type: "text", value: model.get("_note") });
  note.maxLength = model.get("_longest");
  // A note goes with the button that was pressed, or that will be.
  const send = () => {
    const sent = model.get("_pressed").note ?? model.get("_note");
    if (note.value === sent) return;
    if (model.get("saved")) press(model.get("saved"));
    else status.textContent = NO_BUTTON;
  };
  note.addEventListener("change", send);
  note.addEventListener("keydown", (event) => event.key === "Enter" && send());
  for (const control of [...buttons, note]) Object.assign(control.dataset, KEEP_KEYS);
  const label = element("label", {}, "Note (optional): ", note);
  const root = element("div", { className: "kit-answer kit-clear" });
  root.role = "group";
  root.ariaLabel = `Was the section “${section}” clear?`;
  root.append("Was this section clear? ", ...buttons, label, status);
  const update = () => {
    for (const button of buttons)
      button.ariaPressed = String(button.textContent === model.get("saved"));
  };
  // Emptied first, so that screen readers say the same status again.
  const tell = () => {
    clearTimeout(timer);
    status.textContent = "";
    requestAnimationFrame(() => (status.textContent = model.get("status")));
  };
  model.on("change:saved", update);
  model.on("change:_told", tell);
  update();
  el.append(root);
  return () => {
    clearTimeout(timer);
    model.off("change:saved", update);
    model.off("change:_told", tell);
  };
}

export default { render };
