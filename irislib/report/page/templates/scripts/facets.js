// The groups of checkboxes: inside a group any checked property is enough, each group with a check must agree.
"use strict";

const Facets = (() => {
  const boxes = [...document.querySelectorAll(".facets input")];
  const groups = [...new Set(boxes.map((box) => box.name))];
  const counts = new Map(boxes.map((box) => [box, box.closest("label").querySelector(".count")]));

  function checked() {
    const found = new Map();
    for (const box of boxes) {
      if (box.checked) found.set(box.name, [...(found.get(box.name) ?? []), box.value]);
    }
    return found;
  }

  function fits(row, wanted, but = null) {
    const own = row.facets ??= new Set(row.dataset.facets.split(" "));
    return [...wanted].every(([group, values]) => group === but || values.some((value) => own.has(`${group}.${value}`)));
  }

  // How many rows each box would show, given the other groups.
  function count(rows) {
    const wanted = checked();
    for (const group of groups) {
      const left = rows.filter((row) => fits(row, wanted, group));
      for (const box of boxes.filter((one) => one.name === group)) {
        counts.get(box).textContent = left.filter((row) => row.facets.has(`${group}.${box.value}`)).length;
      }
    }
  }

  function read(query) {
    for (const box of boxes) box.checked = (query.get(box.name) ?? "").split(",").includes(box.value);
  }

  const written = () => Object.fromEntries([...checked()].map(([group, values]) => [group, values.join(",")]));

  return { boxes, checked, fits, count, read, written };
})();
