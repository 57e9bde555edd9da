/* Beyond Leaflet: a list of layers with an opacity slider for each raster, a button that
   shows all layers, and a wheel that scrolls the page until the reader asks for the map. */
window.webmap = (() => {
  // Space between the layers and the sides of the map, in px.
  const MARGIN = 8;
  // Leaflet needs a highest zoom. Here, one pixel of the layers covers many screens.
  const HIGHEST = 24;
  // Size of the map on paper, in px: inside the margins of a sheet of A4 or Letter.
  const PAPER = { width: "680px", height: "520px" };
  // On a map that is less wide, in px, the list and the legend start closed.
  const NARROW = 520;

  /* Readers who ask their system for less motion get no moving map: Leaflet jumps. */
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false, inertia: false });
    const { run } = L.PosAnimation.prototype;
    L.PosAnimation.include({ run(pane, place) { run.call(this, pane, place, Number.MIN_VALUE); } });
  }

  const element = (tag, className, parent, text = "") => {
    const made = L.DomUtil.create(tag, className, parent);
    made.textContent = text;
    return made;
  };

  const LayerList = L.Control.Layers.extend({
    _addItem(item) {
      const row = L.Control.Layers.prototype._addItem.call(this, item);
      if (!item.layer.setOpacity) return row;
      const line = element("div", "webmap-opacity", row.parentElement, "Opacity");
      const slider = element("input", "", line), percentage = element("span", "", line);
      const value = 100 * item.layer.options.opacity;
      Object.assign(slider, { type: "range", min: 0, max: 100, step: 5, value });
      slider.setAttribute("aria-label", `Opacity of ${item.name}`);
      const show = () => {
        percentage.textContent = `${slider.value} %`;
        slider.setAttribute("aria-valuetext", percentage.textContent);
      };
      slider.addEventListener("input", () => { item.layer.setOpacity(slider.value / 100); show(); });
      show();
      return row;
    },
  });

  /** Layers to switch on and off; `layers` are [name, layer], lowest first. */
  function listLayers(map, layers) {
    const list = new LayerList(null, null, { collapsed: map.getSize().x < NARROW });
    // Leaflet takes a name for HTML.
    for (const [name, layer] of layers) list.addOverlay(layer, element("span", "", null, name).innerHTML);
    list.addTo(map);
    const box = list.getContainer();
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Layers");
    box.querySelector(".leaflet-control-layers-toggle").textContent = "Layers";
  }

  /** Take light or dark from JupyterLab's setting, which a frame does not inherit. */
  function followTheme() {
    let page;
    try {
      page = window.parent.document.body;
    } catch {
      return;  // The browser hides a page from another site.
    }
    const follow = () => {
      const light = page.dataset.jpThemeLight;
      if (light) document.documentElement.dataset.theme = light === "true" ? "light" : "dark";
    };
    new MutationObserver(follow).observe(page, { attributeFilter: ["data-jp-theme-light"] });
    follow();
  }

  /** The wheel zooms with Ctrl held or after a click on the map; else it scrolls the page. */
  function leaveWheel(map) {
    const container = map.getContainer();
    // Leaflet focuses the map too, but then the page jumps to show all of the map.
    container.addEventListener("mousedown", () => container.focus({ preventScroll: true }), { capture: true });
    const atEnd = (event) => (event.deltaY > 0
      ? map.getZoom() <= map.getMinZoom() : map.getZoom() >= map.getMaxZoom());
    container.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      const focused = document.hasFocus() && container.contains(document.activeElement);
      // Captured before Leaflet's own listener, which would stop the page.
      if (!focused || atEnd(event)) event.stopImmediatePropagation();
    }, { capture: true });
  }

  /** Show all layers: at first, after a change of size, and when the button is pressed. */
  function keepWhole(map, { bounds, finest, everywhere }) {
    let fitting = false, moved = false;
    map.on("movestart zoomstart", () => { moved ||= !fitting; });
    const limitZoom = () => {
      Object.assign(map.options, { minZoom: 0, maxZoom: HIGHEST });
      const whole = map.getBoundsZoom(bounds, false, L.point(2 * MARGIN, 2 * MARGIN));
      map.setMaxZoom(Math.min(HIGHEST, Math.max(finest, whole + 1)));
      if (!everywhere) map.setMinZoom(Math.max(0, whole - 1));
    };
    const fit = () => {
      fitting = true;
      const size = map.getSize();
      if (Math.min(size.x, size.y) > 2 * MARGIN) {
        limitZoom();
        map.fitBounds(bounds, { padding: [MARGIN, MARGIN], animate: false });
      }
      fitting = moved = false;
    };
    map.on("resize", () => { if (!moved) fit(); });
    fit();
    const resize = (size) => {
      Object.assign(map.getContainer().style, size);
      map.invalidateSize({ animate: false });
    };
    addEventListener("beforeprint", () => resize(PAPER));
    addEventListener("afterprint", () => resize({ width: "", height: "" }));
    const control = L.control({ position: "topleft" });
    control.onAdd = () => {
      const box = element("div", "leaflet-bar");
      const button = element("button", "webmap-whole", box, "Whole");
      Object.assign(button, { type: "button", title: "Show all layers" });
      button.addEventListener("click", fit);
      L.DomEvent.disableClickPropagation(box);
      return box;
    };
    control.addTo(map);
  }

  /** Add the kit's controls; `MapControls` in leaflet.py describes `view`. */
  function setUp(map, layers, view) {
    followTheme();
    leaveWheel(map);
    keepWhole(map, view);
    listLayers(map, layers);
    map.attributionControl.setPrefix("Zoom: Ctrl + wheel, or click first | Leaflet");
    L.control.scale({ imperial: false }).addTo(map);
    const legend = document.querySelector(".webmap-legend");
    if (legend) legend.open = map.getSize().x >= NARROW;
    const container = map.getContainer();
    container.setAttribute("role", "application");
    container.setAttribute("aria-label", view.description);
  }

  return { setUp };
})();
