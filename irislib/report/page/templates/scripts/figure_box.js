// A box that is drawn with the mouse over a figure chooses the codes whose marks are in it.
"use strict";
(() => {
  const LEAST = 4; // pixels: less is a click

  function inside(plot, box) {
    const codes = new Set();
    for (const link of plot.querySelectorAll("a[data-code]")) {
      for (const mark of link.querySelectorAll("use, path, text")) {
        const { left, top, width, height } = mark.getBoundingClientRect();
        const x = left + width / 2, y = top + height / 2;
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) codes.add(Number(link.dataset.code));
      }
    }
    return [...codes].sort((a, b) => a - b);
  }

  function wire(plot) {
    const box = document.createElementNS(plot.namespaceURI, "rect");
    box.setAttribute("class", "box");
    let start = null, drawn = null;

    const draw = (event) => {
      const [left, right] = [start.clientX, event.clientX].sort((a, b) => a - b);
      const [top, bottom] = [start.clientY, event.clientY].sort((a, b) => a - b);
      if (right - left < LEAST && bottom - top < LEAST) return;
      drawn = { left, right, top, bottom };
      const back = plot.getScreenCTM().inverse();
      const corner = new DOMPoint(left, top).matrixTransform(back);
      const size = { x: corner.x, y: corner.y, width: (right - left) * back.a, height: (bottom - top) * back.d };
      for (const [key, value] of Object.entries(size)) box.setAttribute(key, value);
      plot.append(box);
    };
    const stop = () => {
      start = null;
      box.remove();
    };
    plot.addEventListener("dragstart", (event) => event.preventDefault()); // links would be dragged
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls
      start = event;
      drawn = null;
    });
    addEventListener("pointermove", (event) => start && draw(event));
    addEventListener("pointercancel", stop);
    addEventListener("pointerup", () => {
      if (!start) return;
      stop();
      if (!drawn) return;
      const codes = inside(plot, drawn);
      const why = `a box in “${plot.closest("section")?.querySelector("h3")?.textContent ?? "a figure"}”`;
      if (codes.length) document.dispatchEvent(new CustomEvent("codes:chosen", { detail: { codes, why } }));
    });
    // The click that ends a box opens nothing.
    plot.addEventListener("click", (event) => {
      if (!drawn) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      drawn = null;
    }, true);
  }

  for (const plot of document.querySelectorAll(".plot")) if (plot.querySelector("a[data-code]")) wire(plot);
})();
