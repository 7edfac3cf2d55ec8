// The run as it came, and the indexes in which everything else looks things up. Nothing here draws.

// Events with which a copy of a datagram ends.
const ENDS = new Set(["delivered", "dropped", "lost"]);
// What happens to every copy, and is not worth a word beside its arrow.
const USUAL = new Set(["sent", "delivered", "queued", "clogged", "waits", "held_back"]);
const PHASES = new Set(["prepare", "accept", "chosen", "client"]);
const DOWN = new Set(["crashed", "failed", "ended"]);

// What an element of this file holds in base64.
function bytesIn(id) {
  const letters = atob(document.getElementById(id).textContent.trim()), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function inflated(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

async function unpacked() {
  const read = await inflated(bytesIn("run")).json();
  const runs = Array.isArray(read.runs) ? read.runs : [read];
  for (const run of runs) {
    if (run.schema !== 1) throw new Error(`this page reads schema 1 of the run, and the file holds schema ${run.schema}`);
  }
  return runs;
}

// A small number that depends on the text alone.
function hashed(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619) >>> 0;
  return hash;
}

// `slot 4` as `4` and `ballot 9` as `b9`: a label beside an arrow has room for no more.
function shortSubject(subject) {
  const parts = /^([a-z_]+) (\S+)$/i.exec(subject);
  if (!parts) return subject;
  return parts[1] === "ballot" ? `b${parts[2]}` : parts[2];
}

function clipped(text, length) {
  return text.length > length ? `${text.slice(0, Math.max(1, length - 1))}…` : text;
}

function seconds(micros, digits = 3) {
  return (micros / 1e6).toFixed(digits);
}

// What a datagram carries, without the background in a mixed one.
function carried(run, event) {
  const all = event.messages ?? [];
  const telling = all.filter(([kind]) => !run.background.has(kind));
  return telling.length ? telling : all;
}

// The class that colours an arrow. Kinds of a protocol without phases get one of twelve hues.
function tint(run, messages) {
  if (!messages.length) return "other";
  const phase = run.kinds.get(messages[0][0])?.phase;
  if (PHASES.has(phase)) return phase;
  return run.foreign ? `hue${hashed(messages[0][0]) % 12}` : "other";
}

// One run with its indexes.
//
// copies[c]: { copy, from, to, left, ended, lost, why, remarks, messages, background, tint, arrives }
//   `left` and `ended` are indexes into events, `ended` is -1 for a copy under way at the end; `lost` is "sender" or
//   "receiver"; `remarks` are the indexes of the events between; `arrives` is known for copies under way, and null for
//   those that are held at the end.
// copyOf[i]: index into copies of the copy that event i is about, or -1.
// before[i]: the event of the same process that event i follows, or -1.
function indexed(data, position) {
  const events = data.events;
  const run = {
    data, position, events,
    kinds: new Map((data.messages ?? []).map((message) => [message.kind, message])),
    foreign: !(data.messages ?? []).some((message) => ["prepare", "accept", "chosen"].includes(message.phase)),
    processes: new Map((data.processes ?? []).map((process) => [process.id, process])),
    copies: [], copyOf: new Int32Array(events.length).fill(-1), before: new Int32Array(events.length).fill(-1),
    // Of what a real site recorded, other programs and disks are not known.
    from: 0, background: new Set(), recorded: data.source === "recording",
  };
  for (const event of events) if (event.background) for (const [kind] of event.messages ?? []) run.background.add(kind);
  const latest = new Map(), byCopy = new Map();
  const arrivals = new Map((data.under_way ?? []).map((way) => [way.copy, way.arrives ?? null]));
  events.forEach((event, i) => {
    if (event.who !== undefined) {
      if (!run.processes.has(event.who)) run.processes.set(event.who, { id: event.who, machine: null });
      run.before[i] = latest.get(event.who) ?? -1;
      // What the network does with a copy is written under a process, and nothing the process does follows from it.
      if (event.copy === undefined || event.kind === "delivered") latest.set(event.who, i);
    }
    for (const number of event.copies ?? []) ofMany(run, byCopy, event, i, number);
    if (event.copy === undefined) return;
    let c = byCopy.get(event.copy);
    if (c === undefined) {
      c = run.copies.push(newCopy(run, event, i, arrivals.get(event.copy))) - 1;
      byCopy.set(event.copy, c);
    }
    run.copyOf[i] = c;
    follow(run, run.copies[c], event, i);
    // What goes astray goes on as another copy, or as several.
    const original = event.kind === "strayed" ? run.copies[byCopy.get(event.of)] : undefined;
    if (original && original.ended < 0) Object.assign(original, { ended: i, lost: "sender", why: "goes astray" });
  });
  run.copies = run.copies.map((copy) => { copy.tint = tint(run, copy.messages); return copy; });
  run.ledBy = effects(run);
  run.history = histories(run);
  run.lives = lives(run);
  run.disks = disks(run);
  run.judged = judgedCalls(data);
  run.verdictAt = verdictEvent(run);
  return run;
}

function newCopy(run, event, i, arrives) {
  const arriving = event.from !== undefined && event.to === undefined;
  // A copy of a copy is first heard of where it arrives; it left with the one that it was made of.
  const left = arriving && Number.isInteger(event.cause) && event.cause < i ? event.cause : i;
  return {
    copy: event.copy, of: event.of, left, ended: -1, lost: "", why: "", remarks: [], arrives,
    from: arriving ? event.from : event.from ?? event.who, to: arriving ? event.who : event.to,
    messages: carried(run, event), background: event.background === true,
  };
}

// An event of many copies: they are given to the network anew, or end with the process that they waited for.
function ofMany(run, byCopy, event, i, number) {
  const c = byCopy.get(number);
  if (event.kind === "redelivered") {
    if (c === undefined) byCopy.set(number, run.copies.push(newCopy(run, { ...event, copy: number }, i)) - 1);
  } else if (c !== undefined && run.copies[c].ended < 0) {
    Object.assign(run.copies[c], { ended: i, lost: "receiver", why: `${event.who} ${event.kind}` });
  }
}

function follow(run, copy, event, i) {
  copy.from ??= event.from;
  copy.to ??= event.to ?? event.who;
  if (!copy.messages.length && event.messages) copy.messages = carried(run, event);
  if (event.background) copy.background = true;
  const tail = event.text.indexOf(": ");
  const why = event.kind === "ruled" && tail >= 0 ? event.text.slice(tail + 2) : event.why ?? (tail >= 0 ? event.text.slice(tail + 2) : "");
  const known = copy.why === why || (copy.why.startsWith("dropped by ") && why.startsWith("dropped by "));
  if (why && !known && !USUAL.has(event.kind)) copy.why = copy.why ? `${copy.why}, ${why}` : why;
  const dropped = event.kind === "ruled" && (event.why ?? "").endsWith(": drop");
  if (!ENDS.has(event.kind) && !dropped) {
    if (i !== copy.left) copy.remarks.push(i);
    return;
  }
  copy.ended = i;
  if (event.kind === "delivered") copy.lost = "";
  else copy.lost = event.kind === "dropped" ? "receiver" : "sender";
}

// What a line can be filtered by: the name of a note, or the kind of the event.
function kindOf(event) {
  return event.kind === "noted" && event.messages?.length ? event.messages[0][0] : event.kind;
}

// For each event its cause, and the events that it caused: two arrays, as lists of neighbours are.
function effects(run) {
  const n = run.events.length, first = new Int32Array(n + 1);
  const cause = (i) => {
    const named = run.events[i].cause;
    if (Number.isInteger(named) && named >= 0 && named < i) return named;
    // What happens in one go follows from what came before it there.
    const before = run.before[i];
    return before >= 0 && run.events[before].event === run.events[i].event ? before : -1;
  };
  for (let i = 0; i < n; i++) if (cause(i) >= 0) first[cause(i) + 1]++;
  for (let i = 0; i < n; i++) first[i + 1] += first[i];
  const list = new Int32Array(first[n]), next = first.slice();
  for (let i = 0; i < n; i++) if (cause(i) >= 0) list[next[cause(i)]++] = i;
  return { first, list, cause };
}

// The event in which the run was judged: the last one of the process that the verdict names, or the last of all.
function verdictEvent(run) {
  const { verdict } = run.data, last = run.events.length - 1;
  if (!verdict || verdict.process === undefined) return last;
  for (let i = last; i >= 0; i--) if (run.events[i].who === verdict.process) return i;
  return last;
}

function failing(run) {
  return run.data.verdict !== undefined && run.data.verdict.name !== "passed";
}

// Index of the first event in which two runs differ: the number of events that they have in common.
function firstDifference(one, other) {
  const n = Math.min(one.events.length, other.events.length);
  for (let i = 0; i < n; i++) {
    const a = one.events[i], b = other.events[i];
    if (a.at !== b.at || a.who !== b.who || a.kind !== b.kind || a.text !== b.text) return i;
  }
  return n;
}

// Index of the last event at or before a moment, or -1.
function eventAt(run, micros) {
  let low = 0, high = run.events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run.events[middle].at <= micros) low = middle + 1; else high = middle;
  }
  return low - 1;
}
