// The token inspector: a frame and its reconstruction under the grid of tokens, and the frames with the same code.
"use strict";

(() => {
  const root = document.getElementById("inspector");
  if (!root || !CodeTable) return;
  let frames, rows, columns, cells, thumbs, chosen, cell;
  let panel, decoded, facts, where, marks;

  function build() {
    const data = Explorer.read();
    [frames, [rows, columns]] = [data.inspected, data.grid];
    if (!frames.length) return;
    thumbs = frames.map((one, i) => {
      const about = `frame ${i + 1}: ${Explorer.when(one.frame)}`;
      return make("button.thumb", { type: "button", role: "option", "aria-label": about, onclick: () => choose(i) },
        Explorer.picture("v", one.frame), make("span.mark", { "aria-hidden": "true" }));
    });
    panel = make("div.looked");
    decoded = make("div.looked");
    facts = make("div.about", { "aria-live": "polite" });
    where = make("p", { "aria-live": "polite" });
    marks = make("input", { type: "checkbox", checked: true, onchange: () => root.classList.toggle("plain-map", !marks.checked) });
    const strip = make("div.strip", { role: "listbox", "aria-label": "Frames", onkeydown: alongStrip }, ...thumbs);
    root.replaceChildren(
      make("p.adjust", {}, ...pickLabel(data), make("label", {}, marks, " the code’s map over the frame")),
      make("div.pair", {},
        make("figure", {}, panel, make("figcaption", {}, "the frame")),
        make("figure", {}, decoded, make("figcaption", {}, "what its tokens decode to")), facts),
      where, strip);
    let first;
    [first, cell] = data.first;
    choose(first);
  }

  // A list of the labels; frames without the chosen label are hidden.
  function pickLabel(data) {
    const has = frames.map((one) => new Set(one.hidden ? [] : one.truth.flat().map(([label]) => label)));
    const count = (label) => has.filter((seen) => seen.has(label)).length;
    const found = [...data.labels.keys()].filter(count);
    const options = found.map((label) => make("option", { value: label }, `${data.labels[label]} (${count(label)})`));
    const select = make("select", {}, make("option", { value: "" }, "any label"), ...options);
    select.addEventListener("change", () => {
      thumbs.forEach((thumb, i) => { thumb.hidden = select.value !== "" && !has[i].has(Number(select.value)); });
      if (thumbs[chosen].hidden) choose(thumbs.findIndex((thumb) => !thumb.hidden));
    });
    return [make("label", {}, "frames with ", select), " "];
  }

  function grid(reachable) {
    const buttons = frames[chosen].tokens.map((code, i) => {
      const about = `row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1}: code ${code}`;
      const attributes = { type: "button", "aria-label": about, title: `code ${code}`, tabindex: -1, onclick: () => pick(i) };
      return make("button.cell", reachable ? attributes : { ...attributes, "aria-hidden": "true" });
    });
    const size = `grid-template: repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
    const words = reachable ? { role: "group", "aria-label": "Tokens of the frame; the arrow keys move" } : {};
    const box = make("div.cells", { style: size, ...words }, ...buttons);
    if (reachable) box.addEventListener("keydown", acrossGrid);
    return [Explorer.over(box), buttons];
  }

  function choose(index) {
    chosen = index;
    const one = frames[index];
    const [box, own] = grid(true), [other, twins] = grid(false);
    cells = [own, twins];
    panel.replaceChildren(Explorer.picture("v", one.frame, `Frame of ${Explorer.when(one.frame)}`), make("div.layers"), box);
    decoded.replaceChildren(Explorer.picture("d", index, "Reconstruction of the frame"), other);
    thumbs.forEach((thumb, i) => {
      thumb.setAttribute("aria-selected", i === index);
      thumb.tabIndex = i === index ? 0 : -1;
    });
    pick(cell);
  }

  function pick(index) {
    const data = Explorer.read(), one = frames[chosen], code = one.tokens[index];
    cell = index;
    for (const side of cells) side.forEach((button, i) => {
      button.classList.toggle("now", i === index);
      button.classList.toggle("same", one.tokens[i] === code);
    });
    cells[0].forEach((button, i) => {
      button.tabIndex = i === index ? 0 : -1;
      button.setAttribute("aria-pressed", i === index);
    });
    panel.querySelector(".layers").replaceChildren(...Maps.layers(one.maps[index]));
    const truth = one.truth[index].map(([label, share]) => `${data.labels[label]} ${share}%`).join(", ") || "no label";
    const quality = one.psnr === null ? "exact" : `PSNR ${one.psnr} dB`;
    const { title } = data.codes[code];
    facts.replaceChildren(
      make("h3", {}, codeLink(code, `Code ${code}`), title ? `: ${title}` : ""),
      make("dl", {},
        make("dt", {}, "Square"), make("dd", {}, `row ${Math.floor(index / columns) + 1}, column ${(index % columns) + 1}`),
        make("dt", {}, "What is there"),
        make("dd", {}, one.hidden ? `hidden from the player (${data.hidden}); behind it: ${truth}` : truth),
        make("dt", {}, "Frame"), make("dd", {}, `${Explorer.when(one.frame)}; reconstruction: ${quality}`)));
    const times = frames.map((other) => other.tokens.filter((token) => token === code).length);
    thumbs.forEach((thumb, i) => {
      thumb.classList.toggle("has", times[i] > 0);
      thumb.querySelector(".mark").textContent = times[i] ? `${times[i]}×` : "";
      thumb.setAttribute("aria-label", `frame ${i + 1}: ${Explorer.when(frames[i].frame)}${times[i] ? `, has code ${code}` : ""}`);
    });
    where.textContent = `Code ${code} is in ${times.filter(Boolean).length} of these ${frames.length} frames; ` +
      "they are framed and numbered by how often.";
  }

  function acrossGrid(event) {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!way) return;
    event.preventDefault();
    const y = Math.floor(cell / columns) + way[0], x = (cell % columns) + way[1];
    if (y < 0 || x < 0 || y >= rows || x >= columns) return;
    pick(y * columns + x);
    cells[0][cell].focus();
  }

  function alongStrip(event) {
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const free = [...thumbs.keys()].filter((i) => !thumbs[i].hidden);
    const next = free[free.indexOf(chosen) + way];
    if (next === undefined) return;
    choose(next);
    thumbs[next].focus();
  }

  root.hidden = false;
  // Built when it comes near, so that the page is ready sooner.
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    build();
  }, { rootMargin: "800px" });
  watch.observe(root);
})();
