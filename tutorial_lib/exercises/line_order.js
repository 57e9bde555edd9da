// Lines of code with buttons that move them up and down, and a button that checks their
// order. The kernel judges it; its note appears below, and screen readers read it out.

// In JupyterLab's command mode, letters are commands. JupyterLab leaves keys alone at an
// element with this attribute.
const KEEP_KEYS = { lmSuppressShortcuts: "true" };

function buttonOf(text, name, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.ariaLabel = name;
  Object.assign(button.dataset, KEEP_KEYS);
  // Not `disabled`: a button that loses the focus would send the keyboard elsewhere.
  button.addEventListener("click", () => button.ariaDisabled !== "true" && act());
  return button;
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "kit-answer";
  root.role = "group";
  root.ariaLabel = `Your answer: ${model.get("_label")}`;
  const list = document.createElement("ol");
  const note = document.createElement("div");
  note.className = "kit-answer-note";
  note.ariaLive = "polite";

  const options = model.get("_options");
  const order = model.get("chosen") || options.map(({ letter }) => letter).join("");
  const texts = Object.fromEntries(options.map(({ letter, text }) => [letter, text]));
  for (const letter of order) {
    const item = document.createElement("li");
    item.dataset.letter = letter;
    const code = document.createElement("code");
    code.textContent = texts[letter];
    const move = (step) => () => moveItem(item, step);
    const up = buttonOf("↑", `Move up: ${texts[letter]}`, move(-1));
    const down = buttonOf("↓", `Move down: ${texts[letter]}`, move(1));
    item.append(up, down, code);
    list.append(item);
  }

  function moveItem(item, step) {
    const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
    const focused = document.activeElement;
    if (step < 0) list.insertBefore(item, other);
    else list.insertBefore(other, item);
    focused.focus();
    const place = [...list.children].indexOf(item) + 1;
    note.textContent = `Now line ${place} of ${list.children.length}.`;
    markEnds();
  }
  function markEnds() {
    for (const item of list.children) {
      const [up, down] = item.querySelectorAll("button");
      up.ariaDisabled = String(!item.previousElementSibling);
      down.ariaDisabled = String(!item.nextElementSibling);
    }
  }
  const check = buttonOf("Check the order", "Check the order", () => {
    const letters = [...list.children].map((item) => item.dataset.letter).join("");
    model.set("chosen", letters);
    model.save_changes();
    update();
  });
  const update = () => (note.innerHTML = model.get("_note"));
  model.on("change:_note", update);
  markEnds();
  update();
  root.append(list, check, note);
  el.append(root);
  return () => model.off("change:_note", update);
}

export default { render };
