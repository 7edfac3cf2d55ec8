// Why something happened: the past of an event, the direct chain of causes, and the way to the next event of a kind.

// The past cone of an event.
// member[i] is 1 for what the event can have followed from: causes, and what the same process did before.
// chain lists the direct causes, the oldest first, the event itself last.
// A run that was judged in an event of the world has the past of what the processes that the verdict names did last.
// member[i] is 2 for a copy that left from the cone and was lost: the event may have followed from not hearing it.
function coneOf(run, target) {
  const member = new Uint8Array(run.events.length);
  if (target < 0) return { target, member, chain: [], faults: [], size: 0 };
  member[target] = 1;
  if (target === run.verdictAt && failing(run) && run.events[target].who === undefined) for (const i of lastOfNamed(run)) member[i] = 1;
  let size = 0;
  for (let i = target; i >= 0; i--) {
    if (!member[i]) continue;
    size++;
    const cause = run.ledBy.cause(i), before = run.before[i];
    if (cause >= 0) member[cause] = 1;
    if (before >= 0) member[before] = 1;
  }
  for (const copy of run.copies) {
    if (!copy.lost || copy.background || copy.ended > target) continue;
    const cause = run.ledBy.cause(copy.left);
    const left = member[copy.left] === 1 || (cause >= 0 && member[cause] === 1)
      || (cause < 0 && run.before[copy.left] >= 0 && member[run.before[copy.left]] === 1);
    if (!left) continue;
    if (!member[copy.left]) member[copy.left] = 2;
    if (!member[copy.ended]) member[copy.ended] = 2;
  }
  const chain = [];
  for (let i = target; i >= 0; i = run.ledBy.cause(i)) chain.push(i);
  chain.reverse();
  return { target, member, chain, inChain: new Set(chain), faults: faultsIn(run, member, target), size };
}

function lastOfNamed(run) {
  const named = new Set((run.data.verdict.text.match(/\b[STC]\d+\b/g) ?? []).filter((id) => run.processes.has(id)));
  const list = [];
  for (let i = run.events.length - 1; i >= 0 && named.size; i--) {
    const event = run.events[i];
    if (named.has(event.who) && (event.copy === undefined || event.kind === "delivered")) { named.delete(event.who); list.push(i); }
  }
  return list;
}

// Steps and faults that may have brought the event about, the newest first: steps before it that command no process,
// faults in the cone, and what was lost on the way from the cone. Each is { event, like }: of losses between the same
// two processes for the same reason only the last is listed, and `like` counts the others.
function faultsIn(run, member, target) {
  const list = [], same = new Map();
  for (let i = target - 1; i >= 0; i--) {
    const event = run.events[i], copy = run.copyOf[i] >= 0 ? run.copies[run.copyOf[i]] : null;
    if (copy) {
      if (member[i] !== 2 || copy.ended !== i) continue;
      const key = `${copy.from} ${copy.to} ${copy.why}`;
      if (same.has(key)) { same.get(key).like++; continue; }
      same.set(key, { event: i, like: 0 });
      list.push(same.get(key));
    } else if (event.class === "fault" ? member[i] : event.class === "step" && !commands(run, i)) list.push({ event: i, like: 0 });
  }
  return list;
}

function commands(run, i) {
  return effectsOf(run, i).some((k) => run.events[k].kind === "commanded");
}

// The events that this one led to, in order.
function effectsOf(run, i) {
  const { first, list } = run.ledBy;
  return list.subarray(first[i], first[i + 1]);
}

const JUMPS = {
  fault: (run, event) => event.class === "fault",
  leader: (run, event) => event.kind === "leads",
  note: (run, event) => event.class === "note",
  step: (run, event) => event.class === "step",
};

// The next event of a sort in a direction (1 or -1), or -1. Background that was lost is no fault to look at.
function nextOf(run, sort, from, direction) {
  for (let i = from + direction; i >= 0 && i < run.events.length; i += direction) {
    const event = run.events[i];
    if (event.background) continue;
    if (JUMPS[sort](run, event)) return i;
  }
  return -1;
}
