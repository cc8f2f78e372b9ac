// The view of a code: opened from any link #code-317 and from the address; arrows, Esc, copy, back.
"use strict";

(() => {
  if (!CodeTable) return;
  const pageTitle = document.title;
  let current = null; // the code that is shown
  let opener = null; // what had the focus before
  let dialog = null, heading = null, place = null, content = null, status = null;

  function build() {
    const button = (text, act, attributes = {}) => make("button", { type: "button", onclick: act, ...attributes }, text);
    heading = make("h2", { id: "code-view-title", tabindex: -1 });
    place = make("span.place");
    status = make("span", { role: "status" });
    content = make("div.content");
    const bar = make("div.bar", {},
      button("← previous", () => step(-1), { title: "left arrow key" }),
      button("next →", () => step(1), { title: "right arrow key" }),
      button("Close", () => dialog.close(), { title: "Esc" }));
    const tools = make("div.tools", {}, button("Copy link", copy), button("Show in the table", showRow), place, status);
    dialog = make("dialog", { id: "code-view", "aria-labelledby": "code-view-title" }, bar, heading, tools, content);
    dialog.addEventListener("close", closed);
    dialog.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way || event.target.type === "range" || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      step(way);
    });
    document.body.append(dialog);
  }

  function show(code, link = document.activeElement) {
    if (current === code) return;
    if (!dialog) build();
    if (!dialog.open) opener = link;
    current = code;
    const view = Explorer.read().codes[code], codes = CodeTable.codes();
    heading.textContent = `Code ${code}${view.title ? `: ${view.title}` : ""}`;
    document.title = `${heading.textContent} – ${pageTitle}`;
    const at = codes.indexOf(code);
    place.textContent = at < 0 ? `not among the ${many(codes.length, "row")} shown` : `row ${at + 1} of ${codes.length} shown`;
    status.textContent = "";
    content.replaceChildren(...CodePanels.all(view));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    heading.focus({ preventScroll: true });
  }

  // To the previous or the next row of the table; the history keeps only where the reader came from.
  function step(way) {
    const codes = CodeTable.codes(), at = codes.indexOf(current);
    const next = at < 0 ? codes.at(way > 0 ? 0 : -1) : codes[at + way];
    if (next === undefined) return;
    history.replaceState(null, "", `#code-${next}`);
    show(next);
  }

  function closed() {
    const code = current;
    current = null;
    document.title = pageTitle;
    content.replaceChildren();
    if (UrlState.codeOfHash() !== null) history.pushState(null, "", location.pathname + location.search);
    const known = opener && opener !== document.body && opener.isConnected;
    (known ? opener : CodeTable.reveal(code).querySelector("a")).focus({ preventScroll: true });
  }

  function showRow() {
    const code = current;
    opener = CodeTable.row(code).querySelector("a");
    dialog.close();
    CodeTable.reveal(code);
    opener.focus({ preventScroll: true });
  }

  async function copy() {
    const link = `${location.href.split(/[?#]/)[0]}#code-${current}`;
    try {
      await navigator.clipboard.writeText(link);
      status.textContent = "Copied.";
    } catch {
      const field = make("input", { readonly: true, value: link, "aria-label": "link to this code" });
      status.replaceChildren(field);
      field.select();
    }
  }

  function follow(event) {
    const link = event.target.closest?.("a[href^='#code-']");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const code = Number(link.getAttribute("href").slice(6));
    if (!CodeTable.row(code)) return;
    event.preventDefault();
    if (UrlState.codeOfHash() !== code) history.pushState(null, "", `#code-${code}`);
    show(code, link);
  }

  // After the back button, or a change of the address.
  function obey() {
    const code = UrlState.codeOfHash();
    if (code !== null) show(code);
    else if (dialog?.open) dialog.close();
  }

  document.addEventListener("click", follow);
  addEventListener("popstate", obey);
  addEventListener("hashchange", obey);
  const first = UrlState.codeOfHash();
  if (first !== null) {
    CodeTable.reveal(first);
    show(first);
  }
})();
