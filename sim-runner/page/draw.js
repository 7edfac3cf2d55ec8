// The picture: an SVG as large as its frame, which holds what can be seen and half a frame more at each end.
// Lines of one look are one path, so that the number of elements stays small however much is drawn.

const MOST_SHAPES = 9000;    // arrows, dots and ticks in one drawing
const MOST_TEXTS = 1400;
const HUES = [210, 30, 130, 280, 320, 60, 180, 250];

const picture = { from: 0, to: -1, layout: null, left: 0 };

function svgElement(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// Collects lines by their class and writes them as paths. `x` is across the lanes and `p` along the time.
class Pen {
  constructor(group, across) {
    const more = picture.printing ? 10 : 1;
    Object.assign(this, { group, across, paths: new Map(), shapes: MOST_SHAPES * more, texts: MOST_TEXTS * more, missing: 0 });
  }

  point(x, p) {
    return this.across ? `${p.toFixed(1)} ${x.toFixed(1)}` : `${x.toFixed(1)} ${p.toFixed(1)}`;
  }

  add(look, d) {
    if (--this.shapes < 0) { this.missing++; return; }
    const list = this.paths.get(look);
    if (list) list.push(d); else this.paths.set(look, [d]);
  }

  line(look, x1, p1, x2, p2) { this.add(look, `M${this.point(x1, p1)}L${this.point(x2, p2)}`); }

  box(look, x, p, w, length) {
    this.add(look, `M${this.point(x, p)}L${this.point(x + w, p)}L${this.point(x + w, p + length)}L${this.point(x, p + length)}Z`);
  }

  circle(look, x, p, r) {
    const [a, b] = this.across ? [p, x] : [x, p];
    this.add(look, `M${(a - r).toFixed(1)} ${b.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`);
  }

  cross(look, x, p, r = 3.5) {
    this.line(look, x - r, p - r, x + r, p + r);
    this.line(look, x - r, p + r, x + r, p - r);
  }

  head(look, x1, p1, x2, p2) {
    const length = Math.hypot(x2 - x1, p2 - p1) || 1, u = (x2 - x1) / length, v = (p2 - p1) / length;
    const [bx, bp] = [x2 - 7 * u, p2 - 7 * v];
    this.add(look, `M${this.point(x2, p2)}L${this.point(bx - 3.2 * v, bp + 3.2 * u)}L${this.point(bx + 3.2 * v, bp - 3.2 * u)}Z`);
  }

  // Writes what was collected: later calls draw above it.
  flush() {
    for (const [look, list] of this.paths) this.group.append(svgElement("path", { class: look, d: list.join("") }));
    this.paths.clear();
  }

  // Text stands where the screen says, whatever the direction of time is.
  text(look, x, y, text, anchor = "start") {
    if (--this.texts < 0) { this.missing++; return; }
    this.group.append(svgElement("text", { class: look, x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }, text));
  }
}

// Whether an event stays beside the cone: 0 faded, 1 in the cone, 2 lost on the way from it.
function inCone(run, i) {
  const { cone } = view;
  if (!cone) return 1;
  const common = view.runs.length > 1 ? view.runs[1].from : 0;
  return cone.run === run || i < common ? cone.member[i] ?? 0 : 0;
}

function look(run, i, base) {
  return inCone(run, i) ? base : `${base} faded`;
}

// An arrow is in the cone if both its ends are, or where it was lost if it left from there.
function arrowInside({ run, copy }) {
  return inCone(run, copy.left) !== 0 && inCone(run, copy.ended < 0 ? copy.left : copy.ended) !== 0;
}

function resized() {
  const { layout } = picture, across = layout.across;
  page.sizer.style.width = `${Math.ceil(across ? layout.length : layout.width)}px`;
  page.sizer.style.height = `${Math.ceil(across ? layout.width : layout.length)}px`;
  picture.to = -1;
}

// Draws what the frame shows, if that is not drawn already, and moves the drawing to where the frame stands.
function drawn(anew) {
  const { layout } = picture, { frame, svg } = page;
  if (!layout) return;
  const printing = picture.printing === true;
  const whole = layout.across ? [layout.length, layout.width] : [layout.width, layout.length];
  const size = printing ? whole : [frame.clientWidth, frame.clientHeight];
  const at = printing ? 0 : layout.across ? frame.scrollLeft : frame.scrollTop, span = layout.across ? size[0] : size[1];
  if (anew || at < picture.from || at + span > picture.to) {
    picture.from = Math.max(0, at - span / 2);
    picture.to = printing ? layout.length : at + span * 1.5;
    const began = performance.now();
    painted(layout, picture.from - 40, picture.to + 40);
    picture.took = performance.now() - began;
    document.documentElement.dataset.drawn = svg.querySelectorAll("*").length;
    page.missing.textContent = picture.left ? `${picture.left} shapes are too dense to draw here: zoom in, or filter.` : "";
  }
  svg.setAttribute("width", size[0]);
  svg.setAttribute("height", size[1]);
  svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  const [left, top] = printing ? [0, 0] : [frame.scrollLeft, frame.scrollTop];
  page.world.setAttribute("transform", `translate(${-left} ${-top})`);
  page.axis.setAttribute("transform", layout.across ? `translate(${-left} 0)` : `translate(0 ${-top})`);
  page.head.setAttribute("transform", layout.across ? `translate(0 ${-top})` : `translate(${-left} 0)`);
}

function painted(layout, from, to) {
  for (const group of [page.world, page.axis, page.head]) group.replaceChildren();
  picture.left = 0;
  for (const part of layout.parts) {
    if (part.run.position > 0 && layout.split === null) continue;
    const group = svgElement("g", {});
    if (part.run.position > 0) {
      const clip = svgElement("clipPath", { id: "later" });
      const [w, h] = [layout.width * 2, layout.length];
      clip.append(svgElement("rect", layout.across ? { x: layout.split, y: 0, width: h, height: w } : { x: 0, y: layout.split, width: w, height: h }));
      page.world.append(clip);
      group.setAttribute("clip-path", "url(#later)");
    }
    page.world.append(group);
    const pen = new Pen(group, layout.across);
    ground(pen, part, layout, from, to);
    lanes(pen, part, from, to);
    arrowsAndDots(pen, part, from, to);
    words(pen, part, layout, from, to);
    signsDrawn(pen, part, from, to);
    picture.left += pen.missing;
  }
  marks(layout, from, to);
  axisAndHead(layout, from, to);
}

// Machines, breaks, steps and the blame curve: what lies under everything.
function ground(pen, part, layout, from, to) {
  const { block, run } = part, begin = Math.max(HEAD - 10, from), end = Math.min(layout.length - 8, to);
  for (const machine of block.machines) pen.box("band", machine.left - 24, begin, machine.right - machine.left + 48, end - begin);
  pen.flush();
  bandsDrawn(pen, part, from, to);
  for (const gap of layout.scale.breaks) {
    if (gap.at < from || gap.at > to) continue;
    pen.line("break", block.left, gap.at, block.end - 12, gap.at);
  }
  for (const step of part.steps(from, to)) pen.line("step", block.left, step.p, block.notes.x - 10, step.p);
  if (run.data.blame && run.position === 0) {
    const x = AXIS + 6, points = run.data.blame.points.map((one) => [x + (one.of ? (46 * one.failed) / one.of : 0), positionOf(layout.scale, one.at)]);
    pen.line("thin", x, begin, x, end);
    pen.line("break", x + 46, begin, x + 46, end);
    for (let k = 1; k < points.length; k++) {
      pen.line("blame", points[k - 1][0], points[k - 1][1], points[k - 1][0], points[k][1]);
      pen.line("blame", points[k - 1][0], points[k][1], points[k][0], points[k][1]);
    }
  }
  pen.flush();
}

// The lanes with who led, campaigned, slept or was down; syncs; and the lanes of calls.
function lanes(pen, part, from, to) {
  const { run, block } = part;
  for (const bar of part.bars(from, to)) {
    const p = Math.max(bar.p, from), q = Math.min(bar.q, to), { x } = bar;
    if (bar.state === "down") pen.line("down", x, p, x, q);
    else if (bar.state === "paused") {
      pen.box("pausedbox", x - 5, p, 10, q - p);
      for (let h = p + 4; h < q; h += 8) pen.line("hatch", x - 5, h, x + 5, Math.max(p, h - 6));
    } else if (bar.state === "slow") {
      for (let h = p + 4; h < q; h += 6) pen.line("hatch", x + 6, h, x + 11, Math.max(p, h - 4));
    } else if (bar.state === "leader") pen.box(`bar rank${hueOf(bar.rank)}`, x - 5, p, 10, q - p);
    else if (bar.state === "candidate") pen.box("candidate", x - 3, p, 6, q - p);
    else pen.line("lane", x, p, x, q);
  }
  for (const tick of part.ticks(from, to)) pen.line(look(run, tick.i, "tick"), tick.x - 8, tick.p, tick.x + 8, tick.p);
  for (const column of block.callers) if (!column.own) pen.line("thin", column.x, Math.max(from, HEAD), column.x, to);
  for (const one of part.calls(from, to)) {
    pen.box(`call${one.call.answered === undefined ? " open" : ""}${run.judged.get(one.c)?.fits === false ? " misfit" : ""}`, one.x - 4, one.p, 8, Math.max(3, one.q - one.p));
  }
  pen.flush();
}

// Each leadership has its own hue, in the order in which the ranks appeared.
function hueOf(rank) {
  let k = view.ranks.indexOf(rank);
  if (k < 0) k = view.ranks.push(rank) - 1;
  return k % HUES.length;
}

function arrowsAndDots(pen, part, from, to) {
  const { run } = part, arrows = part.arrows(from, to);
  const order = (arrow) => (arrow.copy.background ? 0 : 1);
  for (const arrow of arrows.sort((a, b) => order(a) - order(b))) {
    const { copy, x1, p1, x2, p2 } = arrow, chain = chained(run, copy);
    const inside = arrowInside(arrow);
    let extra = inside ? "" : " faded";
    if (chain) extra = " chain";
    if (arrow.end === "cross") {
      const thin = copy.background ? " thinline" : "";
      pen.line(`lost${thin}${extra}`, x1, p1, x2, p2);
      pen.cross(`lostcross${thin}${extra}`, x2, p2);
    } else if (copy.background && !chain) pen.line(`background${extra}`, x1, p1, x2, p2);
    else {
      const open = arrow.end === "under way";
      pen.line(`line ${copy.tint}${open ? " open" : ""}${extra}`, x1, p1, x2, p2);
      if (open) pen.circle(`ring ${copy.tint}${extra}`, x2, p2, 3.5);
      else pen.head(`head ${copy.tint}${extra}`, x1, p1, x2, p2);
    }
  }
  pen.flush();
  for (const dot of part.dots(from, to)) {
    const base = look(run, dot.i, `dot ${dot.class}`);
    if (dot.class === "fault") pen.add(base, `M${pen.point(dot.x - 5, dot.p)}L${pen.point(dot.x, dot.p - 5)}L${pen.point(dot.x + 5, dot.p)}L${pen.point(dot.x, dot.p + 5)}Z`);
    else pen.circle(base, dot.x, dot.p, dot.class === "life" ? 3.6 : 3);
  }
  pen.flush();
}

// Labels on plates, and the column of notes with lines that lead to their moments.
function words(pen, part, layout, from, to) {
  const { run, block } = part, labels = part.labels(from, to);
  for (const label of labels) {
    const [x, y] = [label.x - label.w, label.y - 6.5];
    pen.add("plate", `M${x.toFixed(1)} ${y.toFixed(1)}h${(2 * label.w).toFixed(1)}v13h${(-2 * label.w).toFixed(1)}z`);
  }
  pen.flush();
  for (const label of labels) {
    const base = `label ${label.kind}`;
    const shade = label.band ? base : !label.arrows ? look(run, label.call ? label.call.call.asked : label.bar.after, base)
      : label.arrows.some((arrow) => arrowInside(arrow)) ? base : `${base} faded`;
    pen.text(shade, label.x, label.y + 3.5, label.text, "middle");
  }
  for (const gap of layout.scale.breaks) {
    if (gap.at < from || gap.at > to || run.position > 0) continue;
    const hidden = hiddenBetween(run, gap);
    const text = `${seconds(gap.to - gap.from, 2)} s${hidden && !layout.across ? `, ${hidden} routine datagrams` : ""}`;
    const w = widthOf(text) + 8, [left, y] = layout.across ? [gap.at - w / 2, AXIS + 18] : [block.left - 4, gap.at];
    pen.add("plate solid", `M${left.toFixed(1)} ${(y - 7).toFixed(1)}h${w.toFixed(1)}v14h${(-w).toFixed(1)}z`);
    pen.flush();
    pen.text("label break", left + 4, y + 3.5, text);
  }
  if (!block.notes.width) return;
  let shown = "";
  const letters = Math.floor((block.notes.width - 108) / LETTER);
  for (const row of part.rows(from, to)) {
    const i = row.indexes[0], time = seconds(row.at), inside = row.indexes.some((k) => inCone(run, k)) || row.class === "step";
    const shade = `note ${row.class}${inside ? "" : " faded"}`;
    if (time !== shown) pen.text(`${shade} time`, block.notes.x, row.y + 4, time);
    shown = time;
    pen.text(shade, block.notes.x + 48, row.y + 4, row.who);
    pen.text(shade, block.notes.x + 102, row.y + 4, clipped(row.text, letters));
    if (row.y - row.p > 4) pen.line("lead", block.notes.x - 12, row.p, block.notes.x - 4, row.y);
    if (i === view.cursor.event && run.position === view.cursor.run) pen.box("chosenrow", block.notes.x - 3, row.y - 6, block.notes.width, 13);
  }
  pen.flush();
}

// How many datagrams of the background left in a break and are not drawn.
function hiddenBetween(run, gap) {
  if (gap.hidden === undefined) {
    gap.hidden = run.copies.filter((copy) => copy.background && run.events[copy.left].at > gap.from && run.events[copy.left].at < gap.to).length;
  }
  return view.routine ? 0 : gap.hidden;
}

// The moment that is shown, the moment of the verdict, and the first difference of two runs.
function marks(layout, from, to) {
  const pen = new Pen(page.world, layout.across);
  const along = (p, left, words, look, under = false) => {
    if (p < from || p > to) return;
    pen.line(look, AXIS - 4, p, layout.blocks.at(-1).right + 12, p);
    // At the right end of the lanes, away from what the lanes at the left say of this moment.
    const w = widthOf(words) * 1.05 + 8;
    const [x, y] = layout.across ? [p + 6, layout.width - 8] : [Math.max(left, layout.blocks.at(-1).right + 8 - w), p + (under ? 11 : -9)];
    if (words) pen.add("plate", `M${(x - 4).toFixed(1)} ${(y - 7).toFixed(1)}h${w.toFixed(1)}v14h${(-w).toFixed(1)}z`);
    pen.flush();
    if (words) pen.text(`label ${look}`, x, y + 3.5, words);
  };
  for (const { run, left, at } of layout.blocks) {
    if (!failing(run) || !run.events.length || (run.position > 0 && layout.split === null)) continue;
    const { verdict } = run.data, event = run.events[run.verdictAt], p = positionOf(layout.scale, event.at), x = at.get(laneName(run, event.who, view));
    along(p + 2, left, `${verdict.name}${verdict.property ? `: ${verdict.property}` : ""}`, "verdictline", true);
    if (x !== undefined) pen.circle("verdictring", x, p, 12);
    pen.flush();
  }
  if (layout.split !== null) along(layout.split, layout.blocks[1].left, "first difference", "splitline", true);
  const chosen = view.runs[view.cursor.run], event = chosen.events[view.cursor.event];
  if (!event) return;
  const p = positionOf(layout.scale, event.at);
  along(p, 0, "", "cursor");
  const block = layout.blocks[view.cursor.run], x = event.who === undefined ? undefined : block.at.get(laneName(chosen, event.who, view));
  if (x !== undefined) pen.circle("chosenring", x, p, 8);
  pen.flush();
}

// Times at one side and names at the other; both stay in the frame.
function axisAndHead(layout, from, to) {
  const { across } = layout, far = Math.max(layout.length, layout.width) + 4000;
  const axis = new Pen(page.axis, across), head = new Pen(page.head, across);
  axis.box("paper", 0, from - 100, AXIS - 2, to - from + 4000);
  axis.flush();
  if (!layout.axis) {
    let last = -Infinity;
    const list = [];
    layout.scale.positions.forEach((p, k) => { if (p - last >= (across ? 56 : 26)) { list.push({ p, time: layout.scale.times[k] }); last = p; } });
    layout.axis = bucketed(list, (one) => one.p, (one) => one.p);
  }
  for (const one of layout.axis(from, to)) {
    axis.line("thin", AXIS - 8, one.p, AXIS - 3, one.p);
    if (across) axis.text("label axis", one.p, AXIS - 12, seconds(one.time), "middle"); else axis.text("label axis", 4, one.p + 3.5, seconds(one.time));
  }
  axis.flush();
  head.box("paper", -far, 0, 2 * far, HEAD - 6);
  head.flush();
  for (const block of layout.blocks) {
    const place = (x, depth, text, style, anchor = "middle") => (across ? head.text(style, depth > 20 ? 4 : 4, x + (depth > 20 ? 4 : 4), text) : head.text(style, x, depth, text, anchor));
    for (const machine of block.machines) {
      const text = machine.machine === Infinity ? "clients" : `machine ${machine.machine}`;
      if (!across) place(machine.left - 22, 14, text, "headname", "start");
    }
    for (const lane of block.lanes) place(lane.x, 32, lane.id, "lanename");
    for (const column of block.callers) if (!column.own) place(column.x, 32, across ? `${column.process}?` : `${column.process} asks`, "headname");
    if (!across && block.run.data.blame && block.run.position === 0) head.text("headname", AXIS + 4, 32, "fails");
    if (view.runs.length > 1 && !across) head.text("headname strong", block.notes.x, 14, `${block.run.position ? "B" : "A"}: ${clipped(block.run.data.name, 48)}`);
  }
}

// What lies at a point of the picture: { run, event } and what it is, or the moment alone.
function thingAt(clientX, clientY) {
  const { layout } = picture, box = page.frame.getBoundingClientRect();
  const sx = clientX - box.left - page.frame.clientLeft + page.frame.scrollLeft, sy = clientY - box.top - page.frame.clientTop + page.frame.scrollTop;
  const [x, p] = layout.across ? [sy, sx] : [sx, sy];
  for (const part of layout.parts) {
    if (part.run.position > 0 && (layout.split === null || p < layout.split)) continue;
    const { run } = part;
    for (const row of layout.across ? [] : part.rows(p - DRIFT - LINE, p + 8)) {
      if (x > part.block.notes.x - 6 && x < part.block.end && Math.abs(row.y - p) < LINE / 2) return { run, event: row.indexes[0] };
    }
    for (const label of part.labels(p - 260, p + 260)) {
      if (label.arrows && Math.abs(label.x - sx) < label.w && Math.abs(label.y - sy) < 7) return ofArrow(run, label.arrows[0], 0);
      if (label.band && Math.abs(label.x - sx) < label.w && Math.abs(label.y - sy) < 7) return { run, event: label.band.band.after, band: label.band.band };
      if (label.call && Math.abs(label.x - sx) < label.w && Math.abs(label.y - sy) < 7) return { run, event: label.call.call.asked, call: label.call.call };
    }
    let best = null, near = 8;
    for (const dot of part.dots(p - 8, p + 8)) {
      const away = Math.hypot(dot.x - x, dot.p - p);
      if (away < near) { near = away; best = { run, event: dot.i }; }
    }
    if (best) return best;
    for (const one of part.calls(p - 2, p + 2)) if (Math.abs(one.x - x) < 6) return { run, event: one.call.asked, call: one.call };
    near = 6;
    for (const arrow of part.arrows(p - 8, p + 8)) {
      const dx = arrow.x2 - arrow.x1, dp = arrow.p2 - arrow.p1;
      const share = Math.max(0, Math.min(1, ((x - arrow.x1) * dx + (p - arrow.p1) * dp) / (dx * dx + dp * dp || 1)));
      const away = Math.hypot(arrow.x1 + share * dx - x, arrow.p1 + share * dp - p);
      if (away < near) { near = away; best = ofArrow(run, arrow, share); }
    }
    if (best) return best;
  }
  return { run: null, moment: timeAt(layout.scale, p), x };
}

function ofArrow(run, arrow, share) {
  const { copy } = arrow;
  return { run, event: share > 0.5 && copy.ended >= 0 ? copy.ended : copy.left, copy };
}
