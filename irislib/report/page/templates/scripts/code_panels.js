// The parts of the view of a code.
"use strict";

const CodePanels = (() => {
  const part = (heading, ...children) => make("section", {}, make("h3", {}, heading), ...children);
  const text = (words) => make("p", {}, words);
  const header = (...names) => make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, name))));
  const table = (names, rows) => {
    const cell = (content, i) =>
      i ? make("td", { "data-name": names[i] }, ...[content].flat()) : make("th", { scope: "row" }, content);
    return make("table.small", {}, header(...names), make("tbody", {}, rows.map((row) => make("tr", {}, row.map(cell)))));
  };

  function frames(view) {
    const data = Explorer.read();
    const shown = view.frames.map(([frame, map, kind, strength, label]) => {
      const seen = label < 0 ? `world hidden (${data.hidden})` : data.labels[label];
      const name = data.classes[kind];
      const about = `Frame of ${Explorer.when(frame)} under the map of the code`;
      const picture = make("div.framed", {}, Explorer.picture("v", frame, about), kind < 3 ? Maps.layers(map) : null);
      const facts = name === "empty" ? "empty map" : `${name}: ${strength}`;
      return make("figure", {}, picture, make("figcaption", {}, `${facts} · ${seen}`, make("small", {}, Explorer.when(frame))));
    });
    if (!shown.length) return part("Frames", text("The code is in no frame."));
    const counts = view.classes.map((count, i) => `${count.toLocaleString("en")} ${count === 1 ? "is" : "are"} ${data.classes[i]}`).join(", ");
    const grid = make("div.enlarged", {}, ...shown);
    const opacity = make("input", { type: "range", min: 0, max: 100, value: 60 });
    const outline = make("input", { type: "checkbox", checked: true });
    opacity.addEventListener("input", () => grid.style.setProperty("--opacity", opacity.value / 100));
    outline.addEventListener("change", () => grid.classList.toggle("bare", !outline.checked));
    const controls = [
      make("label", {}, "opacity of the map ", opacity),
      make("label", {}, outline, " outline at half of the map’s maximum"),
    ];
    return part(
      "Frames under its map",
      text(
        `The map shows what the code changes in the decoded frame; its strength is the largest change. Of ` +
        `${many(view.classes.reduce((a, b) => a + b), "map")}, ${counts} (high: above two thirds of the code’s ` +
        `strongest map; low: at most one third). The frames below are evenly spaced over each of these classes, ` +
        `out of ${data.pool.length} frames that this page holds; nobody picked them.`,
      ),
      make("p.adjust", {}, ...controls), grid,
    );
  }

  function crops(view) {
    const [first, shown, all] = view.crops;
    if (!all) return part("Crops", text("The code has no crop."));
    const which = shown === all ? (all === 1 ? "The only crop" : `All ${all} different crops`) : `${shown} of ${all} different crops, evenly spaced`;
    const pictures = Array.from({ length: shown }, (_, i) => Explorer.picture("k", first + i));
    return part("Crops", text(`${which}, enlarged.`), make("div.enlarged-crops", { role: "img", "aria-label": `crops: ${which}` }, ...pictures));
  }

  function labels(view) {
    const data = Explorer.read();
    const rows = view.labels.map(([label, mass, place, confirmed, iou]) => [
      data.labels[label],
      [Charts.share(mass, "own"), percent(mass)],
      place === null ? "not compared" : [Charts.share(place, "elsewhere"), percent(place)],
      confirmed === null ? "not tested" : percent(confirmed),
      iou === null ? "" : String(Number(iou.toPrecision(2))),
    ]);
    const names = ["label", "share of the mass of its maps", "same places, other episodes", "divisions that confirm more", "IoU"];
    const defined = view.definitions.map((one) => one.map((word) => data.words[word]));
    return part(
      "What it shows",
      rows.length ? table(names, rows) : text("No label is known of it."),
      table(["definition of its label", "label", "numbers"], defined.map(([name, label, numbers]) => [name, label || "none", numbers])),
      view.agreement ? make(view.agreement.startsWith("All") ? "p" : "p.flag", {}, view.agreement) : null,
    );
  }

  function strength(view) {
    const { strongest } = Explorer.read(), step = strongest / view.strength.length;
    const about = (i) => `${(i * step).toFixed(2)} to ${((i + 1) * step).toFixed(2)}: ${many(view.strength[i], "occurrence")}`;
    const whole = `Occurrences by map strength. ${view.strength.map((n, i) => (n ? about(i) : "")).filter(Boolean).join("; ")}`;
    const scale = make("p.scale", {}, make("span", {}, "0"), make("span", {}, `${strongest} (strongest map of any code)`));
    return part("How strong its maps are", Charts.bars(view.strength, whole, about), scale);
  }

  function usage(view) {
    const { grid: [rows, columns], episodes } = Explorer.read();
    const [chart, about] = Charts.places(view.places, rows, columns);
    const used = view.episodes.filter(Boolean).length, per = episodes.per_bar;
    const name = (i) => (per === 1 ? `episode ${i}` : `episodes ${i * per} to ${Math.min((i + 1) * per, episodes.count) - 1}`);
    const bar = (i) => `${name(i)}: ${many(view.episodes[i], "token")}`;
    const said = per === 1 ? `In ${used} of ${many(episodes.count, "episode")}.` : `One bar is ${per} episodes.`;
    return [
      part("Where it stands", chart, text(`${about[0].toUpperCase()}${about.slice(1)}.`)),
      part("Uses per episode", Charts.bars(view.episodes, `Tokens by episode. ${said}`, bar), text(said)),
    ];
  }

  function neighbours(view) {
    const name = (code) => { const { title } = Explorer.read().codes[code]; return [codeLink(code), title ? ` ${title}` : ""]; };
    const row = ([code, ...numbers]) => [make("span", {}, ...name(code)), ...numbers.map((n) => n.toLocaleString("en"))];
    const paired = view.pairs.map(([code, count, expected, confirmed]) => [
      make("span", {}, ...name(code)), count.toLocaleString("en"), expected.toLocaleString("en"), percent(confirmed)]);
    return [
      paired.length
        ? part("Partners", text("Pairs of consistent codes, most frequent first."), table(["code", "together", "expected", "confirmed"], paired))
        : part("In the same observations", text("The codes that are most often in the same observations. PMI: how many times as often as by chance, as a logarithm: 0 is chance, 1 is twice as often."),
          view.together.length ? table(["code", "observations", "PMI"], view.together.map(row)) : text("There is no other code in them.")),
      part("Nearest in the codebook", text("The codes whose vectors are most similar; the cosine of equal directions is 1."),
        view.nearest.length ? table(["code", "cosine"], view.nearest.map(row)) : text("There is no other code.")),
    ];
  }

  function tests(view) {
    const { words } = Explorer.read();
    const rows = view.tests.map((row) => row.map((word) => words[word] || "–"));
    return part("Its tests", table(["question", "value", "compared with", "measured on", "outcome"], rows));
  }

  const verdict = (view) => make("ul.verdict", {}, view.verdict.map((word) => make("li", {}, Explorer.read().words[word])));

  return {
    all: (view) => [verdict(view), frames(view), crops(view), labels(view), make("div.panels", {}, strength(view), ...usage(view), ...neighbours(view)), tests(view)],
  };
})();
