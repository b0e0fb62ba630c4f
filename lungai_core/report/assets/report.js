"use strict";
// The viewer of a lungai report. No network, no storage: it reads the pictures that the page holds. The 3D view is drawn by
// vtk.js (vtk/volume_view.js) where the browser has WebGL 2, and from pictures rendered beforehand where it has not.
(() => {
  const root = document.documentElement;
  root.classList.remove("no-js");
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const N = data.voxels, COLUMNS = data.columns, LOWER = data.lower_hu, STEP_HU = (data.upper_hu - data.lower_hu) / 255;
  const WINDOWS = { lung: [-600, 1500], soft: [40, 400], wide: [-300, 1800] };
  const HALF = (N - 1) / 2, FRAMES = data.turn_frames, SHEET_ROWS = Math.ceil(N / COLUMNS) * N;
  const state = { nodule: 0, window: "lung", mask: true, heat: false, at: [0, 0, 0], turn: false, azimuth: 0.6, tilt: 0.25 };
  const volumes = new Map();
  const $ = (selector, scope = document) => scope.querySelector(selector);
  const $$ = (selector, scope = document) => [...scope.querySelectorAll(selector)];

  // ---------------------------------------------------------------------------------------------------- language
  const text = (en, zh) => (root.dataset.lang === "zh" ? zh : en);
  function setLanguage(language) {
    root.dataset.lang = language;
    root.lang = language === "zh" ? "zh-CN" : "en";
    $("#language").textContent = language === "zh" ? "English" : "中文";
    document.title = text(data.title_en, data.title_zh);
    for (const element of $$("[data-label-en]")) element.setAttribute(element.tagName === "IMG" ? "alt" : "aria-label", text(element.dataset.labelEn, element.dataset.labelZh));
  }

  // ----------------------------------------------------------------------------------------------------- volumes
  function load(index) {
    if (volumes.has(index)) return volumes.get(index);
    const image = $(`#nodule-${index} img.sprite`);
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const ct = new Uint8Array(N ** 3), heat = new Uint8Array(N ** 3), mask = new Uint8Array(N ** 3);
    // Four sheets stand one below the other: CT, heat, mask and the turntable's frames.
    const sheet = SHEET_ROWS * canvas.width * 4;
    const tile = (n, y) => ((Math.floor(n / COLUMNS) * N + y) * canvas.width + (n % COLUMNS) * N) * 4;
    for (let z = 0, i = 0; z < N; z++) for (let y = 0; y < N; y++) {
      let p = tile(z, y);
      for (let x = 0; x < N; x++, i++, p += 4) { ct[i] = rgba[p]; heat[i] = rgba[p + sheet]; mask[i] = rgba[p + 2 * sheet] > 127 ? 1 : 0; }
    }
    const turn = new Uint8Array(FRAMES * N * N);
    for (let frame = 0, i = 0; frame < FRAMES; frame++) for (let y = 0; y < N; y++) {
      let p = 3 * sheet + tile(frame, y);
      for (let x = 0; x < N; x++, i++, p += 4) turn[i] = rgba[p];
    }
    const volume = { ct, heat, mask, turn };
    volumes.set(index, volume);
    return volume;
  }

  // ------------------------------------------------------------------------------------------------------ slices
  // Radiological layout: patient's left on the right; coronal and sagittal with the head up.
  const PLANES = {
    axial: { axis: 0, at: (s, r, c) => [s, r, c], marks: ["A", "L", "P", "R"] },
    coronal: { axis: 1, at: (s, r, c) => [N - 1 - r, s, c], marks: ["S", "L", "I", "R"] },
    sagittal: { axis: 2, at: (s, r, c) => [N - 1 - r, c, s], marks: ["S", "P", "I", "A"] },
  };
  const index = ([z, y, x]) => (z * N + y) * N + x;
  const rowOf = { axial: (p) => p[1], coronal: (p) => N - 1 - p[0], sagittal: (p) => N - 1 - p[0] };
  const columnOf = { axial: (p) => p[2], coronal: (p) => p[2], sagittal: (p) => p[1] };
  const grey = (value, [center, width]) => Math.max(0, Math.min(255, ((LOWER + value * STEP_HU - center) / width + 0.5) * 255));
  const hot = (t) => [Math.min(255, t * 2.4 * 255), Math.max(0, Math.min(255, (t - 0.35) * 2.2 * 255)), Math.max(0, (t - 0.8) * 5 * 255)];
  const small = document.createElement("canvas");
  small.width = N; small.height = N;
  const layer = document.createElement("canvas");
  layer.width = N; layer.height = N;

  function drawPlane(canvas, volume, name) {
    const plane = PLANES[name], slice = state.at[plane.axis], context = canvas.getContext("2d");
    const size = canvas.width, k = size / N;
    const base = new ImageData(N, N), warm = new ImageData(N, N), inside = new Uint8Array(N * N);
    const shades = new Uint8ClampedArray(256);
    for (let v = 0; v < 256; v++) shades[v] = grey(v, WINDOWS[state.window]);
    for (let r = 0, p = 0; r < N; r++) for (let c = 0; c < N; c++, p++) {
      const i = index(plane.at(slice, r, c)), g = shades[volume.ct[i]], t = volume.heat[i] / 255, h = hot(t);
      base.data.set([g, g, g, 255], p * 4);
      warm.data.set([h[0], h[1], h[2], Math.min(0.62, t * 0.9) * 255], p * 4);
      inside[p] = volume.mask[i];
    }
    small.getContext("2d").putImageData(base, 0, 0);
    context.imageSmoothingEnabled = true; context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, size, size);
    if (state.heat) { layer.getContext("2d").putImageData(warm, 0, 0); context.drawImage(layer, 0, 0, size, size); }
    if (state.mask) outline(context, inside, k);
    crosshair(context, name, size, k);
    marks(context, plane.marks, size, k);
    const [level, width] = WINDOWS[state.window];
    context.textAlign = "left";
    write(context, `W ${width} L ${String(level).replace("-", "\u2212")}`, size / 52, size * 0.09, size / 32);
  }

  function outline(context, inside, k) {
    // Beyond the crop nothing is known, so its border is not drawn as the nodule's.
    const on = (r, c) => r < 0 || c < 0 || r >= N || c >= N || inside[r * N + c];
    context.beginPath();
    for (let r = 0; r < N; r++) for (let c = 0; c < N; c++) {
      if (!inside[r * N + c]) continue;
      if (!on(r - 1, c)) { context.moveTo(c * k, r * k); context.lineTo((c + 1) * k, r * k); }
      if (!on(r + 1, c)) { context.moveTo(c * k, (r + 1) * k); context.lineTo((c + 1) * k, (r + 1) * k); }
      if (!on(r, c - 1)) { context.moveTo(c * k, r * k); context.lineTo(c * k, (r + 1) * k); }
      if (!on(r, c + 1)) { context.moveTo((c + 1) * k, r * k); context.lineTo((c + 1) * k, (r + 1) * k); }
    }
    context.strokeStyle = "#29e0ff"; context.lineWidth = Math.max(1.5, k * 0.28); context.lineCap = "round"; context.stroke();
  }

  function crosshair(context, name, size, k) {
    const x = (columnOf[name](state.at) + 0.5) * k, y = (rowOf[name](state.at) + 0.5) * k, gap = 9 * k;
    context.strokeStyle = "rgb(255 214 90 / 70%)"; context.lineWidth = 1;
    context.beginPath();
    for (const [a, b, c, d] of [[0, y, x - gap, y], [x + gap, y, size, y], [x, 0, x, y - gap], [x, y + gap, x, size]]) { context.moveTo(a, b); context.lineTo(c, d); }
    context.stroke();
  }

  // Light letters with a dark rim can be read on lung and on bone.
  function write(context, words, x, y, pixels, colour = "#cfe3f5") {
    context.font = `600 ${Math.round(pixels)}px system-ui, sans-serif`; context.textBaseline = "middle";
    context.lineJoin = "round"; context.lineWidth = Math.max(2, pixels / 5); context.strokeStyle = "rgb(0 0 0 / 75%)"; context.strokeText(words, x, y);
    context.fillStyle = colour; context.fillText(words, x, y);
  }

  function marks(context, [top, right, bottom, left], size, k) {
    const font = size / 26, bar = (10 / data.step_mm) * k, x = size - font - bar, y = size - font * 2.6;
    context.textAlign = "center"; write(context, top, size / 2, font, font); write(context, bottom, size / 2, size - font * 2.4, font);
    context.textAlign = "left"; write(context, left, font * 0.5, size / 2, font);
    context.textAlign = "right"; write(context, right, size - font * 0.5, size / 2, font);
    for (const [colour, pixels] of [["rgb(0 0 0 / 75%)", 4], ["#cfe3f5", 2]]) {
      context.strokeStyle = colour; context.lineWidth = pixels;
      context.beginPath(); context.moveTo(x, y - 4); context.lineTo(x, y); context.lineTo(x + bar, y); context.lineTo(x + bar, y - 4); context.stroke();
    }
    context.textAlign = "center"; write(context, "10 mm", x + bar / 2, y - font * 0.8, font * 0.8);
  }

  // --------------------------------------------------------------------------------------------------------- 3D
  const BACKGROUND = [9, 13, 18], RADIUS = HALF - 1, SPAN = 1.5 * RADIUS;
  const TISSUE = Array.from({ length: 256 }, (_, v) => {
    const hu = LOWER + v * STEP_HU;
    const alpha = hu < -600 ? 0 : hu < -100 ? 0.16 * (hu + 600) / 500 : hu < 150 ? 0.16 + 0.12 * (hu + 100) / 250 : 0.5;
    return [...(hu < -100 ? [206, 128, 116] : hu < 150 ? [222, 160, 142] : [244, 236, 216]), alpha];
  });
  // CT, mask and heat as one volume of colours and opacities, so that heat cannot shine through the chest wall. Far from the
  // nodule the volume fades, so that the chest wall does not hide it; with heat the mask is a veil around it.
  function fuse({ ct, heat, mask }) {
    const rgba = new Uint8Array(4 * N ** 3);
    for (let z = 0, i = 0; z < N; z++) for (let y = 0; y < N; y++) for (let x = 0; x < N; x++, i++) {
      let [r, g, b, alpha] = TISSUE[ct[i]];
      const distance = Math.hypot(x - HALF, y - HALF, z - HALF) / RADIUS, marked = state.mask && mask[i];
      alpha *= distance > 1 ? 0 : marked ? (state.heat ? 0.08 : 3) : Math.max(0.1, 1.1 - distance);
      if (marked) [r, g, b] = [60, 205, 235];
      if (state.heat && heat[i] > 40) {
        const w = Math.min(0.85, heat[i] / 230), h = hot(heat[i] / 255);
        r += (h[0] - r) * w; g += (h[1] - g) * w; b += (h[2] - b) * w; alpha = marked ? Math.max(alpha, 0.5 * w * w) : alpha * (1 + w);
      }
      rgba.set([r, g, b, 255 * Math.min(1, alpha)], 4 * i);
    }
    return rgba;
  }

  // The view: looking from the front (anterior) at azimuth 0; right on the screen is then the patient's left.
  function axes() {
    const ca = Math.cos(state.azimuth), sa = Math.sin(state.azimuth), tilt = webgl ? state.tilt : 0, ct = Math.cos(tilt), st = Math.sin(tilt);
    return { right: [ca, sa, 0], forward: [-sa * ct, ca * ct, -st], up: [-sa * st, ca * st, ct] };
  }

  // A slow machine gets a smaller picture, not a slower turn: the side follows from how long a sample took at the last drawing.
  const FINAL = { sampling: 0.6, budget_ms: 500, least: 160 }, COARSE = { sampling: 1.4, budget_ms: 60, least: 96 };
  let webgl = null, fused = "", sample_ms = 60 / (160 ** 2 / COARSE.sampling);
  function openWebgl() {
    if (!data.nodules.length) return;
    webgl = lungaiVolumeView.open({ voxels: N, step_mm: data.step_mm, background: BACKGROUND.map((v) => v / 255) });
    webgl?.onLost(() => { webgl = null; root.dataset.renderer = "turntable"; redraw(); });
  }

  function drawVolume(canvas, volume, coarse) {
    const context = canvas.getContext("2d"), size = canvas.width;
    context.imageSmoothingEnabled = true; context.imageSmoothingQuality = "high";
    context.fillStyle = `rgb(${BACKGROUND})`; context.fillRect(0, 0, size, size);
    if (webgl) {
      const wanted = `${state.nodule} ${state.mask} ${state.heat}`, { forward, up } = axes(), { sampling, budget_ms, least } = coarse ? COARSE : FINAL;
      if (fused !== wanted) { webgl.setVolume(fuse(volume)); fused = wanted; }
      const side = Math.round(Math.max(least, Math.min(size, Math.sqrt((budget_ms / sample_ms) * sampling))));
      const started = performance.now();
      context.drawImage(webgl.draw({ side, forward, up, height_mm: SPAN * data.step_mm, sampling }), 0, 0, size, size);
      sample_ms = Math.max(0.01, performance.now() - started) / (side ** 2 / sampling);
      canvas.dataset.side = String(side);
    } else {
      drawFrame(context, volume.turn, size);
    }
    compass(context, size);
    canvas.dataset.azimuth = state.azimuth.toFixed(4);
  }

  function drawFrame(context, turn, size) {
    const frame = ((Math.round((state.azimuth / (2 * Math.PI)) * FRAMES) % FRAMES) + FRAMES) % FRAMES;
    const picture = new ImageData(N, N);
    for (let p = 0, i = frame * N * N; p < N * N; p++, i++) {
      // Five bits of brightness, one of the mask, two of heat: the same bytes as in turntable.py.
      const value = turn[i], g = ((value >> 3) * 255) / 31;
      let rgb = [g, g, g];
      if (state.mask && value & 4) rgb = mix(rgb, [41, 224, 255], 0.5, g);
      if (state.heat && value & 3) rgb = mix(rgb, hot(((value & 3) + 0.5) / 4), 0.22 * (value & 3), g);
      picture.data.set([...rgb.map((v, c) => Math.max(v, BACKGROUND[c])), 255], 4 * p);
    }
    small.getContext("2d").putImageData(picture, 0, 0);
    // The same scale as the WebGL view: its picture spans SPAN voxels.
    const side = (size * N) / SPAN;
    context.drawImage(small, (size - side) / 2, (size - side) / 2, side, side);
  }
  const mix = (base, colour, share, g) => base.map((v, c) => v * (1 - share) + colour[c] * share * (0.35 + (0.65 * g) / 255));

  // The patient's directions, so that a turned view cannot be read with left and right swapped.
  function compass(context, size) {
    const { right, forward, up } = axes(), dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2], radius = size * 0.44;
    context.textAlign = "center";
    for (const [letter, direction] of [["L", [1, 0, 0]], ["R", [-1, 0, 0]], ["P", [0, 1, 0]], ["A", [0, -1, 0]], ["S", [0, 0, 1]], ["I", [0, 0, -1]]]) {
      const u = dot(direction, right), v = dot(direction, up), behind = dot(direction, forward) > 0.5;
      if (Math.hypot(u, v) > 0.35) write(context, letter, size / 2 + u * radius, size / 2 - v * radius, size / 26, behind ? "#7f93a5" : "#cfe3f5");
    }
  }

  // -------------------------------------------------------------------------------------------------------- draw
  let ready = false, pending = 0, settle = 0;
  const panel = () => $(`#nodule-${state.nodule}`);
  function draw({ coarse = false, turning = false } = {}) {
    if (!ready || !data.nodules.length) return;
    const volume = load(state.nodule);
    for (const canvas of $$("canvas[data-plane]", panel())) {
      if (canvas.dataset.plane === "volume") drawVolume(canvas, volume, coarse);
      else if (!turning) drawPlane(canvas, volume, canvas.dataset.plane);
    }
    for (const slider of $$("input[data-plane]", panel())) slider.value = state.at[PLANES[slider.dataset.plane].axis];
    const hu = LOWER + volume.ct[index(state.at)] * STEP_HU;
    const readout = $(".readout", panel());
    if (readout) readout.textContent = `${hu.toFixed(0)} HU`;
    root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1);
  }
  function redraw(options) {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => draw(options));
    clearTimeout(settle);
    if (options && options.coarse && !state.turn) settle = setTimeout(() => draw(), 160);
  }

  function select(i, paint = redraw) {
    if (!data.nodules.length) return;
    state.nodule = (i + data.nodules.length) % data.nodules.length;
    state.at = [N / 2, N / 2, N / 2];
    $$(".nodule").forEach((section) => { section.hidden = section.id !== `nodule-${state.nodule}`; });
    for (const row of $$("tbody tr[data-nodule]")) {
      const current = Number(row.dataset.nodule) === state.nodule;
      row.classList.toggle("current", current);
      $("button.pick", row).setAttribute("aria-pressed", String(current));
    }
    paint();
  }
  const clamp = (value) => Math.max(0, Math.min(N - 1, Math.round(value)));
  function move(axis, by) { state.at[axis] = clamp(state.at[axis] + by); redraw({ coarse: state.turn }); }

  function toggle(name, value) {
    state[name] = value === undefined ? !state[name] : value;
    $$(`button[data-toggle="${name}"]`).forEach((b) => b.setAttribute("aria-pressed", String(state[name])));
    root.dataset.heat = String(state.heat);
    if (name === "turn" && state.turn) spin();
    redraw();
  }
  function setWindow(name) {
    state.window = name;
    $$("button[data-window]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.window === name)));
    redraw();
  }
  function spin() {
    if (!state.turn) return;
    state.azimuth = (state.azimuth + 0.07) % (2 * Math.PI);
    draw({ coarse: true, turning: true });
    requestAnimationFrame(spin);
  }

  // ------------------------------------------------------------------------------------------------------ events
  function pointer(canvas) {
    const name = canvas.dataset.plane;
    let last = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      const c = clamp(((event.clientX - box.left) / box.width) * N - 0.5), r = clamp(((event.clientY - box.top) / box.height) * N - 0.5);
      state.at = PLANES[name].at(state.at[PLANES[name].axis], r, c);
      redraw();
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = [event.clientX, event.clientY];
      if (name !== "volume") place(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      if (name !== "volume") { place(event); return; }
      state.azimuth += (event.clientX - last[0]) * 0.012;
      state.tilt = Math.max(-1.5, Math.min(1.5, state.tilt + (event.clientY - last[1]) * 0.012));
      last = [event.clientX, event.clientY];
      redraw({ coarse: true });
    });
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { last = null; });
    if (name !== "volume") canvas.addEventListener("wheel", (event) => { event.preventDefault(); move(PLANES[name].axis, event.deltaY > 0 ? 1 : -1); }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: 1, PageUp: 5, ArrowDown: -1, PageDown: -5 };
      if (name === "volume" && event.key.startsWith("Arrow")) {
        state.azimuth += { ArrowLeft: -0.15, ArrowRight: 0.15 }[event.key] || 0;
        state.tilt = Math.max(-1.5, Math.min(1.5, state.tilt + ({ ArrowUp: 0.15, ArrowDown: -0.15 }[event.key] || 0)));
        redraw(); event.preventDefault();
      } else if (name !== "volume" && event.key in moves) { move(PLANES[name].axis, moves[event.key]); event.preventDefault(); }
    });
  }

  function sortBy(header) {
    const body = $("#nodules tbody"), column = [...header.parentNode.children].indexOf(header);
    const descending = header.getAttribute("aria-sort") === "descending" ? 1 : -1;
    const key = (row) => row.children[column].dataset.value;
    // Where there is no value the row goes last, whichever way the others are sorted.
    const order = (p, q) => (p === "" || q === "" ? (p === "") - (q === "") : p.localeCompare(q, "en", { numeric: true }) * descending);
    const numbers = [...body.rows].every((row) => key(row) === "" || !Number.isNaN(Number(key(row))));
    const byNumber = (p, q) => (p === "" || q === "" ? order(p, q) : (Number(p) - Number(q)) * descending);
    const rows = [...body.rows].sort((a, b) => (numbers ? byNumber : order)(key(a), key(b)));
    $$("th", header.parentNode).forEach((th) => th.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending === 1 ? "ascending" : "descending");
    body.append(...rows);
  }

  $$("canvas[data-plane]").forEach(pointer);
  $$("input[data-plane]").forEach((slider) => slider.addEventListener("input", () => { state.at[PLANES[slider.dataset.plane].axis] = Number(slider.value); redraw(); }));
  $$("button[data-toggle]").forEach((b) => b.addEventListener("click", () => toggle(b.dataset.toggle)));
  $$("button[data-window]").forEach((b) => b.addEventListener("click", () => setWindow(b.dataset.window)));
  $$("#nodules thead th button").forEach((b) => b.addEventListener("click", () => sortBy(b.parentNode)));
  $$("tbody tr[data-nodule]").forEach((row) => row.addEventListener("click", () => select(Number(row.dataset.nodule))));
  $("#language").addEventListener("click", () => setLanguage(root.dataset.lang === "en" ? "zh" : "en"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      1: () => setWindow("lung"), 2: () => setWindow("soft"), 3: () => setWindow("wide"), m: () => toggle("mask"), h: () => toggle("heat"),
      t: () => toggle("turn"), n: () => select(state.nodule + 1), p: () => select(state.nodule - 1), l: () => $("#language").click(),
    };
    const action = actions[event.key.toLowerCase()];
    if (action) action();
  });
  // A link can open the page in a state: #lang=zh&heat=1&azimuth=1.5&renderer=turntable
  const wanted = new URLSearchParams(location.hash.slice(1));
  state.azimuth = Number(wanted.get("azimuth") || state.azimuth);
  if (wanted.get("heat") === "1") toggle("heat", true);
  setLanguage(wanted.get("lang") || root.dataset.lang);
  if (wanted.get("renderer") !== "turntable") openWebgl();
  root.dataset.renderer = webgl ? "webgl" : "turntable";
  // The pictures are there when the page has loaded; drawing at once, and not in the next frame, completes the load.
  addEventListener("load", () => { ready = true; select(0, () => draw({ coarse: true })); redraw(); });
  window.lungai = { state, select, toggle, setWindow, draw, setLanguage };
})();
