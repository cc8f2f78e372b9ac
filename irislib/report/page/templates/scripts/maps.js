// Draws change maps: heat whose opacity is the map, and an outline of where it is above half of its maximum.
"use strict";

const Maps = (() => {
  const DETAIL = 4; // pixels drawn for each value of a map, along each side
  const HALF = 0.5;

  // Values from 0 to 1, row by row; see map_text.py.
  function decode(index) {
    const { maps, map: [rows, columns] } = Explorer.read();
    const bytes = Uint8Array.from(atob(maps[index]), (letter) => letter.charCodeAt(0));
    const values = new Float32Array(rows * columns);
    for (let i = 0; i < values.length; i += 1) values[i] = (i % 2 ? bytes[i >> 1] & 15 : bytes[i >> 1] >> 4) / 15;
    return values;
  }

  // Bilinear interpolation between the centres of the values, as irislib.interpret.upsampling does it.
  function enlarge(values, rows, columns) {
    const height = rows * DETAIL, width = columns * DETAIL, large = new Float32Array(height * width);
    const near = (at, count) => {
      const centre = Math.min(Math.max((at + 0.5) / DETAIL - 0.5, 0), count - 1), low = Math.floor(centre);
      return [low, Math.min(low + 1, count - 1), centre - low];
    };
    for (let y = 0; y < height; y += 1) {
      const [y0, y1, down] = near(y, rows);
      for (let x = 0; x < width; x += 1) {
        const [x0, x1, right] = near(x, columns);
        const line = (row) => values[row * columns + x0] * (1 - right) + values[row * columns + x1] * right;
        large[y * width + x] = line(y0) * (1 - down) + line(y1) * down;
      }
    }
    return large;
  }

  function heat(large, width, height) {
    const canvas = make("canvas.heat", { width, height, "aria-hidden": "true" });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--heat").trim();
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    const image = pen.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer), colour = red | (green << 8) | (blue << 16);
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = colour | (Math.round(255 * large[i]) << 24);
    pen.putImageData(image, 0, 0);
    return canvas;
  }

  // The edges between places above and below half of the maximum, as two lines: dark on light is seen anywhere.
  function outline(large, width, height) {
    const inside = (y, x) => y >= 0 && x >= 0 && y < height && x < width && large[y * width + x] >= HALF;
    let path = "";
    for (let y = 0; y <= height; y += 1) {
      for (let x = 0; x <= width; x += 1) {
        if (inside(y, x) !== inside(y - 1, x)) path += `M${x} ${y}h1`;
        if (inside(y, x) !== inside(y, x - 1)) path += `M${x} ${y}v1`;
      }
    }
    const lines = [drawn("path", { class: "under", d: path }), drawn("path", { class: "line", d: path })];
    const box = { class: "outline", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" };
    return drawn("svg", { ...box, "aria-hidden": "true" }, ...lines);
  }

  // Heat and outline of a map, each to be laid over a frame.
  function layers(index) {
    const [rows, columns] = Explorer.read().map;
    const large = enlarge(decode(index), rows, columns);
    const size = [columns * DETAIL, rows * DETAIL];
    return [heat(large, ...size), outline(large, ...size)].map(Explorer.over);
  }

  return { layers };
})();
