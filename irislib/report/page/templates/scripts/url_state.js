// The state of the table in the query part of the address, so that a link brings it back.
"use strict";

const UrlState = (() => {
  const read = () => new URLSearchParams(location.search);

  // Leaves the fragment and the history alone.
  function write(state) {
    const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value)).toString();
    const address = `${location.pathname}${query && "?"}${query}${location.hash}`;
    if (`${location.pathname}${location.search}${location.hash}` !== address) history.replaceState(null, "", address);
  }

  const codeOfHash = () => {
    const found = /^#code-(\d+)$/.exec(location.hash);
    return found && document.getElementById(found[0].slice(1)) ? Number(found[1]) : null;
  };

  return { read, write, codeOfHash };
})();
