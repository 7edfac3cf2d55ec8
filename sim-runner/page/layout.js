// Where everything is: lanes across, time along. `along` is down the page, or to the right in the overview.

const LINE = 13;             // px for one line of notes
const GAP = 26;              // px between machines
const IDLE = 150000;         // idleness of more microseconds than this is drawn as a break
const HEAD = 44;             // px for the names of the lanes
const AXIS = 60;             // px for the times
const BUCKET = 512;          // px of one bucket of the index by position
const DRIFT = 160;           // px that a note may stand away from its moment where time is linear

function shownCopy(run, copy, view) {
  if (copy.background && !view.routine && !chained(run, copy)) return false;
  const [from, to] = [laneName(run, copy.from, view), laneName(run, copy.to, view)];
  if (from === to || from === undefined || to === undefined) return false;
  if (view.hidden.has(from) || view.hidden.has(to)) return false;
  if (view.kind && !(view.kind.startsWith("message ") && copy.messages.some(([kind]) => kind === view.kind.slice(8)))) return false;
  if (view.subject && !copy.messages.some(([, subject]) => subject.toLowerCase() === view.subject)) return false;
  return !view.text || run.events[copy.left].text.toLowerCase().includes(view.text);
}

// Whether a copy is one of the direct causes of the event whose past is shown. The chain of causes has no gaps.
function chained(run, copy) {
  const { cone } = view;
  if (!cone || !cone.inChain.has(copy.ended) || !cone.inChain.has(copy.left)) return false;
  return cone.run === run || copy.ended < view.runs[1].from;
}

// A note is a line in the column beside the lanes. What happens to a copy of a datagram is drawn as an arrow instead.
function shownNote(run, i, view) {
  const event = run.events[i];
  if (event.class === "routine" || event.copy !== undefined) return false;
  if (event.who !== undefined && view.hidden.has(laneName(run, event.who, view))) return false;
  if (view.kind && !view.kind.startsWith("message ") && kindOf(event) !== view.kind) return false;
  if (view.subject && !(event.messages ?? []).some(([, subject]) => subject.toLowerCase() === view.subject)) return false;
  return !view.text || event.text.toLowerCase().includes(view.text);
}

// The process in whose lane a process is drawn: a terminal is drawn in its site's.
function laneName(run, process, view) {
  const known = run.processes.get(process);
  if (!known) return undefined;
  return known.site !== undefined && !view.terminals ? known.site : process;
}

// One block for each run: its lanes, the lanes of its calls, and its column of notes. Returns the blocks and their width.
function blocksOf(view, room) {
  const blocks = [], two = view.runs.length > 1;
  let x = AXIS + (view.across ? 30 : 0);
  for (const run of view.runs) {
    if (run.data.blame && run.position === 0) x += 60;
    const busy = new Set();
    for (const copy of run.copies) { busy.add(copy.from); busy.add(copy.to); }
    for (const event of run.events) if (event.who !== undefined) busy.add(event.who);
    const hosted = (process) => process.machine !== null && process.machine !== undefined;
    const names = [...run.processes.values()].filter((process) => laneName(run, process.id, view) === process.id
      && !view.hidden.has(process.id) && (hosted(process) || busy.has(process.id)));
    const machine = (process) => process.machine ?? (process.site !== undefined ? run.processes.get(process.site)?.machine : null) ?? Infinity;
    names.sort((a, b) => (machine(a) === machine(b) ? 0 : machine(a) - machine(b)));
    const gaps = names.filter((process, k) => k > 0 && machine(process) !== machine(names[k - 1])).length;
    const columns = view.calls ? callColumns(run, view, new Set(names.map((process) => process.id))) : [];
    const extra = columns.filter((column) => !column.own);
    const widths = shared((room - x) / (two ? 2 - run.position : 1) - 82 - gaps * GAP - extra.length * 92, names.length, two);
    const step = view.across ? 70 : widths.lane;
    const block = { run, lanes: [], callers: [], notes: { x: 0, width: view.across ? 0 : widths.notes }, left: x, machines: [] };
    x += 34;
    names.forEach((process, k) => {
      if (k > 0) x += step + (machine(process) !== machine(names[k - 1]) ? GAP : 0);
      const last = block.machines.at(-1);
      if (last && last.machine === machine(process)) last.right = x;
      else block.machines.push({ machine: machine(process), left: x, right: x });
      block.lanes.push({ id: process.id, x });
    });
    block.at = new Map(block.lanes.map((lane) => [lane.id, lane.x]));
    x += 30;
    for (const column of columns) {
      block.callers.push({ ...column, x: column.own ? block.at.get(column.process) : x + 14 });
      if (!column.own) x += 92;
    }
    block.right = x;
    block.notes.x = x + 18;
    x += block.notes.width ? 18 + block.notes.width : 0;
    block.end = x;
    blocks.push(block);
  }
  return { blocks, width: x };
}

