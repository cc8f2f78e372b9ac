// Makes elements. The scripts of the page share one block, so that each file can use the ones before it.
"use strict";

// make("p.note", {title: "…"}, "text", child): a tag with classes, attributes, and children; null is no child.
function make(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

function codeLink(code, text = String(code)) {
  return make("a", { href: `#code-${code}` }, text);
}

function many(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

// A share with three significant digits, as irislib.report.wording.percent writes it.
function percent(share) {
  if (share === null) return "undefined";
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value}%`;
  return value < 99.95 ? `${Number(value.toPrecision(3))}%` : `${value.toFixed(2)}%`;
}

// An SVG element. Its namespace is asked of the parser: the page holds no address.
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;
function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
