// What the search box understands: 317, #317, code 317, 317-320, 12, 40; other text is looked for in labels,
// names and items.
"use strict";

const CodeSearch = (() => {
  const LIST = /^\d+(-\d+)?([\s,]+\d+(-\d+)?)*,?$/;

  // A test of a row of the table.
  function parse(text) {
    const plain = text.trim().toLowerCase();
    const bare = plain.replace(/\bcodes?\b|#/g, " ").replace(/\s*[-–]\s*/g, "-").trim();
    if (!LIST.test(bare)) return (row) => row.dataset.search.includes(plain);
    const ranges = bare.split(/[\s,]+/).filter(Boolean).map((part) => part.split("-").map(Number));
    return (row) => {
      const code = Number(row.dataset.code);
      return ranges.some(([first, last = first]) => first <= code && code <= last);
    };
  }

  // Numbers as text for the search box: 12, 317-320.
  function write(codes) {
    const sorted = [...new Set(codes)].sort((a, b) => a - b);
    const runs = [];
    for (const code of sorted) {
      const run = runs.at(-1);
      if (run && code === run[1] + 1) run[1] = code;
      else runs.push([code, code]);
    }
    return runs.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(", ");
  }

  return { parse, write };
})();
