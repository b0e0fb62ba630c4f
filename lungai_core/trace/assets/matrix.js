"use strict";
(() => {
  const P = JSON.parse(document.getElementById("data").textContent);
  const D = { ...P.matrix, ...P.page };
  const $ = (id) => document.getElementById(id);
  const ROW = 40;
  const WORDS = {
    en: { matrix: "Trace matrix", items: "Items", tests: "Tests", code: "Code", findings: "Findings", run: "Run",
      search: "Search ID, title, text, file, test …", allKinds: "All kinds", allStates: "All states", of: "of",
      id: "ID", title: "Title", kind: "Kind", evidence: "mapped / run / passed", verdict: "Verdict", test: "Test",
      verifies: "Verifies", seconds: "Seconds", outcome: "Outcome", object: "Object", implements: "Implements",
      rule: "Code", place: "Place", message: "Message", file: "File", parents: "Links up to", children: "Linked from below",
      neighbourhood: "Neighbourhood", rationale: "Rationale", fields: "Fields", why: "Why: ", complete: "complete run",
      partial: "partial run", norun: "no run recorded: nothing is verified", commit: "commit", dirty: "uncommitted files",
      up: "Up to the need", remedy: "What to do", none: "Nothing matches.", pick: "Choose a row to see its links.",
      more: "more", attempts: "attempts", subtests: "subtests passed / failed", nothing: "none", own: "Own-evidence coverage",
      ownBy: "by its own passing tests", anyBy: "by any test", statements: "statements", branches: "branches", missing: "not executed by its own tests" },
    zh: { matrix: "追溯矩阵", items: "条目", tests: "测试", code: "代码", findings: "发现", run: "运行",
      search: "搜索标识、标题、文本、文件、测试……", allKinds: "全部类别", allStates: "全部状态", of: "/",
      id: "标识", title: "标题", kind: "类别", evidence: "关联 / 已运行 / 通过", verdict: "结论", test: "测试",
      verifies: "验证", seconds: "秒", outcome: "结果", object: "对象", implements: "实现", rule: "代码", place: "位置",
      message: "信息", file: "文件", parents: "上级链接", children: "下级链接", neighbourhood: "邻域", rationale: "理由", fields: "字段",
      why: "原因:", complete: "完整运行", partial: "部分运行", norun: "无运行记录:无任何条目得到验证", commit: "提交",
      dirty: "未提交文件", up: "上溯至需求", remedy: "处理办法", none: "无匹配。", pick: "选择一行以查看其链接。",
      more: "更多", attempts: "尝试次数", subtests: "子测试 通过 / 失败", nothing: "无", own: "自身证据覆盖率",
      ownBy: "由自身通过的测试", anyBy: "由任意测试", statements: "语句", branches: "分支", missing: "自身测试未执行" },
  };
  const VERDICT_ZH = { "FAILED": "失败", "SUSPECT": "可疑", "STALE": "过期", "NOT VERIFIED": "未验证", "INCOMPLETE": "不完整",
    "CLAIMED ONLY": "仅声明", "VERIFIED": "已验证", "n/a": "不适用" };
  const OUTCOME_ZH = { passed: "通过", failed: "失败", error: "错误", skipped: "跳过", xfailed: "预期失败", xpassed: "意外通过",
    xpassed_strict: "意外通过(严格)", flaky: "不稳定", crashed: "崩溃", timeout: "超时", deselected: "未选", not_run: "未运行",
    not_collected: "未收集", not_in_run: "不在本次运行" };
  let language = "en", tab = "items", chosen = null, shown = [];
  const t = (key) => WORDS[language][key];
  const label = (state) => language === "zh" ? (VERDICT_ZH[state] || OUTCOME_ZH[state] || state) : state.replace(/_/g, " ");
  const esc = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const prose = (text) => esc(text).replace(/\*\*(.+?)\*\*/g, "<b>$1</b>").replace(/`([^`]+)`/g, "<code>$1</code>");
  const byId = new Map(D.items.map((item) => [item.id, item]));
  const testById = new Map(D.tests.map((test) => [test.id, test]));
  const codeByName = new Map(D.code.map((code) => [code.name, code]));
  const kinds = new Map(D.kinds.map((kind) => [kind.name, kind]));
  const kindTitle = (name) => { const kind = kinds.get(name); return kind ? (language === "zh" ? kind.title_zh : kind.title) : name; };
  const chip = (state) => `<span class="chip${state === "n/a" ? " na" : ""}" data-c="${esc(state)}">${esc(label(state))}</span>`;
  const place = (row) => `<a class="mono" href="${esc(encodeURI(D.root_href + "/" + row.path))}#L${row.line}">${esc(row.path)}:${row.line}</a>`;

  const TABS = {
    items: { rows: D.items, state: (r) => r.verdict, kind: (r) => r.kind,
      text: (r) => [r.id, r.title, r.text, r.text_zh, r.path, r.parents.join(" "), r.code.join(" "), r.reason].join(" "),
      head: ["id", "title", "kind", "evidence", "verdict"],
      cells: (r) => `<span class="id">${esc(r.id)}</span><span title="${esc(r.title)}">${esc(r.title)}</span><span class="dim">${esc(kindTitle(r.kind))}</span>` +
        `<span class="num">${r.verdict === "n/a" ? "" : `${r.mapped} / ${r.run} / ${r.passed}`}</span><span>${chip(r.verdict)}</span>` },
    tests: { rows: D.tests, state: (r) => r.outcome, kind: () => "", text: (r) => [r.id, r.verifies.join(" "), r.message].join(" "),
      head: ["test", "file", "verifies", "seconds", "outcome"],
      cells: (r) => `<span class="mono" title="${esc(r.id)}">${esc(r.id.split("::").slice(1).join("::") || r.id)}</span><span class="dim" title="${esc(r.path)}">${esc(r.path.split("/").pop())}</span><span class="id">${esc(r.verifies.join(", "))}</span>` +
        `<span class="num">${r.has_run ? r.seconds.toFixed(3) : ""}</span><span>${chip(r.outcome)}</span>` },
    code: { rows: D.code, state: () => "", kind: () => "", text: (r) => [r.name, r.path, r.implements.join(" ")].join(" "),
      head: ["object", "kind", "implements"],
      cells: (r) => `<span class="mono" title="${esc(r.name)}">${esc(r.name)}</span><span class="dim">${esc(r.kind)}</span><span class="id">${esc(r.implements.join(", "))}</span>` },
    findings: { rows: D.findings, state: (r) => r.code, kind: () => "", text: (r) => [r.code, r.path, r.message].join(" "),
      head: ["rule", "place", "message"],
      cells: (r) => `<span class="id">${esc(r.code)}</span><span class="mono">${esc(r.path)}:${r.line}</span><span title="${esc(r.message)}">${esc(r.message)}</span>` },
    run: { rows: [], state: () => "", kind: () => "", text: () => "", head: [], cells: () => "" },
  };
  for (const name of Object.keys(TABS)) TABS[name].key = name;

  function filter() {
    const { rows, state, kind, text } = TABS[tab];
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wantedKind = $("kind").value, wantedState = $("state").value;
    shown = rows.filter((row) => {
      if (wantedKind && tab === "items" && kind(row) !== wantedKind) return false;
      if (wantedState && state(row) !== wantedState) return false;
      if (!words.length) return true;
      row._text = row._text || text(row).toLowerCase();
      return words.every((word) => row._text.includes(word));
    });
    $("count").textContent = `${shown.length} ${t("of")} ${rows.length}`;
    $("space").style.height = `${shown.length * ROW}px`;
    $("scroll").scrollTop = 0;
    for (const tile of $("tiles").children) tile.classList.toggle("on", tab === "items" && tile.dataset.c === wantedState);
    paint();
  }

  function paint() {
    const box = $("scroll"), first = Math.max(0, Math.floor(box.scrollTop / ROW) - 8);
    const last = Math.min(shown.length, first + Math.ceil(box.clientHeight / ROW) + 16);
    const rows = $("rows");
    rows.style.top = `${first * ROW}px`;
    rows.innerHTML = shown.length ? shown.slice(first, last).map((row, i) =>
      `<div class="row ${tab}${row === chosen ? " on" : ""}" data-i="${first + i}">${TABS[tab].cells(row)}</div>`).join("")
      : `<div class="empty">${t("none")}</div>`;
  }

  function frame() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.title = `${D.project} · ${t("matrix")}`;
    $("project").textContent = D.project;
    document.querySelector("[data-t=matrix]").textContent = t("matrix");
    $("language").textContent = language === "zh" ? "English" : "中文";
    $("search").placeholder = t("search");
    const run = D.run;
    $("run").innerHTML = run ? `<span class="flag${run.complete ? "" : " bad"}">${t(run.complete ? "complete" : "partial")}</span>` +
      `<span>${t("commit")} <b class="mono">${esc(run.commit.slice(0, 10) || "–")}</b>${run.dirty ? ` +${run.dirty} ${t("dirty")}` : ""}</span>` +
      `<span>${esc(run.started)}</span><span>${esc(run.python)}</span><span>${esc(run.os)}</span>` : `<span class="flag bad">${t("norun")}</span>`;
    $("tiles").innerHTML = ["VERIFIED", "INCOMPLETE", "NOT VERIFIED", "FAILED", "STALE", "SUSPECT", "CLAIMED ONLY", "n/a"].map((state) => [state, D.verdicts[state] || 0]).map(([state, n]) =>
      `<button class="tile${n ? "" : " zero"}" data-c="${esc(state)}" type="button"><div class="n">${n}</div><div class="l">${esc(label(state))}</div></button>`).join("");
    $("tabs").innerHTML = Object.entries(TABS).map(([name, { rows }]) =>
      `<button type="button" role="tab" data-tab="${name}" aria-selected="${name === tab}">${t(name)}${name === "run" ? "" : `<i>${rows.length}</i>`}</button>`).join("");
    $("head").className = `row head ${tab}`;
    $("head").innerHTML = TABS[tab].head.map((key) => `<span title="${esc(t(key))}">${esc(t(key))}</span>`).join("");
    const kind = $("kind").value, state = $("state").value;
    $("kind").innerHTML = `<option value="">${t("allKinds")}</option>` + D.kinds.map((each) => `<option value="${esc(each.name)}">${esc(kindTitle(each.name))}</option>`).join("");
    const states = [...new Set(TABS[tab].rows.map(TABS[tab].state))].filter(Boolean).sort();
    $("state").innerHTML = `<option value="">${t("allStates")}</option>` + states.map((each) => `<option value="${esc(each)}">${esc(label(each))}</option>`).join("");
    $("kind").value = kind; $("state").value = states.includes(state) ? state : "";
    $("kind").hidden = tab !== "items"; $("state").hidden = !states.length;
    document.querySelector(".list").hidden = tab === "run";
    document.querySelector(".list").style.display = tab === "run" ? "none" : "";
    filter(); detail();
  }

  const itemLink = (id) => { const item = byId.get(id);
    return `<div class="link"><a class="id" data-go="${esc(id)}">${esc(id)}</a><span class="grow">${item ? esc(item.title) : ""}</span>${item ? chip(item.verdict) : ""}</div>`; };
  const list = (title, ids) => ids.length ? `<h3>${t(title)} (${ids.length})</h3>${ids.slice(0, 200).map(itemLink).join("")}` : "";
  const snippet = (row) => { const text = D.snippets[`${row.path}:${row.line}`]; return text ? `<pre>${esc(text)}</pre>` : ""; };
  const testBox = (id) => { const test = testById.get(id); if (!test) return "";
    return `<details><summary>${chip(test.outcome)}<span class="grow mono" title="${esc(id)}">${esc(id.replace(/^.*?\/([^/]*)$/, "$1"))}</span></summary>` +
      `<div class="link" style="padding:4px 10px">${place(test)}<a data-test="${esc(id)}" style="margin-left:auto">${t("up")} ↑</a></div>${test.message ? `<pre>${esc(test.message)}</pre>` : ""}${snippet(test)}</details>`; };
  const codeBox = (name) => { const code = codeByName.get(name); if (!code) return "";
    return `<details><summary><span class="dim">${esc(code.kind)}</span><span class="grow mono" title="${esc(name)}">${esc(name)}</span></summary><div class="link" style="padding:4px 10px">${place(code)}</div>${snippet(code)}</details>`; };

  const bar = (name, [own, any, all]) => all ? `<div class="bar"><span>${t(name)}</span><div><i class="any" style="width:${100 * any / all}%"></i><i style="width:${100 * own / all}%"></i></div>` +
    `<span class="num">${own} / ${any} / ${all}</span></div>` : "";
  const bars = (own) => `<div class="dim">${t("ownBy")} / ${t("anyBy")} / Σ</div>${bar("statements", own.statements)}${bar("branches", own.branches)}` +
    `${own.missing.length ? `<div class="dim">${t("missing")}: <span class="mono">${esc(own.missing.slice(0, 12).join(", "))}${own.missing.length > 12 ? " …" : ""}</span></div>` : ""}`;

  function ancestors(ids) {
    const seen = new Set(), queue = [...ids];
    while (queue.length) { const id = queue.shift(); if (seen.has(id) || !byId.has(id)) continue; seen.add(id); queue.push(...byId.get(id).parents); }
    return [...seen];
  }

  function graph(item) {
    const LIMIT = 7, W = 128, H = 24, GAP = 8, STEP = W + 44;
    const up = item.parents.filter((id) => byId.has(id));
    const upper = [...new Set(up.flatMap((id) => byId.get(id).parents))].filter((id) => byId.has(id) && !up.includes(id));
    const columns = [upper, up, [item.id], item.children].map((ids) => ids.map((id) => ({ key: id, text: id, go: id })));
    const cap = (nodes, limit, key) => nodes.length > limit ? [...nodes.slice(0, limit - 1), { key, text: `+${nodes.length - limit + 1} ${t("more")}` }] : nodes;
    columns.push([...cap(item.code.map((name) => ({ key: name, text: name.split(".").pop(), code: 1 })), 4, " code"),
      ...cap(item.tests.map((id) => ({ key: id, text: id.split("::").pop(), test: id, state: testById.get(id).outcome })), 5, " tests")]);
    const used = columns.map((nodes, i) => i === 4 ? nodes : cap(nodes, LIMIT, ""))
      .map((nodes, i) => ({ nodes, i })).filter(({ nodes }) => nodes.length);
    const height = Math.max(...used.map(({ nodes }) => nodes.length)) * (H + GAP) + 26;
    const spot = new Map(); let out = "", lines = "";
    used.forEach(({ nodes, i }, column) => nodes.forEach((node, row) => {
      const x = 10 + column * STEP, y = 22 + (height - 26 - nodes.length * (H + GAP)) / 2 + row * (H + GAP);
      spot.set(`${i} ${node.key}`, [x, y]);
      const cut = node.text.length > 17 ? `${node.text.slice(0, 16)}…` : node.text;
      const bar = node.state || (node.go ? byId.get(node.go).verdict : "");
      out += `<g class="node${node.key === item.id ? " self" : ""}"${node.go ? ` data-go="${esc(node.go)}"` : ""}${node.test ? ` data-test="${esc(node.test)}"` : ""}><title>${esc(node.key)}</title>` +
        `<rect x="${x}" y="${y}" width="${W}" height="${H}" rx="4"></rect>${bar ? `<rect x="${x}" y="${y}" width="4" height="${H}" data-c="${esc(bar)}" style="fill:var(--c);stroke:none"></rect>` : ""}` +
        `<text x="${x + 10}" y="${y + 16}">${esc(cut)}</text></g>`;
    }));
    const join = (from, to) => { if (!from || !to) return;
      const [x1, y1] = [from[0] + W, from[1] + H / 2], [x2, y2] = [to[0], to[1] + H / 2], m = (x1 + x2) / 2;
      lines += `<path d="M${x1} ${y1}C${m} ${y1} ${m} ${y2} ${x2} ${y2}"></path>`; };
    const self = spot.get(`2 ${item.id}`);
    for (const id of up) { join(spot.get(`1 ${id}`), self); for (const above of byId.get(id).parents) join(spot.get(`0 ${above}`), spot.get(`1 ${id}`)); }
    for (const id of item.children) join(self, spot.get(`3 ${id}`));
    const evidence = used.find(({ i }) => i === 4);
    if (evidence) for (const node of evidence.nodes) {
      const owner = item.children.find((id) => byId.get(id).code.includes(node.key));
      join(owner ? spot.get(`3 ${owner}`) || self : self, spot.get(`4 ${node.key}`)); }
    return `<svg class="graph" viewBox="0 0 ${used.length * STEP - 24} ${height}" style="max-width:${used.length * STEP - 24}px">${lines}${out}</svg>`;
  }

  function detail() {
    const box = $("detail");
    if (tab === "run") { box.innerHTML = runFacts(); return; }
    const row = chosen;
    if (!row) { box.innerHTML = `<div class="empty">${t("pick")}</div>`; return; }
    if (row.title !== undefined && row.parents) {
      box.innerHTML = `<h2>${esc(row.title)}</h2><div class="meta"><span class="id">${esc(row.id)}</span><span>${esc(kindTitle(row.kind))}</span>${chip(row.verdict)}` +
        `${row.verdict === "n/a" ? "" : `<span>${t("evidence")}: <b>${row.mapped} / ${row.run} / ${row.passed}</b></span>`}${row.method ? `<span>${esc(row.method)}</span>` : ""}${row.status ? `<span>${esc(row.status)}</span>` : ""}${place(row)}</div>` +
        `${row.reason ? `<p class="why">${t("why")}${esc(row.reason)}</p>` : ""}<p>${prose(row.text)}</p>${row.text_zh ? `<p class="zh" lang="zh">${prose(row.text_zh)}</p>` : ""}` +
        `${row.rationale ? `<h3>${t("rationale")}</h3><p>${prose(row.rationale)}</p>` : ""}` +
        `${row.own ? `<h3>${t("own")}</h3>${bars(row.own)}` : ""}` +
        `${row.fields.length ? `<h3>${t("fields")}</h3><table class="facts">${row.fields.map(([k, v]) => `<tr><td>${esc(k)}</td><td>${esc(v)}</td></tr>`).join("")}</table>` : ""}` +
        `<h3>${t("neighbourhood")}</h3>${graph(row)}${list("parents", row.parents)}${list("children", row.children)}` +
        `${row.code.length ? `<h3>${t("code")} (${row.code.length})</h3>${row.code.slice(0, 100).map(codeBox).join("")}` : ""}` +
        `${row.tests.length ? `<h3>${t("tests")} (${row.tests.length})</h3>${row.tests.slice(0, 100).map(testBox).join("")}` : ""}`;
    } else if (row.outcome) {
      box.innerHTML = `<h2 class="mono" style="font-size:14px;overflow-wrap:anywhere">${esc(row.id)}</h2><div class="meta">${chip(row.outcome)}${place(row)}<span>${t("attempts")}: ${row.attempts}</span>` +
        `${row.subtests[0] + row.subtests[1] ? `<span>${t("subtests")}: ${row.subtests.join(" / ")}</span>` : ""}</div>${row.message ? `<p class="why">${esc(row.message)}</p>` : ""}` +
        `${list("up", ancestors(row.verifies))}<h3>${t("test")}</h3>${snippet(row)}`;
    } else if (row.implements) {
      box.innerHTML = `<h2 class="mono" style="font-size:14px;overflow-wrap:anywhere">${esc(row.name)}</h2><div class="meta"><span>${esc(row.kind)}</span>${place(row)}</div>${list("up", ancestors(row.implements))}<h3>${t("code")}</h3>${snippet(row)}`;
    } else {
      box.innerHTML = `<h2>${esc(row.code)}</h2><div class="meta">${place(row)}</div><p>${esc(row.message)}</p><h3>${t("remedy")}</h3><p>${esc(row.remedy)}</p>`;
    }
    box.scrollTop = 0;
  }

  function runFacts() {
    if (!D.run) return `<div class="empty">${t("norun")}</div>`;
    const facts = Object.entries(D.run).filter(([key]) => key !== "counts").map(([key, value]) =>
      `<tr><td>${esc(key)}</td><td class="mono">${esc(Array.isArray(value) ? value.join("; ") || t("nothing") : value === "" ? t("nothing") : value)}</td></tr>`).join("");
    const counts = Object.entries(D.run.counts).map(([state, n]) => `<tr><td>${chip(state)}</td><td class="num">${n}</td></tr>`).join("");
    return `<h2>${t("run")}</h2><h3>${t("outcome")}</h3><table class="facts">${counts}</table><h3>${t("run")}</h3><table class="facts">${facts}</table>`;
  }

  function go(id) { const item = byId.get(id); if (!item) return; tab = "items"; chosen = item; $("search").value = ""; $("kind").value = ""; $("state").value = ""; frame();
    $("scroll").scrollTop = Math.max(0, (shown.indexOf(item) - 4) * ROW); paint(); history.replaceState(null, "", `#${encodeURIComponent(id)}`); }
  function goTest(id) { const test = testById.get(id); if (!test) return; tab = "tests"; chosen = test; $("search").value = ""; $("state").value = ""; frame();
    $("scroll").scrollTop = Math.max(0, (shown.indexOf(test) - 4) * ROW); paint(); }

  $("scroll").addEventListener("scroll", () => requestAnimationFrame(paint));
  window.addEventListener("resize", paint);
  $("search").addEventListener("input", filter); $("kind").addEventListener("change", filter); $("state").addEventListener("change", filter);
  $("language").addEventListener("click", () => { language = language === "en" ? "zh" : "en"; frame(); });
  $("tabs").addEventListener("click", (event) => { const button = event.target.closest("[data-tab]"); if (!button) return; tab = button.dataset.tab; $("state").value = ""; chosen = TABS[tab].rows[0] || null; frame(); });
  $("tiles").addEventListener("click", (event) => { const tile = event.target.closest(".tile"); if (!tile) return; const same = tab === "items" && $("state").value === tile.dataset.c; tab = "items"; frame(); $("state").value = same ? "" : tile.dataset.c; filter(); });
  $("rows").addEventListener("click", (event) => { const row = event.target.closest("[data-i]"); if (!row) return; chosen = shown[Number(row.dataset.i)]; if (tab === "items") history.replaceState(null, "", `#${encodeURIComponent(chosen.id)}`); paint(); detail(); });
  $("scroll").addEventListener("keydown", (event) => { const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]; if (!step || !shown.length) return; event.preventDefault();
    const next = Math.min(shown.length - 1, Math.max(0, shown.indexOf(chosen) + step)); chosen = shown[next];
    const box = $("scroll"), y = next * ROW; if (y < box.scrollTop) box.scrollTop = y; if (y + ROW > box.scrollTop + box.clientHeight) box.scrollTop = y + ROW - box.clientHeight; paint(); detail(); });
  $("detail").addEventListener("click", (event) => { const target = event.target.closest("[data-go],[data-test]"); if (!target) return; event.preventDefault(); target.dataset.go ? go(target.dataset.go) : goTest(target.dataset.test); });
  const start = decodeURIComponent(location.hash.slice(1)), query = new URLSearchParams(location.search);
  if (query.get("lang") === "zh") language = "zh";
  if (TABS[query.get("tab")]) tab = query.get("tab");
  chosen = TABS[tab].rows[0] || null;
  frame(); if (byId.has(start)) go(start);
})();
