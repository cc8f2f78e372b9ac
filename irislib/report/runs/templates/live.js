// Loads the page again until the training has ended, unless the reader unchecks it.
"use strict";
(() => {
  const again = document.getElementById("again");
  if (!again) return;
  let timer;
  function plan() {
    clearTimeout(timer);
    if (again.checked) timer = setTimeout(() => location.reload(), 1000 * again.dataset.seconds);
  }
  again.addEventListener("change", plan);
  again.closest("p").hidden = false;
  plan();
})();
