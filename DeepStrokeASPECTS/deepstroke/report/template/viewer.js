"use strict";
// The interactive viewer. NiiVue draws; this file feeds it the page's own bytes and tells what lies where.
// Where WebGL2 is missing or fails, the static pictures stay, and the page says so.
(() => {
  const { facts } = globalThis.deepstroke;
  const { open, labelAt, huAround, mirrorOf, mirroredScan, placesOfLabels } = globalThis.deepstroke.scan;
  const { drawRegions } = globalThis.deepstroke.outlines;
  const view = facts.view;
  const box = document.getElementById("interactive");
  const panes = document.getElementById("panes");
  const slider = document.getElementById("viewer-slider");
  const AXES = { axial: 2, coronal: 1, sagittal: 0 };
  const CONTEXT = { alpha: true, antialias: false };
  const state = { plane: "axial", at: view.shape.map((size) => Math.floor(size / 2)), level: 40, width: 40, fill: 0.1, lines: 1, mirror: false };
  const shown = [];
  let scan, places;

  function fallBack(why) {
    box.hidden = true;
    const note = document.getElementById("no-viewer");
    note.textContent = `${why} The static pictures below are shown instead of the interactive viewer.`;
    note.hidden = false;
    document.documentElement.dataset.viewer = "static";
  }

  // One pane: a canvas with a scan. NiiVue's own keys, wheel and touch are off; ours are below.
  async function openPane(canvas, scan) {
    const nv = new globalThis.niivue.Niivue({
      isRadiologicalConvention: true, sliceType: 0, interactive: false, isAntiAlias: false, crosshairWidth: 0,
      show3Dcrosshair: false, backColor: [0, 0, 0, 1], loadingText: "", logLevel: "error", dragAndDropEnabled: false,
      isOrientationTextVisible: false,
    });
    await nv.attachToCanvas(canvas, false);
    const make = globalThis.niivue.NVImage.new;
    const low = state.level - state.width / 2;
    const ct = await make(scan, "ct.nii", "gray", 1, null, low, low + state.width);
    nv.addVolume(ct);
    const pane = canvas.parentElement;
    shown.push({ nv, ct, canvas, cross: pane.querySelector(".cross"), overlay: pane.querySelector(".regions-drawn") });
    return nv;
  }

  // Lays the regions just where NiiVue draws the slice.
  function drawOverlay({ nv, canvas, overlay }) {
    drawRegions(overlay, state.plane, state.at[AXES[state.plane]], state.fill, state.lines);
    const [left, top, width, height] = nv.screenSlices[0].leftTopWidthHeight;
    const share = (value, of) => `${(100 * value) / of}%`;
    Object.assign(overlay.style, {
      left: share(left, canvas.width), top: share(top, canvas.height),
      width: share(width, canvas.width), height: share(height, canvas.height),
    });
  }

  function draw() {
    const axis = AXES[state.plane];
    const place = state.at.map((value, n) => (value + 0.5) / view.shape[n]);
    for (const pane of shown) {
      const { nv, canvas, cross } = pane;
      nv.scene.crosshairPos = place;
      nv.drawScene();
      drawOverlay(pane);
      const where = nv.frac2canvasPos(place);
      cross.hidden = !where;
      if (where) Object.assign(cross.style, { left: `${(100 * where[0]) / canvas.width}%`, top: `${(100 * where[1]) / canvas.height}%` });
    }
    slider.max = view.shape[axis] - 1;
    slider.value = state.at[axis];
    const words = state.plane === "axial" ? axialWords(state.at[2]) : `${state.plane} slice ${state.at[axis] + 1} of ${view.shape[axis]}`;
    document.getElementById("viewer-where").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    for (const canvas of panes.querySelectorAll("canvas")) canvas.setAttribute("aria-label", `Scan, ${words}`);
  }

  function axialWords(k) {
    const many = view.slices_in_one;
    const level = Object.entries(view.levels).filter(([, at]) => at === k).map(([name]) => `, ${name} level`).join("");
    const grid = many === 1 ? `Slice ${k + 1}` : `Slices ${k * many + 1} to ${k * many + many}`;
    return `${grid} of ${view.grid_slices}${level}`;
  }

  function goTo(at) {
    state.at = at.map((value, axis) => Math.min(Math.max(value, 0), view.shape[axis] - 1));
    draw();
  }

  function step(by) {
    const at = [...state.at];
    at[AXES[state.plane]] += by;
    goTo(at);
  }

  const fixed = (value, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−"));

  // Says what lies under the crosshair: region, side, judgement, density here and at the mirrored place, and why.
  function tell() {
    const label = facts.labels[labelAt(state.at) - 1];
    for (const marked of document.querySelectorAll(".pointed")) marked.classList.remove("pointed");
    const panel = document.getElementById("told");
    const mirrored = mirrorOf(state.at);
    const lines = [`${fixed(huAround(state.at))} HU here${mirrored ? `, ${fixed(huAround(mirrored))} HU at the mirrored place` : ""} (5 × 5 pixels)`];
    let name = "No region here";
    if (label) {
      name = `${label.side === "left" ? "Left" : "Right"} ${label.region}`;
      document.querySelector(`#judgement tr[data-region="${label.region}"]`)?.classList.add("pointed");
      lines.unshift(label.name);
      lines.push(...regionLines(label));
    }
    panel.querySelector("b").textContent = name;
    panel.querySelector("ul").replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  function regionLines({ region, side }) {
    const of = (wanted) => facts.regions.find((entry) => entry.region === region && entry.side === wanted);
    const other = side === "left" ? "right" : "left";
    const here = of(side), there = of(other);
    if (!here) return [];
    const chance = here.probability === null ? "" : `, probability ${fixed(here.probability, 2)}`;
    return [
      `${globalThis.deepstroke.say(globalThis.deepstroke.statusOf(side, region))}${chance}`,
      `median ${fixed(here.median_hu)} HU, ${other} ${fixed(there?.median_hu)} HU`,
      ...here.obstacles, ...here.reasons,
    ];
  }

  function setWindow(level, width) {
    state.level = level;
    state.width = Math.max(width, 1);
    for (const { nv, ct } of shown) {
      ct.cal_min = level - state.width / 2;
      ct.cal_max = level + state.width / 2;
      nv.updateGLVolume();
    }
    document.getElementById("level").value = level;
    document.getElementById("width").value = state.width;
    for (const button of document.querySelectorAll("[data-window]")) {
      const preset = facts.windows[Number(button.dataset.window)];
      button.setAttribute("aria-pressed", String(preset.level === level && preset.width === state.width));
    }
    draw();
  }

  function setPlane(plane) {
    state.plane = plane;
    panes.dataset.plane = plane;
    for (const { nv } of shown) nv.setSliceType({ axial: 0, coronal: 1, sagittal: 2 }[plane]);
    draw();
  }

  async function setMirror(on) {
    panes.classList.toggle("two", on);
    const canvas = document.getElementById("mirror-canvas");
    canvas.parentElement.hidden = !on;
    if (on && shown.length < 2) {
      const nv = await openPane(canvas, mirroredScan(scan));
      bind(canvas, nv);
      nv.setSliceType({ axial: 0, coronal: 1, sagittal: 2 }[state.plane]);
    }
    panes.dataset.mirror = on ? "on" : "off";
    draw();
  }

  function bind(canvas, nv) {
    const point = (event) => {
      const area = canvas.getBoundingClientRect();
      const scale = canvas.width / area.width;
      const where = nv.canvasPos2frac([(event.clientX - area.left) * scale, (event.clientY - area.top) * scale]);
      if (where[0] < 0) return;
      goTo([0, 1, 2].map((axis) => Math.floor(where[axis] * view.shape[axis])));
      tell();
    };
    canvas.addEventListener("pointerdown", (event) => { if (event.button === 0) point(event); });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons === 1 && event.pointerType === "mouse") point(event); });
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas) return;
      event.preventDefault();
      step(event.deltaY < 0 ? 1 : -1);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5 }[event.key];
      if (!by) return;
      event.preventDefault();
      step(by);
    });
    canvas.addEventListener("webglcontextlost", () => fallBack("The graphics processor stopped."));
  }

  function bindControls() {
    // NiiVue redraws on a new size; the cross follows once it has.
    new ResizeObserver(() => setTimeout(draw, 50)).observe(panes);
    slider.addEventListener("input", () => step(Number(slider.value) - state.at[AXES[state.plane]]));
    document.getElementById("plane").addEventListener("change", (event) => setPlane(event.target.value));
    for (const button of document.querySelectorAll("[data-window]")) {
      const { level, width } = facts.windows[Number(button.dataset.window)];
      button.addEventListener("click", () => setWindow(level, width));
    }
    for (const id of ["level", "width"]) {
      document.getElementById(id).addEventListener("change", () => {
        setWindow(Number(document.getElementById("level").value), Number(document.getElementById("width").value));
      });
    }
    document.getElementById("fill").addEventListener("input", (event) => {
      state.fill = Number(event.target.value) / 100;
      for (const pane of shown) drawOverlay(pane);
    });
    document.getElementById("viewer-outlines").addEventListener("change", (event) => {
      state.lines = event.target.checked ? 1 : 0;
      for (const pane of shown) drawOverlay(pane);
    });
    const mirror = document.getElementById("mirror");
    mirror.disabled = !view.ijk_to_mirror || view.shape[2] < 2;
    mirror.addEventListener("change", () => setMirror(mirror.checked));
    for (const button of document.querySelectorAll("[data-level]")) button.addEventListener("click", () => toLevel(button.dataset.level));
    for (const button of document.querySelectorAll("button[data-slice]")) {
      button.addEventListener("click", () => { setAxial(Math.floor((Number(button.dataset.slice) - 1) / view.slices_in_one)); });
    }
    for (const button of document.querySelectorAll("button[data-show]")) {
      button.disabled = false;
      button.addEventListener("click", () => showRegion(button.dataset.show));
    }
    document.addEventListener("judged", tell);
  }

  function setAxial(k) {
    document.getElementById("plane").value = "axial";
    setPlane("axial");
    goTo([state.at[0], state.at[1], k]);
  }

  function toLevel(name) {
    setAxial(view.levels[name]);
    tell();
  }

  // The affected or darker side of a region first; the other side at the next click.
  function showRegion(region) {
    const candidates = facts.labels.map((label, index) => ({ label, at: places[index] })).filter(({ label, at }) => label.region === region && at);
    if (!candidates.length) return;
    const next = candidates.find(({ at }) => labelAt(at) !== labelAt(state.at)) ?? candidates[0];
    setAxial(next.at[2]);
    goTo(next.at);
    tell();
    box.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  async function start() {
    // NiiVue then takes the same context; asking for one twice would cost half a second.
    const canvas = document.getElementById("viewer-canvas");
    if (!canvas.getContext("webgl2", CONTEXT)) return fallBack("This browser offers no WebGL2.");
    if (!("DecompressionStream" in globalThis)) return fallBack("This browser is too old for the interactive viewer.");
    try {
      scan = await open();
      places = placesOfLabels();
      box.hidden = false;
      bind(canvas, await openPane(canvas, scan));
      bindControls();
      state.at[2] = view.levels.ganglionic ?? state.at[2];
      setPlane("axial");
      tell();
    } catch (error) {
      return fallBack(`The interactive viewer failed (${error.message}).`);
    }
    document.documentElement.dataset.viewer = "ready";
    document.documentElement.dataset.readyMs = String(Math.round(performance.now()));
    return undefined;
  }

  globalThis.deepstroke.viewer = { state };
  start();
})();
