// A link that counts codes asks the table to show exactly these. Without scripts it leads to the table.
"use strict";
(() => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-codes]");
    if (!link) return;
    const codes = link.dataset.codes.split(" ").map(Number);
    document.dispatchEvent(new CustomEvent("codes:chosen", { detail: { codes, why: link.textContent } }));
  });
})();
