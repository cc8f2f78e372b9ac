// Figures: one selection with the table, names of what the pointer or the keyboard is at, and codes that are chosen by
// a word or by a box. Without scripts the figures are whole, and their codes are links.
"use strict";
(() => {
  const figures = [...document.querySelectorAll(".drawn")].filter((figure) => figure.querySelector(".picked"));
  const named = "[data-code], [data-arm], [data-choose]";

  document.addEventListener("codes:shown", ({ detail: { codes, all } }) => {
    for (const mark of document.querySelectorAll(".plot [data-code]")) {
      mark.classList.toggle("dim", !all && !codes.has(Number(mark.dataset.code)));
    }
  });

  function choose(codes, why) {
    document.dispatchEvent(new CustomEvent("codes:chosen", { detail: { codes, why } }));
  }

  // What a mark is. A part of a code or of an arm, such as its interval, is named by the whole.
  function nameOf(figure, mark) {
    const { code, arm, choose: codes, why } = mark.dataset;
    if (codes !== undefined) return `${why}: ${codes ? codes.split(" ").length : 0} codes. Enter shows them in the table.`;
    const key = code === undefined ? `[data-arm="${CSS.escape(arm)}"]` : `a[data-code="${code}"]`;
    return figure.querySelector(`${key} > title`)?.textContent ?? code ?? arm;
  }

  // An arm is shown in all figures at once.
  function showArm(arm) {
    for (const old of document.querySelectorAll(".plot .here")) old.classList.remove("here");
    if (arm === undefined) return;
    for (const mark of document.querySelectorAll(`.plot [data-arm="${CSS.escape(arm)}"]`)) mark.classList.add("here");
  }

  // One stop of the tab key a figure; the arrow keys go on from there.
  function walk(figure, plot) {
    const seen = new Set();
    const stops = [...plot.querySelectorAll("a[data-code], [data-arm], [data-choose]")].filter((mark) => {
      const key = mark.dataset.arm ?? mark;
      return !seen.has(key) && seen.add(key);
    });
    for (const mark of stops) {
      mark.tabIndex = -1;
      if (mark.dataset.choose !== undefined) mark.setAttribute("role", "button");
      else if (mark.dataset.arm !== undefined) mark.setAttribute("role", "img");
      if (!mark.matches("a")) mark.setAttribute("aria-label", nameOf(figure, mark));
    }
    let at = 0;
    stops[0].tabIndex = 0;
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, End: Infinity, Home: -Infinity };
    plot.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      stops[at].tabIndex = -1;
      at = Math.max(0, Math.min(stops.length - 1, at + step));
      stops[at].tabIndex = 0;
      stops[at].focus();
    });
    plot.addEventListener("focusin", ({ target }) => {
      const place = stops.indexOf(target);
      if (place < 0 || place === at) return;
      stops[at].tabIndex = -1;
      at = place;
      stops[at].tabIndex = 0;
    });
  }

  function wire(figure) {
    const plot = figure.querySelector(".plot");
    const picked = figure.querySelector(".picked");
    const codes = plot.querySelector("a[data-code]");
    const box = matchMedia("(hover: hover)").matches ? " A box drawn with the mouse shows its codes in the table." : "";
    const idle = codes
      ? `Point at a mark to see its code; a click opens it.${box}`
      : "Point at a mark to see its arm and numbers; the other figures of the study mark the arm too.";
    picked.textContent = idle;
    picked.hidden = false;
    const show = (mark) => {
      picked.textContent = mark ? nameOf(figure, mark) : idle;
      showArm(mark?.dataset.arm);
    };
    for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      plot.addEventListener(begin, ({ target }) => target.closest(named) && show(target.closest(named)));
      plot.addEventListener(end, ({ target }) => target.closest(named) && show(null));
    }
    const press = (event) => {
      const word = event.target.closest("[data-choose]");
      if (!word || (event.key && event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      choose(word.dataset.choose.split(" ").filter(Boolean).map(Number), word.dataset.why);
    };
    plot.addEventListener("click", press);
    plot.addEventListener("keydown", press);
    walk(figure, plot);
  }

  for (const figure of figures) wire(figure);
})();
