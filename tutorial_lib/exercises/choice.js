// A row of buttons, one for each option of a question. The kernel judges the answer; its
// note appears below, and screen readers read it out.

// In JupyterLab's command mode, letters are commands. JupyterLab leaves keys alone at an
// element with this attribute.
const KEEP_KEYS = { lmSuppressShortcuts: "true" };

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "kit-answer";
  root.role = "group";
  root.ariaLabel = `Your answer: ${model.get("_label")}`;
  const buttons = model.get("_options").map(({ letter, text }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = letter;
    button.title = text;
    button.ariaLabel = `${letter}: ${text}`;
    Object.assign(button.dataset, KEEP_KEYS);
    button.addEventListener("click", () => {
      model.set("chosen", letter);
      model.save_changes();
    });
    return [letter, button];
  });
  const note = document.createElement("div");
  note.className = "kit-answer-note";
  note.ariaLive = "polite";
  root.append("Your answer: ", ...buttons.map(([, button]) => button), note);
  const update = () => {
    for (const [letter, button] of buttons)
      button.ariaPressed = String(letter === model.get("chosen"));
    if (note.innerHTML !== model.get("_note")) note.innerHTML = model.get("_note");
  };
  model.on("change:chosen", update);
  model.on("change:_note", update);
  update();
  el.append(root);
  return () => {
    model.off("change:chosen", update);
    model.off("change:_note", update);
  };
}

export default { render };