// How wide a lane and the column of notes are, where so much room is left for both.
function shared(room, lanes, two) {
  const least = two || lanes >= 7 ? 66 : 78, usual = lanes >= 7 ? 110 : 150, few = two ? 210 : 280, gaps = Math.max(1, lanes - 1);
  let rest = Math.max(0, room - gaps * least - few);
  const more = Math.min(gaps * (usual - least), rest * 0.55);
  rest -= more;
  const notes = Math.min(600, few + rest);
  rest -= notes - few;
  return { lane: Math.floor(least + (more + Math.min(rest, gaps * 30)) / gaps), notes: Math.floor(notes) };
}

// The calls of each process in columns in which no two overlap in time. A client's first column is its own lane.
// A call without an answer stands open until the next call of its process.
function callColumns(run, view, lanes) {
  const columns = [];
  (run.data.calls ?? []).forEach((call, c) => {
    if (view.hidden.has(laneName(run, call.process, view))) return;
    let column = columns.find((one) => one.process === call.process && one.free < call.asked);
    if (!column) {
      const own = lanes.has(call.process) && !columns.some((one) => one.process === call.process);
      columns.push(column = { process: call.process, own, free: -1, calls: [] });
    }
    column.free = call.answered ?? call.asked;
    column.calls.push(c);
  });
  return columns.sort((a, b) => (a.process === b.process ? 0 : a.process < b.process ? -1 : 1));
}

// Lines of the column of notes. The same words at one moment of several sites are one line.
function notesOf(run, view) {
  const rows = [];
  const start = run.position > 0 ? run.from : 0;
  let group = new Map(), at = -1;
  for (let i = start; i < run.events.length; i++) {
    if (!shownNote(run, i, view)) continue;
    const event = run.events[i];
    if (event.at !== at) { group = new Map(); at = event.at; }
    const key = `${event.class}\n${event.text}`;
    const same = event.who !== undefined && run.processes.get(event.who).site === undefined ? group.get(key) : undefined;
    if (same && same.sites) { same.indexes.push(i); same.sites.push(event.who); continue; }
    const row = { run, at, indexes: [i], class: event.class, text: event.text, sites: event.who === undefined ? null : [event.who] };
    rows.push(row);
    if (row.sites && run.processes.get(event.who).site === undefined) group.set(key, row);
  }
  for (const row of rows) row.who = row.sites === null ? "–" : together(row.sites);
  return rows;
}

// S0, S1, S2 as `S012`; where a number has two digits, as `S0 S11`.
function together(names) {
  if (names.length === 1) return names[0];
  const each = [...new Set(names)].sort();
  return each.length > 3 ? `${each[0]} +${each.length - 1}` : each.join(" ");
}

// The scale of time: position of each moment at which something is drawn, and the breaks between.
function scaleOf(moments, lines, view, total) {
  const times = [...moments].sort((a, b) => a - b), positions = new Float64Array(times.length), breaks = [];
  let position = HEAD + 14, owed = 0;
  const perMicro = view.linear && total > 0 ? (linearLength(times.length) * view.zoom) / total : 0;
  for (let k = 0; k < times.length; k++) {
    const gap = k ? times[k] - times[k - 1] : 0;
    let step = gap ? Math.max(3, Math.min(44, 6 * Math.sqrt(gap / 1000))) * view.zoom : 0;
    if (view.linear) step = gap * perMicro;
    else {
      if (gap > IDLE) {
        step = 58;
        breaks.push({ from: times[k - 1], to: times[k], index: k });
      }
      if (!view.across) step = Math.max(step, owed);
      owed = (lines.get(times[k]) ?? 0) * LINE;
    }
    position += step;
    positions[k] = position;
  }
  for (const gap of breaks) gap.at = positions[gap.index] - 24;
  return { times, positions, breaks, end: position + Math.max(owed, 20) + 50 };
}

