// The rows that are shown, as a CSV file with all columns of codes.csv, in the order of the table.
"use strict";

(() => {
  const button = document.getElementById("download");
  if (!button) return;
  button.addEventListener("click", () => {
    // No cell of codes.csv holds a line break, so that a line is a row; the first is the header.
    const [header, ...lines] = JSON.parse(document.getElementById("codes-csv").textContent).trim().split("\n");
    const byCode = new Map(lines.map((line) => [Number(line.slice(0, line.indexOf(","))), line]));
    const text = [header, ...CodeTable.codes().map((code) => byCode.get(code)), ""].join("\n");
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    make("a", { href: address, download: "codes.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address));
  });
})();
