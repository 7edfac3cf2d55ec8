// Words beside arrows, placed so that no two overlap. A label that finds no room is left out: pointing at the arrow shows it.

const LETTER = 6.05;         // px of one letter of the small monospaced font

function widthOf(text) {
  let width = 0;
  for (const letter of text) width += letter.codePointAt(0) < 0x1100 ? LETTER : 2 * LETTER;
  return width;
}

// Boxes that are taken, in cells of a grid.
function taken() {
  const cells = new Map();
  const over = (box, visit) => {
    for (let a = Math.floor((box.x - box.w) / 64); a <= Math.floor((box.x + box.w) / 64); a++) {
      for (let b = Math.floor((box.y - box.h) / 32); b <= Math.floor((box.y + box.h) / 32); b++) {
        if (visit(a * 4194304 + b)) return true;
      }
    }
    return false;
  };
  return {
    free: (box) => !over(box, (cell) => (cells.get(cell) ?? []).some((other) =>
      Math.abs(other.x - box.x) < other.w + box.w && Math.abs(other.y - box.y) < other.h + box.h)),
    take: (box) => over(box, (cell) => {
      if (cells.has(cell)) cells.get(cell).push(box); else cells.set(cell, [box]);
      return false;
    }),
  };
}

function copyLabel(copy) {
  return copy.messages.map(([kind, subject]) => (subject ? `${kind} ${shortSubject(subject)}` : kind)).join(" + ");
}

// One label for each broadcast and side, at the sender's end. Broadcasts that were lost say why.
function labelsOf(block, arrows, bars, calls, bands, layout) {
  const grid = taken(), labels = [], done = new Map(), least = block.left - 6, most = block.right + 14;
  const put = (text, tries, rest, pushed = false) => {
    const w = widthOf(text) / 2 + 3;
    for (const [x, y] of tries(w)) {
      const box = { x: layout.across || !pushed ? x : Math.max(least + w, Math.min(most - w, x)), y, w, h: 6.5 };
      if (!layout.across && (box.x - w < least || box.x + w > most)) continue;
      if (!grid.free(box)) continue;
      grid.take(box);
      const label = { text, x: box.x, y, w, p: layout.across ? x : y, ...rest };
      labels.push(label);
      return label;
    }
    return null;
  };
  const screen = (x, p) => (layout.across ? [p, x] : [x, p]);
  for (const call of calls) if (signOf(block.run, call.c)) {
    for (const [x, y] of signPlaces(call).map((p) => screen(call.x, p))) grid.take({ x, y, w: 8, h: 8 });
  }
  for (const call of calls) {
    const text = clipped(callText(call.call), 12);
    put(text, (w) => (call.own ? [[-1, 6], [1, 6], [-1, 18], [1, 18]] : [[1, 6], [1, 18], [-1, 6], [-1, 18]]).map(([side, down]) => (layout.across ? [call.p + w, call.x + 14 + (side + 1) * 7] : [call.x + side * (w + 7), call.p + down])),
      { kind: "client", call });
  }
  for (const one of bands) {
    put(clipped(bandText(one.band), 40), (w) => bandTries(one, w, layout), { kind: `band ${one.band.kind}`, band: one });
  }
  for (const arrow of arrows) {
    const { copy, run } = arrow;
    if (copy.background && !chained(run, copy)) continue;
    const key = `${copy.from} ${run.events[copy.left].at} ${arrow.sign} ${arrow.end} ${copyLabel(copy)}`;
    if (done.has(key)) { done.get(key).arrows.push(arrow); continue; }
    const what = copyLabel(copy), whole = copy.why ? `${what}: ${copy.why}` : what;
    const kind = copy.lost ? "lost" : copy.tint;
    const tries = (w) => triesOf(arrow, w, layout, screen);
    const fits = (text, pushed) => put(text, tries, { kind, arrows: [arrow] }, pushed);
    const label = (whole !== what && fits(clipped(whole, 38))) || fits(clipped(what, 30)) || fits(clipped(what, 30), true);
    if (label) done.set(key, label);
  }
  for (const bar of bars) {
    if (bar.state !== "leader" || bar.rank === null || bar.rank === undefined) continue;
    put(`leads, rank ${bar.rank}`, (w) => [[-1, 8], [1, 8], [-1, 20], [1, 20], [-1, 34], [1, 34]].map(([side, down]) =>
      (layout.across ? [bar.p + down + w, bar.x + side * 13] : [bar.x + side * (w + 9), bar.p + down])), { kind: "rank", bar });
  }
  return bucketed(labels, (label) => label.p, (label) => label.p);
}

// Places for a label, the best first: beside the sender, then further along the line.
function triesOf(arrow, w, layout, screen) {
  const { x1, p1, x2, p2, sign } = arrow;
  if (layout.across) return [0.2, 0.35, 0.5, 0.65, 0.8].map((share) => screen(x1 + (x2 - x1) * share, p1 + (p2 - p1) * share));
  if (arrow.end === "cross" && arrow.copy.lost === "sender") {
    return [0, 12, -12, 24, 36].map((down) => [x2 + sign * (w + 7), p2 + down]);
  }
  const tries = [0, 0.15, 0.3, 0.45, 0.6].map((share) => {
    const near = x1 + sign * (w + 4), x = near + (x2 - sign * (w + 10) - near) * share;
    return [x, p1 + (p2 - p1) * Math.max(0, Math.min(1, (x - x1) / (x2 - x1)))];
  });
  // A line too short for the label, or one whose place is taken: under the sender's end.
  tries.push([x1 + sign * (w + 4), p1 + 12], [x1 + sign * (w + 4), p1 - 12]);
  return tries;
}