function linearLength(moments) {
  return Math.max(1200, Math.min(60000, moments * 12));
}

// Position of any time; between moments that are drawn it is in proportion.
function positionOf(scale, time) {
  const { times, positions } = scale;
  const k = lastNotAfter(times, time);
  if (k < 0) return positions[0] ?? HEAD + 14;
  if (times[k] === time || k + 1 >= times.length) return positions[k];
  return positions[k] + (positions[k + 1] - positions[k]) * ((time - times[k]) / (times[k + 1] - times[k]));
}

function timeAt(scale, position) {
  const { times, positions } = scale;
  const k = lastNotAfter(positions, position);
  if (k < 0) return times[0] ?? 0;
  if (k + 1 >= times.length) return times[k];
  return times[k] + (times[k + 1] - times[k]) * ((position - positions[k]) / (positions[k + 1] - positions[k]));
}

// An index of things by position along: which may be seen between two positions.
function bucketed(things, from, to) {
  const buckets = new Map();
  things.forEach((thing, k) => {
    const last = Math.floor(to(thing) / BUCKET);
    for (let b = Math.floor(from(thing) / BUCKET); b <= last; b++) {
      const bucket = buckets.get(b);
      if (bucket) bucket.push(k); else buckets.set(b, [k]);
    }
  });
  return (a, z) => {
    const seen = new Set();
    for (let b = Math.floor(a / BUCKET); b <= Math.floor(z / BUCKET); b++) for (const k of buckets.get(b) ?? []) seen.add(k);
    return [...seen].sort((p, q) => p - q).map((k) => things[k]).filter((thing) => to(thing) >= a && from(thing) <= z);
  };
}

// Everything that is drawn, with its place.
function laidOut(view, room) {
  const { blocks, width } = blocksOf(view, room);
  const moments = new Set(), lines = new Map(), parts = [];
  let total = 0;
  for (const block of blocks) {
    const { run } = block, start = run.position > 0 ? run.from : 0, at = (i) => run.events[i].at;
    const copies = run.copies.filter((copy) => shownCopy(run, copy, view) && (copy.ended < 0 || copy.ended >= start));
    for (const copy of copies) {
      if (copy.left >= start) moments.add(at(copy.left));
      if (copy.ended >= 0) moments.add(at(copy.ended));
    }
    const notes = notesOf(run, view), here = new Map();
    for (const row of notes) {
      moments.add(row.at);
      here.set(row.at, (here.get(row.at) ?? 0) + 1);
    }
    for (const [time, count] of here) lines.set(time, Math.max(lines.get(time) ?? 0, count));
    const slow = slowness(run);
    const lanes = block.lanes.flatMap((lane) => [...stretches(run, lane.id), ...(slow.get(lane.id) ?? [])].map((stretch) => ({ ...stretch, lane, run })));
    for (const stretch of lanes) if (stretch.after >= start && run.events.length) moments.add(at(stretch.after));
    if (run.events.length) {
      moments.add(at(run.events.length - 1));
      if (run.position > 0 && start < run.events.length) moments.add(at(start));
      moments.add(at(0));
      total = Math.max(total, at(run.events.length - 1));
    }
    for (const column of block.callers) for (const c of column.calls) {
      const call = run.data.calls[c];
      moments.add(at(call.asked));
      if (call.answered !== undefined) moments.add(at(call.answered));
    }
    parts.push({ block, copies, notes, lanes });
  }
  const scale = scaleOf(moments, lines, view, total);
  const layout = { view, blocks, width, scale, length: scale.end, across: view.across, parts: [] };
  for (const part of parts) layout.parts.push(placed(part, scale, view, layout));
  layout.split = view.runs.length > 1 && view.runs[1].from < view.runs[1].events.length
    ? positionOf(scale, view.runs[1].events[view.runs[1].from].at) - 6 : null;
  return layout;
}

