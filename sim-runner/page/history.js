// What was so at a moment: the state of each process, its disk, and the datagrams under way.
// A moment is an index into events, and means "after this event".

// For each process and each key of its state the events with which the key changed, and the values it then had.
// Keys: `role`, `rank`, `progress`, `field NAME`, `slot NUMBER`.
function histories(run) {
  const all = new Map();
  const note = (process, key, after, value) => {
    let keys = all.get(process);
    if (!keys) all.set(process, keys = new Map());
    let changes = keys.get(key);
    if (!changes) keys.set(key, changes = { after: [], values: [] });
    changes.after.push(after);
    changes.values.push(value);
  };
  for (const state of run.data.states ?? []) {
    for (const key of ["role", "rank", "progress"]) {
      if (state[key] !== undefined) note(state.process, key, state.after, state[key]);
    }
    for (const [name, value] of Object.entries(state.fields ?? {})) note(state.process, `field ${name}`, state.after, value);
    for (const [slot, value] of Object.entries(state.slots ?? {})) note(state.process, `slot ${slot}`, state.after, value);
  }
  return all;
}

// Position of the last entry of a rising list that is not greater than the limit, or -1.
function lastNotAfter(list, limit) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= limit) low = middle + 1; else high = middle;
  }
  return low - 1;
}

// The value of one key, and whether this very event brought it. `value` is null where there is none.
function valueAt(run, process, key, moment) {
  const changes = run.history.get(process)?.get(key);
  if (!changes) return { value: null, fresh: false };
  const position = lastNotAfter(changes.after, moment);
  if (position < 0) return { value: null, fresh: false };
  return { value: changes.values[position] ?? null, fresh: changes.after[position] === moment };
}

// Names of the fields that any of the processes has at the moment, in the order in which they first appeared.
function fieldsAt(run, processes, moment) {
  const names = [];
  for (const process of processes) {
    for (const key of run.history.get(process)?.keys() ?? []) {
      if (!key.startsWith("field ") || names.includes(key.slice(6))) continue;
      if (valueAt(run, process, key, moment).value !== null) names.push(key.slice(6));
    }
  }
  return names;
}

// Numbers of the slots in which any of the processes has something at the moment, rising.
function slotsAt(run, processes, moment) {
  const slots = new Set();
  for (const process of processes) {
    for (const [key, changes] of run.history.get(process) ?? []) {
      if (!key.startsWith("slot ")) continue;
      const position = lastNotAfter(changes.after, moment);
      if (position >= 0 && changes.values[position] !== null) slots.add(Number(key.slice(5)));
    }
  }
  return [...slots].sort((a, b) => a - b);
}

// For each process the events after which it was up, paused or down.
function lives(run) {
  const all = new Map();
  run.events.forEach((event, i) => {
    const now = DOWN.has(event.kind) ? "down" : event.kind === "paused" ? "paused"
      : event.kind === "started" || event.kind === "resumed" ? "up" : "";
    if (!now || event.who === undefined) return;
    if (!all.has(event.who)) all.set(event.who, { after: [], values: [] });
    all.get(event.who).after.push(i);
    all.get(event.who).values.push(now);
  });
  return all;
}

// For each process the stretches in which it was slow: { after, until }, `until` -1 for the end of the run.
function slowness(run) {
  const all = new Map();
  run.events.forEach((event, i) => {
    const open = all.get(event.who)?.at(-1), slow = event.kind === "slowed" && event.class === "fault";
    if (open && open.until < 0 && (event.kind === "slowed" || DOWN.has(event.kind))) open.until = i;
    if (!slow || event.who === undefined) return;
    if (!all.has(event.who)) all.set(event.who, []);
    all.get(event.who).push({ after: i, until: -1, state: "slow", rank: null });
  });
  return all;
}

// The stretches of a process's lane: { after, until, state, rank }, `until` -1 for the end of the run.
// `state` is down, paused, leader, candidate, or up.
function stretches(run, process) {
  const life = run.lives.get(process), role = run.history.get(process)?.get("role");
  const turns = [...new Set([...(life?.after ?? []), ...(role?.after ?? [])])].sort((a, b) => a - b);
  const list = [];
  const add = (after) => {
    const lived = life && lastNotAfter(life.after, after) >= 0 ? life.values[lastNotAfter(life.after, after)] : "up";
    const acted = valueAt(run, process, "role", after).value;
    const state = lived !== "up" ? lived : ["leader", "candidate", "down"].includes(acted) ? acted : "up";
    const rank = state === "leader" ? valueAt(run, process, "rank", after).value : null;
    const last = list[list.length - 1];
    if (last && last.state === state && last.rank === rank) return;
    if (last) last.until = after;
    list.push({ after, until: -1, state, rank });
  };
  if (!turns.length || (turns[0] > 0 && life?.values[0] !== "up")) add(0);
  turns.forEach(add);
  return list;
}

// For each process the records on its disk after each change: those that are durable, and those that are not yet.
function disks(run) {
  const all = new Map();
  if (run.recorded) return all;
  run.events.forEach((event, i) => {
    const down = DOWN.has(event.kind);
    if (event.who === undefined || !(down || ["appended", "synced", "started"].includes(event.kind))) return;
    let disk = all.get(event.who);
    if (!disk) all.set(event.who, disk = { after: [], durable: [], unsynced: [], used: false });
    let durable = disk.durable.at(-1) ?? 0, unsynced = disk.unsynced.at(-1) ?? 0;
    if (event.kind === "appended") unsynced += event.records ?? 1;
    else if (event.kind === "synced") {
      const moved = Math.min(unsynced, event.records ?? unsynced);
      durable += moved;
      unsynced -= moved;
    } else {
      unsynced = 0;
      if (event.kind === "started" && event.records !== undefined) durable = event.records;
    }
    disk.used ||= durable + unsynced > 0;
    disk.after.push(i);
    disk.durable.push(durable);
    disk.unsynced.push(unsynced);
  });
  return all;
}

function diskAt(run, process, moment) {
  const disk = run.disks.get(process);
  const position = disk ? lastNotAfter(disk.after, moment) : -1;
  if (position < 0) return null;
  return { durable: disk.durable[position], unsynced: disk.unsynced[position], fresh: disk.after[position] === moment };
}

// Copies that have left and not ended at the moment, the next to arrive first. `arrives` is null where nobody knows.
function underWayAt(run, moment) {
  const list = [];
  for (const copy of run.copies) {
    if (run.recorded && copy.ended < 0) continue;
    if (copy.left > moment || (copy.ended >= 0 && copy.ended <= moment)) continue;
    const arrives = copy.ended >= 0 ? run.events[copy.ended].at : copy.arrives ?? null;
    list.push({ copy, arrives });
  }
  return list.sort((a, b) => (a.arrives ?? Infinity) - (b.arrives ?? Infinity) || a.copy.left - b.copy.left);
}
