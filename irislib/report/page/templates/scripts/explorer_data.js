// The data of the views of codes and of the frames to look at, read when they are first needed.
"use strict";

const Explorer = (() => {
  let data = null;
  const read = () => (data ??= JSON.parse(document.getElementById("explorer").textContent));
  const ACROSS = 64, PER_SHEET = 4096; // cells in a row of a sheet, and on a sheet; see sprites.py

  // A picture from a sheet: "v" frames, "d" reconstructions, "k" crops. Without words it is decoration.
  function picture(sheet, index, about = null) {
    const cell = index % PER_SHEET;
    const place = `--x:${cell % ACROSS};--y:${Math.floor(cell / ACROSS)}`;
    const words = about ? { role: "img", "aria-label": about } : { "aria-hidden": "true" };
    return make(`span.picture.${sheet}${Math.floor(index / PER_SHEET)}`, { style: place, ...words });
  }

  // "episode 12, step 131"
  function when(frame) {
    const [episode, step] = read().pool[frame];
    return `episode ${episode}, step ${step}`;
  }

  // How far the frame is from the edges of its square cell, as shares of the cell: [above, left].
  function margins() {
    const [height, width] = read().frame, side = Math.max(height, width);
    return [(1 - height / side) / 2, (1 - width / side) / 2];
  }

  // Lays an element exactly over the frame in a square cell.
  function over(element) {
    const [y, x] = margins();
    return make("div.over", { style: `inset: ${100 * y}% ${100 * x}%` }, element);
  }

  return { read, picture, when, over };
})();