// Places of the things of one run: arrows, notes, dots, stretches of lanes, syncs, calls and steps.
function placed({ block, copies, notes, lanes }, scale, view, layout) {
  const { run } = block, start = run.position > 0 ? run.from : 0;
  const place = (i) => positionOf(scale, run.events[i].at);
  const across = (process) => block.at.get(laneName(run, process, view));
  const arrows = copies.map((copy) => arrowOf(run, copy, place, across, scale));
  let next = -Infinity;
  const rows = [];
  for (const row of notes) {
    const at = positionOf(scale, row.at), y = Math.max(at, next);
    if (y - at > DRIFT) continue;
    next = y + LINE;
    rows.push({ ...row, p: at, y });
  }
  const dots = [], steps = [], ticks = [];
  for (let i = start; i < run.events.length; i++) {
    const event = run.events[i];
    if (event.class === "step" && shownNote(run, i, view)) steps.push({ i, p: place(i) });
    if (event.who === undefined || across(event.who) === undefined) continue;
    if (event.kind === "synced" && !view.kind) ticks.push({ i, p: place(i), x: across(event.who) });
    else if (event.class !== "step" && shownNote(run, i, view)) dots.push({ i, run, p: place(i), x: across(event.who), class: event.class });
  }
  const bars = lanes.map((one) => ({ ...one, x: one.lane.x, p: one.after ? place(one.after) : scale.positions[0] ?? HEAD + 14, q: one.until < 0 ? scale.end - 20 : place(one.until) }));
  const calls = block.callers.flatMap((column) => column.calls.map((c, k) => {
    const call = run.data.calls[c], next = run.data.calls[column.calls[k + 1]];
    const until = call.answered !== undefined ? place(call.answered) : next ? place(next.asked) - 4 : scale.end - 20;
    return { c, call, run, own: column.own, x: column.x, p: place(call.asked), q: until };
  }));
  const point = (thing) => thing.p, bands = placedBands(run, block, across, place, scale);
  return {
    block, run,
    arrows: bucketed(arrows, (a) => Math.min(a.p1, a.p2), (a) => Math.max(a.p1, a.p2)),
    rows: bucketed(rows, (r) => r.p, (r) => r.y + LINE), dots: bucketed(dots, point, point),
    steps: bucketed(steps, point, point), ticks: bucketed(ticks, point, point),
    bars: bucketed(bars, (b) => b.p, (b) => b.q), calls: bucketed(calls, (c) => c.p, (c) => c.q),
    bands: bucketed(bands, (b) => b.p, (b) => b.q), labels: labelsOf(block, arrows, bars, calls, bands, layout),
    counts: { arrows: arrows.length, copies: run.copies.length, rows: rows.length, dropped: notes.length - rows.length },
  };
}

// The line of one copy. One lost at its sender is a stub of 34 px, one under way at the end ends in a ring.
function arrowOf(run, copy, place, across, scale) {
  const x1 = across(copy.from), x2 = across(copy.to), p1 = place(copy.left), sign = Math.sign(x2 - x1);
  const arrow = { copy, run, x1: x1 + sign * 6, p1, sign, end: "head" };
  if (copy.ended < 0 && run.recorded) {
    // It leaves the program, and nobody knows what became of it.
    arrow.x2 = x2 - sign * 6;
    arrow.p2 = p1;
  } else if (copy.ended < 0) {
    const share = copy.arrives !== null && copy.arrives > run.events.at(-1).at
      ? (run.events.at(-1).at - run.events[copy.left].at) / (copy.arrives - run.events[copy.left].at) : 0.5;
    // One that left long before the end is a stub: else many of them would cross everything.
    const far = scale.end - p1 > 1500;
    arrow.x2 = x1 + (x2 - x1) * (far ? 0.3 : Math.max(0.15, Math.min(0.9, share)));
    arrow.p2 = far ? p1 + 60 : Math.max(p1 + 12, scale.end - 30);
    arrow.end = "under way";
  } else if (copy.lost === "sender") {
    arrow.x2 = x1 + sign * Math.min(34, Math.abs(x2 - x1) - 4);
    arrow.p2 = p1 + 8;
    arrow.end = "cross";
  } else {
    arrow.x2 = x2 - sign * 6;
    arrow.p2 = place(copy.ended);
    arrow.end = copy.lost ? "cross" : "head";
  }
  return arrow;
}
