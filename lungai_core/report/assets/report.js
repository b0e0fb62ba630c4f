"use strict";
// The viewer of a lungai report. No library, no network, no storage: it reads the sprites that the page holds.
(() => {
  const root = document.documentElement;
  root.classList.remove("no-js");
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const N = data.voxels, COLUMNS = data.columns, LOWER = data.lower_hu, STEP_HU = (data.upper_hu - data.lower_hu) / 255;
  const WINDOWS = { lung: [-600, 1500], soft: [40, 400], wide: [-300, 1800] };
  const HALF = (N - 1) / 2;
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
    $$("canvas[data-label-en]").forEach((c) => c.setAttribute("aria-label", text(c.dataset.labelEn, c.dataset.labelZh)));
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
    // Three sheets stand one below the other: CT, heat, mask.
    const sheet = Math.ceil(N / COLUMNS) * N * canvas.width * 4;
    for (let z = 0, i = 0; z < N; z++) {
      const top = Math.floor(z / COLUMNS) * N, left = (z % COLUMNS) * N;
      for (let y = 0; y < N; y++) {
        let p = ((top + y) * canvas.width + left) * 4;
        for (let x = 0; x < N; x++, i++, p += 4) { ct[i] = rgba[p]; heat[i] = rgba[p + sheet]; mask[i] = rgba[p + 2 * sheet] > 127 ? 1 : 0; }
      }
    }
    const volume = { ct, heat, mask, blocks: occupancy(ct) };
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

  function marks(context, [top, right, bottom, left], size, k) {
    const font = Math.round(size / 26);
    context.font = `600 ${font}px system-ui, sans-serif`; context.fillStyle = "#cfe3f5"; context.textBaseline = "middle";
    context.shadowColor = "#000"; context.shadowBlur = 4;
    context.textAlign = "center"; context.fillText(top, size / 2, font); context.fillText(bottom, size / 2, size - font * 2.4);
    context.textAlign = "left"; context.fillText(left, font * 0.5, size / 2);
    context.textAlign = "right"; context.fillText(right, size - font * 0.5, size / 2);
    const bar = (10 / data.step_mm) * k, x = size - font - bar, y = size - font * 2.6;
    context.strokeStyle = "#cfe3f5"; context.lineWidth = 2;
    context.beginPath(); context.moveTo(x, y - 4); context.lineTo(x, y); context.lineTo(x + bar, y); context.lineTo(x + bar, y - 4); context.stroke();
    context.textAlign = "center"; context.font = `${Math.round(font * 0.8)}px system-ui, sans-serif`; context.fillText("10 mm", x + bar / 2, y - font * 0.8);
    context.shadowBlur = 0;
  }

  // --------------------------------------------------------------------------------------------------------- 3D
  // A ray caster on the CPU: CT, mask and heat are one volume, so that heat cannot shine through the chest wall, and it
  // draws the same where WebGL is absent.
  const BLOCK = 4, BLOCKS = N / BLOCK, AIR = Math.round((-600 - LOWER) / STEP_HU), RADIUS = HALF - 1;
  function occupancy(ct) {
    const blocks = new Uint8Array(BLOCKS ** 3);
    for (let z = 0; z < N; z++) for (let y = 0; y < N; y++) for (let x = 0; x < N; x++)
      if (ct[(z * N + y) * N + x] > AIR) {
        // A block counts as filled if it or a neighbour's edge is, because samples are interpolated.
        for (const dz of [0, 1]) for (const dy of [0, 1]) for (const dx of [0, 1]) {
          const bz = Math.max(z - dz, 0) >> 2, by = Math.max(y - dy, 0) >> 2, bx = Math.max(x - dx, 0) >> 2;
          blocks[(bz * BLOCKS + by) * BLOCKS + bx] = 1;
        }
      }
    return blocks;
  }

  const LUT = (() => {
    const table = new Float32Array(256 * 4);
    for (let v = 0; v < 256; v++) {
      const hu = LOWER + v * STEP_HU;
      const alpha = hu < -600 ? 0 : hu < -100 ? 0.16 * (hu + 600) / 500 : hu < 150 ? 0.16 + 0.12 * (hu + 100) / 250 : 0.5;
      const [r, g, b] = hu < -100 ? [206, 128, 116] : hu < 150 ? [222, 160, 142] : [244, 236, 216];
      table.set([r, g, b, alpha], v * 4);
    }
    return table;
  })();

  function cast(canvas, volume, side) {
    const { ct, heat, mask, blocks } = volume, image = new ImageData(side, side), out = image.data;
    const ca = Math.cos(state.azimuth), sa = Math.sin(state.azimuth), ct_ = Math.cos(state.tilt), st = Math.sin(state.tilt);
    // Looking from the front (anterior) at azimuth 0; right is the patient's left.
    const right = [ca, sa, 0], forward = [-sa * ct_, ca * ct_, -st], up = [-sa * st, ca * st, ct_];
    const scale = (1.5 * RADIUS) / side, step = 0.9;
    const light = [-0.45 * right[0] - 0.75 * forward[0] + 0.5 * up[0], -0.45 * right[1] - 0.75 * forward[1] + 0.5 * up[1], -0.45 * right[2] - 0.75 * forward[2] + 0.5 * up[2]];
    const NN = N * N;
    for (let row = 0; row < side; row++) for (let col = 0; col < side; col++) {
      const u = (col - side / 2 + 0.5) * scale, v = (side / 2 - row - 0.5) * scale, q = u * u + v * v;
      const p = (row * side + col) * 4;
      out[p] = 9; out[p + 1] = 13; out[p + 2] = 18; out[p + 3] = 255;
      if (q >= RADIUS * RADIUS) continue;
      const half = Math.sqrt(RADIUS * RADIUS - q);
      let R = 0, G = 0, B = 0, A = 0;
      for (let t = -half; t < half; t += step) {
        const x = HALF + right[0] * u + up[0] * v + forward[0] * t;
        const y = HALF + right[1] * u + up[1] * v + forward[1] * t;
        const z = HALF + right[2] * u + up[2] * v + forward[2] * t;
        const xi = x | 0, yi = y | 0, zi = z | 0;
        if (!blocks[((zi >> 2) * BLOCKS + (yi >> 2)) * BLOCKS + (xi >> 2)]) { t += 1.6; continue; }
        const i = zi * NN + yi * N + xi, fx = x - xi, fy = y - yi, fz = z - zi;
        const a00 = ct[i] + (ct[i + 1] - ct[i]) * fx, a01 = ct[i + N] + (ct[i + N + 1] - ct[i + N]) * fx;
        const a10 = ct[i + NN] + (ct[i + NN + 1] - ct[i + NN]) * fx, a11 = ct[i + NN + N] + (ct[i + NN + N + 1] - ct[i + NN + N]) * fx;
        const b0 = a00 + (a01 - a00) * fy, b1 = a10 + (a11 - a10) * fy, value = b0 + (b1 - b0) * fz;
        const l = (value | 0) * 4;
        let alpha = LUT[l + 3];
        if (alpha <= 0) continue;
        let r = LUT[l], g = LUT[l + 1], b = LUT[l + 2];
        // Far from the nodule the volume fades, so that the chest wall does not hide it.
        const distance = Math.sqrt(q + t * t) / RADIUS;
        const marked = state.mask && mask[i];
        alpha *= marked ? 3 : Math.max(0.1, 1.1 - distance);
        if (marked) { r = 60; g = 205; b = 235; }
        if (state.heat && heat[i] > 40) { const w = Math.min(0.85, heat[i] / 230), h = hot(heat[i] / 255); r += (h[0] - r) * w; g += (h[1] - g) * w; b += (h[2] - b) * w; alpha *= 1 + w; }
        const gx = a00 - ct[i + 1] + a10 - ct[i + NN + 1], gy = ct[i] - ct[i + N], gz = ct[i] - ct[i + NN];
        const norm = Math.sqrt(gx * gx + gy * gy + gz * gz) + 1e-3;
        const shade = 0.55 + 0.5 * Math.max(0, (gx * light[0] + gy * light[1] + gz * light[2]) / norm);
        alpha = Math.min(1, alpha);
        const w = alpha * (1 - A);
        R += w * r * shade; G += w * g * shade; B += w * b * shade; A += w;
        if (A > 0.97) break;
      }
      out[p] = 9 * (1 - A) + R; out[p + 1] = 13 * (1 - A) + G; out[p + 2] = 18 * (1 - A) + B;
    }
    layer3d.width = side; layer3d.height = side;
    layer3d.getContext("2d").putImageData(image, 0, 0);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = true; context.imageSmoothingQuality = "high";
    context.drawImage(layer3d, 0, 0, canvas.width, canvas.height);
    canvas.dataset.azimuth = state.azimuth.toFixed(4);
  }
  const layer3d = document.createElement("canvas");

  // -------------------------------------------------------------------------------------------------------- draw
  let pending = 0, settle = 0;
  const panel = () => $(`#nodule-${state.nodule}`);
  function draw({ coarse = false } = {}) {
    if (!data.nodules.length || !panel()) return;
    const volume = load(state.nodule);
    for (const canvas of $$("canvas[data-plane]", panel())) {
      if (canvas.dataset.plane === "volume") cast(canvas, volume, coarse ? 110 : 230);
      else drawPlane(canvas, volume, canvas.dataset.plane);
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
    $$("tbody tr[data-nodule]").forEach((row) => row.setAttribute("aria-selected", String(Number(row.dataset.nodule) === state.nodule)));
    paint();
  }
  const clamp = (value) => Math.max(0, Math.min(N - 1, Math.round(value)));
  function move(axis, by) { state.at[axis] = clamp(state.at[axis] + by); redraw({ coarse: state.turn }); }

  function toggle(name, value) {
    state[name] = value === undefined ? !state[name] : value;
    $$(`button[data-toggle="${name}"]`).forEach((b) => b.setAttribute("aria-pressed", String(state[name])));
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
    draw({ coarse: true });
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
    const key = (row) => { const v = row.children[column].dataset.value ?? row.children[column].textContent; return v !== "" && !Number.isNaN(Number(v)) ? Number(v) : v; };
    const rows = [...body.rows].sort((a, b) => { const p = key(a), q = key(b); return (typeof p === typeof q ? (p > q ? 1 : p < q ? -1 : 0) : typeof p === "number" ? 1 : -1) * descending; });
    $$("th", header.parentNode).forEach((th) => th.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending === 1 ? "ascending" : "descending");
    body.append(...rows);
  }

  $$("canvas[data-plane]").forEach(pointer);
  $$("input[data-plane]").forEach((slider) => slider.addEventListener("input", () => { state.at[PLANES[slider.dataset.plane].axis] = Number(slider.value); redraw(); }));
  $$("button[data-toggle]").forEach((b) => b.addEventListener("click", () => toggle(b.dataset.toggle)));
  $$("button[data-window]").forEach((b) => b.addEventListener("click", () => setWindow(b.dataset.window)));
  $$("#nodules thead th button").forEach((b) => b.addEventListener("click", () => sortBy(b.parentNode)));
  $$("tbody tr[data-nodule]").forEach((row) => {
    row.addEventListener("click", () => select(Number(row.dataset.nodule)));
    row.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { select(Number(row.dataset.nodule)); event.preventDefault(); } });
  });
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
  // A link can open the page in a state: #lang=zh&heat=1&azimuth=1.5
  const wanted = new URLSearchParams(location.hash.slice(1));
  state.azimuth = Number(wanted.get("azimuth") || state.azimuth);
  if (wanted.get("heat") === "1") toggle("heat", true);
  setLanguage(wanted.get("lang") || root.dataset.lang);
  // The pictures are there when the page has loaded; drawing at once, and not in the next frame, completes the load.
  addEventListener("load", () => select(0, draw));
  window.lungai = { state, select, toggle, setWindow, draw, setLanguage };
})();
