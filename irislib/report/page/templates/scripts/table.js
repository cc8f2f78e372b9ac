// Searches, filters and sorts the table of codes. Without scripts the page shows all codes, the best first.
"use strict";

const CodeTable = (() => {
  const box = document.querySelector(".codes");
  if (!box) return null;
  const body = box.querySelector("tbody");
  const best = [...body.rows];
  const rows = new Map(best.map((row) => [Number(row.dataset.code), row]));
  const values = JSON.parse(document.getElementById("values").textContent);
  const headers = [...box.querySelectorAll("thead [data-key]")].filter((one) => one.dataset.key in values);
  const at = (id) => document.getElementById(id);
  const search = at("search"), sorting = at("sorting"), shown = at("shown"), more = at("more"), chosen = at("chosen");
  let order = best; // the rows that are shown, as they are sorted

  const compare = (a, b) => (typeof a === "string" ? (a < b ? -1 : a > b ? 1 : 0) : a - b);

  // Undefined values come last in both directions; equal values are sorted by code.
  function sorted() {
    const key = sorting.value.replace("-", ""), way = sorting.value.startsWith("-") ? -1 : 1;
    if (key === "best") return best;
    const column = values[key];
    return [...rows.keys()].sort((a, b) => a - b).sort((a, b) => {
      const left = column[a], right = column[b];
      if (left === null || right === null) return (left === null) - (right === null);
      return way * compare(left, right);
    }).map((code) => rows.get(code));
  }

  function update() {
    const found = CodeSearch.parse(search.value), wanted = Facets.checked();
    const matching = best.filter(found);
    Facets.count(matching);
    const fits = new Set(matching.filter((row) => Facets.fits(row, wanted)));
    const all = sorted();
    order = all.filter((row) => fits.has(row));
    for (const row of all) row.hidden = !fits.has(row);
    body.append(...order, ...all.filter((row) => row.hidden)); // so that the first rows are those to see
    for (const header of headers) {
      const [key, way] = [header.dataset.key, sorting.value];
      if (way.replace("-", "") === key) header.setAttribute("aria-sort", way === key ? "ascending" : "descending");
      else header.removeAttribute("aria-sort");
    }
    shown.textContent = `${order.length} of ${best.length} codes shown`;
    more.hidden = !body.classList.contains("short") || order.length <= Number(body.dataset.first);
    more.textContent = `Show all ${order.length} rows`;
    at("reset").hidden = !search.value && !wanted.size;
    const sort = sorting.value === "best" ? "" : sorting.value;
    UrlState.write({ q: search.value.trim(), sort, ...Facets.written() });
    const detail = { codes: new Set(codes()), all: order.length === best.length };
    document.dispatchEvent(new CustomEvent("codes:shown", { detail }));
  }

  const codes = () => order.map((row) => Number(row.dataset.code));

  function showAll() {
    body.classList.remove("short");
    more.hidden = true;
  }

  function reset() {
    search.value = chosen.textContent = "";
    Facets.read(new URLSearchParams());
    update();
  }

  // Brings the row of a code into view, whatever was filtered.
  function reveal(code) {
    const row = rows.get(code);
    if (row.hidden) reset();
    if (order.indexOf(row) >= Number(body.dataset.first)) showAll();
    row.scrollIntoView({ block: "center" });
    return row;
  }

  for (const header of headers) {
    const click = () => {
      const key = header.dataset.key;
      sorting.value = sorting.value === key ? `-${key}` : key;
      update();
    };
    const button = make("button", { type: "button", onclick: click }, ...header.childNodes);
    header.append(button);
  }
  const query = UrlState.read();
  search.value = query.get("q") ?? "";
  Facets.read(query);
  sorting.value = query.get("sort") ?? "best";
  if (!sorting.value) sorting.value = "best"; // an unknown key
  search.addEventListener("input", () => { chosen.textContent = ""; update(); });
  for (const one of [sorting, ...Facets.boxes]) one.addEventListener("change", update);
  more.addEventListener("click", () => {
    const next = order[Number(body.dataset.first)];
    showAll();
    next.querySelector("a").focus();
  });
  at("reset").addEventListener("click", () => { reset(); search.focus(); });
  document.addEventListener("codes:chosen", (event) => {
    Facets.read(new URLSearchParams());
    search.value = CodeSearch.write(event.detail.codes);
    update();
    chosen.textContent = `Chosen: ${event.detail.why}.`;
  });
  body.classList.add("short");
  box.classList.add("live");
  document.querySelector(".controls").hidden = false;
  document.querySelector(".facets").open = matchMedia("(min-width: 48rem)").matches || Facets.checked().size > 0;
  update();
  return { codes, reveal, row: (code) => rows.get(code), first: best[0] };
})();
