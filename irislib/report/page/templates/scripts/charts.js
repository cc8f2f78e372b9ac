// Small charts of the view of a code. Each says in words what it shows.
"use strict";

const Charts = (() => {
  // Bars of counts; `about` is the text alternative, `names(i)` the text of a bar.
  function bars(counts, about, names) {
    const highest = Math.max(...counts, 1), [width, height] = [320, 80], step = width / counts.length;
    const rects = counts.map((count, i) => {
      const tall = (height * count) / highest;
      const box = { x: i * step + step * 0.1, y: height - tall, width: step * 0.8, height: tall };
      return drawn("g", {}, drawn("rect", box), drawn("title", {}, names(i)));
    });
    const line = drawn("path", { class: "axis", d: `M0 ${height}H${width}` });
    const frame = { class: "bars", viewBox: `0 0 ${width} ${height + 1}`, role: "img", "aria-label": about };
    return drawn("svg", frame, ...rects, line);
  }

  // The grid of positions: darker and larger where more tokens stand; the share of each in words and numbers.
  function places(counts, rows, columns) {
    const total = counts.reduce((sum, count) => sum + count, 0), highest = Math.max(...counts, 1);
    const cells = counts.map((count, i) => {
      const [y, x] = [Math.floor(i / columns), i % columns], side = Math.sqrt(count / highest);
      const box = { x: x + 0.5 - side / 2, y: y + 0.5 - side / 2, width: side, height: side };
      const text = `row ${y + 1}, column ${x + 1}: ${many(count, "token")}`;
      return drawn("g", {}, drawn("rect", box), drawn("title", {}, text));
    });
    const lines = [];
    for (let y = 0; y <= rows; y += 1) lines.push(`M0 ${y}H${columns}`);
    for (let x = 0; x <= columns; x += 1) lines.push(`M${x} 0V${rows}`);
    const most = counts.indexOf(highest);
    const about = total
      ? `${many(total, "token")}; most often in row ${Math.floor(most / columns) + 1}, column ` +
        `${(most % columns) + 1}: ${percent(highest / total)}`
      : "never used";
    const frame = { class: "places", viewBox: `-.02 -.02 ${columns + 0.04} ${rows + 0.04}`, role: "img" };
    return [
      drawn("svg", { ...frame, "aria-label": about }, drawn("path", { class: "axis", d: lines.join("") }), ...cells),
      about,
    ];
  }

  // A share from 0 to 1 as a bar of its cell's width.
  const share = (value, kind) =>
    make(`span.share.${kind}`, { style: `--share:${Math.min(value, 1)}`, "aria-hidden": "true" });

  return { bars, places, share };
})();
