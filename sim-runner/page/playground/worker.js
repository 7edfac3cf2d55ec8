// The simulator, beside the page. It gets one module at the beginning, `{ bytes }`, and then requests, `{ number, request }`.
// It answers each with `{ number, reply }`, where the reply is JSON. A run goes on in slices: between two of them the
// worker tells how far it is, `{ progress }`, checks texts, and hears `{ stop: true }`.

const encoder = new TextEncoder(), decoder = new TextDecoder();
const SLICE = 40;            // milliseconds
const LONG = 5000;           // milliseconds of a run that is too long to act in
let module = null, running = 0, stopping = false;
// The last run that ended: the instance that holds it, the request that began it, and what was done in it.
let last = null;

// What an instance holds is gone with it: a panic leaves nothing behind, and neither does a large run.
function fresh() {
  const made = new WebAssembly.Instance(module, {}).exports;
  made.begin();
  return made;
}

function textAt(of, place) {
  const bits = BigInt.asUintN(64, place);
  return decoder.decode(new Uint8Array(of.memory.buffer, Number(bits >> 32n), Number(bits & 0xffffffffn)));
}

class Panic extends Error {
  constructor(panicked, error) {
    super(panicked.message || error.message);
    this.panicked = { ...panicked, message: this.message };
  }
}

function answer(of, request) {
  const bytes = encoder.encode(JSON.stringify(request)), at = of.room(bytes.length);
  new Uint8Array(of.memory.buffer, at, bytes.length).set(bytes);
  let place;
  try {
    place = of.ask(at, bytes.length);
  } catch (error) {
    // Nothing unwinds here: the instance ended where it was.
    throw new Panic(JSON.parse(textAt(of, of.panicked())), error);
  }
  return textAt(of, place);
}

const goesOn = (reply) => reply.startsWith('{"is":"running"');
const isRun = (reply) => reply.startsWith('{"is":"run"');

// Runs a scenario to its end, or until the page wants it to stop.
async function ran(load) {
  const simulator = fresh(), start = performance.now();
  let reply = answer(simulator, load), steps = 200;
  while (goesOn(reply)) {
    if (stopping) {
      reply = answer(simulator, { do: "stop" });
      break;
    }
    const began = performance.now();
    reply = answer(simulator, { do: "go", steps });
    const took = performance.now() - began;
    steps = Math.max(1, Math.min(100000, took > SLICE ? steps >> 1 : took < SLICE / 2 ? steps * 2 : steps));
    if (!goesOn(reply)) break;
    postMessage({ progress: JSON.parse(reply) });
    await new Promise((go) => { setTimeout(go); });
  }
  if (isRun(reply)) last = { simulator, load, done: [], took: performance.now() - start };
  return reply;
}

// The same run once more in another instance, up to the step before the one that panicked.
function upTo(load, panicked) {
  const simulator = fresh();
  let reply = answer(simulator, load);
  if (goesOn(reply) && panicked.steps > 0) reply = answer(simulator, { do: "go", steps: panicked.steps });
  if (goesOn(reply)) reply = answer(simulator, { do: "panicked", ...panicked });
  last = { simulator, load, done: [], took: 0 };
  return reply;
}

// Does something in the last run. What panics is not done: the run is made again in another instance, as it was.
function acted(request) {
  if (!last) return refused("there is no run to act in");
  if (last.took > LONG) return refused("this run is too long to act in here: `sim-runner step` can");
  try {
    const reply = answer(last.simulator, request);
    if (request.do !== "look" && isRun(reply)) last.done.push(request);
    return reply;
  } catch (error) {
    if (!(error instanceof Panic)) return refused(`the simulator ended: ${error.message}`);
    const simulator = fresh();
    answer(simulator, last.load);
    answer(simulator, { do: "go", steps: Number.MAX_SAFE_INTEGER });
    for (const done of last.done) answer(simulator, done);
    last.simulator = simulator;
    return refused(`with this the run panics: ${error.message}`);
  }
}

function refused(message) {
  return JSON.stringify({ is: "refused", problems: [{ message }] });
}

let newest = 0;

async function loaded(load) {
  // A later scenario takes the place of one that still runs, or waits.
  const mine = ++newest;
  while (running > 0) {
    stopping = true;
    await new Promise((go) => { setTimeout(go); });
  }
  if (mine !== newest) return refused("a later scenario took its place");
  stopping = false;
  running++;
  try {
    return await ran(load);
  } catch (error) {
    if (!(error instanceof Panic)) return refused(`the simulator ended: ${error.message}`);
    try {
      return upTo(load, error.panicked);
    } catch (again) {
      // It panicked outside of the steps of a run.
      return refused(`the simulator panicked: ${again.message}`);
    }
  } finally {
    running--;
  }
}

// Whatever concerns no run has an instance of its own.
function aside(request) {
  try {
    return answer(fresh(), request);
  } catch (error) {
    return refused(`the simulator panicked: ${error.message}`);
  }
}

onmessage = async ({ data }) => {
  if (data.bytes) {
    module = await WebAssembly.compile(data.bytes);
    postMessage({ ready: true });
  } else if (data.stop) {
    stopping = running > 0;
  } else {
    const { number, request } = data;
    const reply = request.do === "load" ? await loaded(request) : ["look", "poke", "undo"].includes(request.do) ? acted(request) : aside(request);
    postMessage({ number, reply });
  }
};
