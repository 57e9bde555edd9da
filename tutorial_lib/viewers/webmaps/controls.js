/* What the map has beyond Leaflet: shapes with classes, a slider of opacity for each
   raster, a swipe line between two, a legend, a button that shows all, and a wheel that
   leaves the page its own. */
window.webmap = (() => {
  // Between the layers and the sides of the map, px.
  const MARGIN = 8;
  // Leaflet needs an end; a pixel of the layers is many screens wide there.
  const HIGHEST = 24;

  const element = (tag, className, parent, text = "") => {
    const made = L.DomUtil.create(tag, className, parent);
    made.textContent = text;
    return made;
  };

  /** Polygons, lines and points; `classes` gives [name, colour] by class number. */
  function shapes(data, classes, colour) {
    const style = ({ properties }) => {
      const own = classes[properties.class]?.[1] ?? colour;
      return { color: own, weight: 2.5, fillColor: own, fillOpacity: 0.35 };
    };
    const dot = { radius: 5, color: "#fff", weight: 1.5, fillOpacity: 1 };
    const group = L.geoJSON(data, {
      style: (feature) => /Point/.test(feature.geometry.type) ? { ...style(feature), ...dot } : style(feature),
      pointToLayer: (feature, place) => L.circleMarker(place),
    });
    group.bindTooltip((layer) => {
      const name = classes[layer.feature.properties.class]?.[0];
      return element("span", "", null, name ?? group.webmapTitle ?? "");
    }, { sticky: true });
    return group;
  }

  const Panel = L.Control.Layers.extend({
    _addItem(item) {
      const row = L.Control.Layers.prototype._addItem.call(this, item);
      if (!item.layer.setOpacity) return row;
      const line = element("div", "webmap-opacity", row.parentElement, "Opacity");
      const slider = element("input", "", line), share = element("span", "", line);
      Object.assign(slider, { type: "range", min: 0, max: 100, step: 5, value: 100 * item.layer.options.opacity });
      slider.setAttribute("aria-label", `Opacity of ${item.name}`);
      const show = () => {
        share.textContent = `${slider.value} %`;
        slider.setAttribute("aria-valuetext", share.textContent);
      };
      slider.addEventListener("input", () => { item.layer.setOpacity(slider.value / 100); show(); });
      show();
      return row;
    },
  });

  /** Layers on and off; `layers` are [name, layer], lowest first. */
  function panel(map, layers) {
    const control = new Panel(null, null, { collapsed: map.getSize().x < 520 });
    for (const [name, layer] of layers) {
      layer.webmapTitle = name;
      // The control shows names as HTML.
      control.addOverlay(layer, element("span", "", null, name).innerHTML);
    }
    control.addTo(map);
    control.getContainer().setAttribute("role", "group");
    control.getContainer().setAttribute("aria-label", "Layers");
    control.getContainer().querySelector(".leaflet-control-layers-toggle").textContent = "Layers";
  }

  /** Left of a line one raster, right of it the other. */
  function swipe(map, left, right, names) {
    const line = element("div", "webmap-swipe", map.getContainer());
    const tags = names.map((name, i) => element("span", `webmap-side webmap-side-${"lr"[i]}`, line, name));
    L.DomEvent.disableClickPropagation(line);
    line.tabIndex = 0;
    for (const [name, value] of Object.entries({
      role: "slider", "aria-label": `Swipe line: ${names[0]} left, ${names[1]} right`,
      "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal",
    })) line.setAttribute(name, value);
    let share = 0.5;

    function cut() {
      const size = map.getSize(), x = share * size.x;
      line.style.left = `${x}px`;
      line.setAttribute("aria-valuenow", Math.round(100 * share));
      tags[0].style.maxWidth = `${Math.max(0, x - 24)}px`;
      tags[1].style.maxWidth = `${Math.max(0, size.x - x - 24)}px`;
      for (const [overlay, isLeft] of [[left, true], [right, false]]) {
        const image = overlay.getElement();
        if (!image || !overlay._map) continue;
        const inside = map.containerPointToLayerPoint([x, 0]).x - L.DomUtil.getPosition(image).x;
        const width = image.offsetWidth;
        image.style.clipPath = isLeft ? `inset(0 ${width - inside}px 0 0)` : `inset(0 0 0 ${inside}px)`;
      }
    }
    const move = (next) => { share = Math.min(1, Math.max(0, next)); cut(); };

    line.addEventListener("pointerdown", (event) => {
      line.setPointerCapture(event.pointerId);
      line.focus();
      event.preventDefault();
    });
    line.addEventListener("pointermove", (event) => {
      if (!line.hasPointerCapture(event.pointerId)) return;
      const box = map.getContainer().getBoundingClientRect();
      move((event.clientX - box.left) / box.width);
    });
    const steps = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 };
    line.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      event.stopPropagation();
      move(share + steps[event.key] * (event.shiftKey ? 5 : 1));
    });
    map.on("move zoomend viewreset resize layeradd", cut);
    cut();
  }

  /** Classes and scales: [{title, classes: [[name, colour]]} or {title, colours, ends}]. */
  function legend(map, groups) {
    const control = L.control({ position: "bottomleft" });
    control.onAdd = () => {
      const box = element("details", "webmap-legend leaflet-bar");
      box.open = map.getSize().x >= 520;
      element("summary", "", box, "Legend");
      const list = element("div", "webmap-groups", box);
      for (const { title, classes, colours, ends } of groups) {
        const group = element("div", "", list);
        if (title) element("div", "webmap-title", group, title);
        for (const [name, colour] of classes ?? []) {
          const row = element("div", "webmap-class", group);
          element("i", "", row).style.background = colour;
          element("span", "", row, name);
        }
        if (!colours) continue;
        element("i", "webmap-ramp", group).style.background = `linear-gradient(to right, ${colours})`;
        const scale = element("div", "webmap-ends", group);
        for (const end of ends) element("span", "", scale, end);
      }
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    };
    control.addTo(map);
  }

  /** JupyterLab has a choice of light or dark of its own, which frames do not see. */
  function followTheme() {
    let page;
    try {
      page = window.parent.document.body;
    } catch {
      return;  // A page from elsewhere keeps its choice to itself.
    }
    const follow = () => {
      const light = page.dataset.jpThemeLight;
      if (light) document.documentElement.dataset.theme = light === "true" ? "light" : "dark";
    };
    new MutationObserver(follow).observe(page, { attributeFilter: ["data-jp-theme-light"] });
    follow();
  }

  /** The wheel scrolls the page, unless it is held by Ctrl or who clicked the map. */
  function leaveWheel(map) {
    const container = map.getContainer();
    // Leaflet would focus it, too, and the page would jump to show all of the map.
    container.addEventListener("mousedown", () => container.focus({ preventScroll: true }), { capture: true });
    const atEnd = (event) => (event.deltaY > 0
      ? map.getZoom() <= map.getMinZoom() : map.getZoom() >= map.getMaxZoom());
    container.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      const own = document.hasFocus() && container.contains(document.activeElement);
      // Before Leaflet's own listener, which would keep the page where it is.
      if (!own || atEnd(event)) event.stopImmediatePropagation();
    }, { capture: true });
  }

  /** All layers in view: at first, after a change of size, and whenever one asks. */
  function keepWhole(map, { bounds, finest, everywhere }) {
    let ours = false, moved = false;
    map.on("movestart zoomstart", () => { moved ||= !ours; });
    const limit = () => {
      Object.assign(map.options, { minZoom: 0, maxZoom: HIGHEST });
      const whole = map.getBoundsZoom(bounds, false, L.point(2 * MARGIN, 2 * MARGIN));
      map.setMaxZoom(Math.min(HIGHEST, Math.max(finest, whole + 1)));
      if (!everywhere) map.setMinZoom(Math.max(0, whole - 1));
    };
    const fit = () => {
      ours = true;
      const size = map.getSize();
      if (Math.min(size.x, size.y) > 2 * MARGIN) {
        limit();
        map.fitBounds(bounds, { padding: [MARGIN, MARGIN], animate: false });
      }
      ours = moved = false;
    };
    map.on("resize", () => { if (!moved) fit(); });
    fit();
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

  /** What every map has. `view`: {bounds, finest: highest zoom, everywhere: may zoom out}. */
  function dress(map, description, view) {
    followTheme();
    leaveWheel(map);
    keepWhole(map, view);
    map.attributionControl.setPrefix("Zoom: Ctrl + wheel, or click first | Leaflet");
    L.control.scale({ imperial: false }).addTo(map);
    const container = map.getContainer();
    container.setAttribute("role", "application");
    container.setAttribute("aria-label", description);
  }

  return { shapes, panel, swipe, legend, dress };
})();
