// What stood between processes, from when to when: links that were cut or clogged, and rules in force.

const MOST_RULES = 4;        // rules beside each other, in the margin of the lanes

// `cut: S0 | S1 S2`, `held: S0 → S1`, or the rule in words.
function bandText(band) {
  if (band.kind === "rule") return `rule: ${band.text}`;
  const sides = band.sides.map((side) => side.join(" ")).join(band.one_way ? " → " : " | ");
  return `${band.kind === "cut" ? "cut" : "held"}: ${sides}`;
}

// Bands with their places. Those that overlap in time have levels of their own, so that their marks stand side by side.
function placedBands(run, block, across, place, scale) {
  const list = [], free = { rule: [], link: [] };
  for (const band of run.data.bands ?? []) {
    const of = (id) => across(id), lanes = band.sides.map((side) => [...new Set(side.map(of).filter((x) => x !== undefined))]);
    const [p, q] = [place(band.after), band.until === undefined ? scale.end - 20 : place(band.until)];
    const isRule = band.kind === "rule", all = lanes.flat();
    // Where a side is hidden, nothing lies between.
    if (!isRule && lanes.filter((side) => side.length).length < 2) continue;
    const levels = free[isRule ? "rule" : "link"];
    let level = levels.findIndex((until) => until <= p);
    if (level < 0) level = levels.length;
    if (isRule && level >= MOST_RULES) continue;
    levels[level] = q;
    const [left, right] = isRule ? [block.right - 2 - 5 * level, block.right - 2 - 5 * level] : [Math.min(...all), Math.max(...all)];
    list.push({ band, run, lanes, level, p, q, left, right });
  }
  return list;
}

// A pale field across the lanes with its marks: the sides of a cut have lines of different kinds beside their lanes.
function bandsDrawn(pen, part, from, to) {
  const seen = part.bands(from, to);
  for (const { band, left, right, p, q } of seen) {
    if (band.kind === "rule") continue;
    const [a, z] = [Math.max(p, from), Math.min(q, to)];
    pen.box(`field ${band.kind}`, left - 18, a, right - left + 36, z - a);
    for (const end of band.until === undefined ? [p] : [p, q]) if (end >= from && end <= to) pen.line(`edge ${band.kind}`, left - 18, end, right + 18, end);
  }
  pen.flush();
  for (const { band, lanes, level, left, p, q } of seen) {
    const [a, z] = [Math.max(p, from), Math.min(q, to)];
    if (band.kind === "rule") pen.line("rulebar", left, a, left, z);
    else lanes.forEach((side, k) => side.forEach((x) => pen.line(`side side${k % 3} ${band.kind}`, x - 9 - 4 * (level % 3), a, x - 9 - 4 * (level % 3), z)));
  }
  pen.flush();
}

// Places for the words of a band, the best first: at its beginning, from one end to the other.
function bandTries({ band, left, right, p }, w, layout) {
  const down = [9, 22, 35];
  if (layout.across) return down.map((y) => [p + w + 4, band.kind === "rule" ? left - y : left + y]);
  if (band.kind === "rule") return down.map((y) => [left - w - 4, p + y]);
  return down.flatMap((y) => [left + w - 6, (left + right) / 2, right - w + 6].map((x) => [x, p + y]));
}

// What stands between processes at the moment, as a list.
function bandList(run, moment) {
  const some = (run.data.bands ?? []).filter((band) => band.after <= moment && (band.until === undefined || band.until > moment));
  if (!some.length) return "";
  const list = make("ul", { class: "ways" });
  for (const band of some.slice(0, 20)) {
    const until = band.until === undefined ? "the end" : `${seconds(run.events[band.until].at)} s`;
    list.append(make("li", {}, make("button", { type: "button", class: "link", click: () => chooseEvent(run, band.after) },
      quoted(bandText(band)), make("span", { class: "dim" }, ` ${seconds(run.events[band.after].at)} s to ${until}`))));
  }
  return make("div", { class: "bands" }, make("h3", {}, `Between processes: ${some.length}`), list,
    some.length > 20 ? make("p", { class: "dim" }, `and ${some.length - 20} more`) : "");
}
