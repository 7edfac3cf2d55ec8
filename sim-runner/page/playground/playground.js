// Starts a page with the simulator in it: an editor whose scenario runs in a worker, and a link that holds the scenario.

const LINK_MAX = 1 << 20;    // bytes of a scenario in a link
const ACTIONS = ["Tweet(site: 1, user: \"ann\", text: \"hello\")", "Crash(Leader)", "Isolate(Follower)", "Restart(AllSites)"];
const playground = { examples: [], worker: null, asked: new Map(), number: 0, begun: 0, said: 0, own: null };

function asked(request) {
  return new Promise((answered) => {
    playground.asked.set(++playground.number, answered);
    playground.worker.postMessage({ number: playground.number, request });
  });
}

// The simulator in this file: 13 bits in two letters, and packed with gzip.
function simulatorBytes() {
  const text = page.simulator.textContent, bytes = new Uint8Array(Number(page.simulator.dataset.bytes));
  const digit = (i) => { const code = text.charCodeAt(i); return code === 33 ? 25 : code - 35; };
  let held = 0, bits = 0, at = 0;
  for (let i = 0; at < bytes.length; i += 2) {
    held |= (digit(i) + digit(i + 1) * 91) << bits;
    for (bits += 13; bits >= 8 && at < bytes.length; bits -= 8) {
      bytes[at++] = held & 255;
      held >>= 8;
    }
  }
  return inflated(bytes).arrayBuffer();
}

async function workerStarted() {
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  const worker = playground.worker = new Worker(address);
  const bytes = await simulatorBytes();
  await new Promise((ready, failed) => {
    worker.onmessage = ready;
    worker.onerror = (event) => failed(new Error(event.message || "the worker does not start"));
    worker.postMessage({ bytes }, [bytes]);
  });
  URL.revokeObjectURL(address);
  worker.onerror = (event) => {
    page.trouble.hidden = false;
    page.trouble.textContent = `The simulator ended: ${event.message}. Open the page anew.`;
  };
  worker.onmessage = ({ data }) => {
    if (data.progress) return progressShown(data.progress);
    playground.asked.get(data.number)(JSON.parse(data.reply));
    playground.asked.delete(data.number);
  };
}

const rounded = (number) => number.toLocaleString("en");

// Twice a second is enough, for readers and for those who listen.
function progressShown({ events, at, limit }) {
  const now = performance.now();
  if (now - playground.said < 500) return;
  playground.said = now;
  page.state.textContent = `${rounded(events)} events, ${seconds(at, 1)} of at most ${seconds(limit, 0)} s`;
}

// Runs what is in the editor, and shows it.
async function started() {
  const turn = ++playground.begun;
  busy(true);
  page.state.textContent = "runs";
  page.lie.textContent = page.bugs.selectedOptions[0].title;
  const said = await outcome(page.source.value, page.bugs.value, () => turn === playground.begun);
  // What was begun meanwhile says how it ends.
  if (turn !== playground.begun) return;
  page.state.textContent = said;
  busy(false);
  if (live.ask) lookedSoon(view.cursor.event);
}

// Nothing is done in the run before while another one runs, which takes its place.
function busy(is) {
  live.acting = is;
  page.stop.disabled = !is;
  page.editor.setAttribute("aria-busy", is);
}

// Runs a text, and shows the run unless it is out of date. Returns a sentence about its end.
async function outcome(text, bug, isWanted) {
  const example = exampleOf(text), name = example?.name ?? "scenario";
  const reproduce = command(example ? `scenarios/${name}` : name, bug);
  const began = performance.now(), reply = await asked({ do: "load", text, name, reproduce, ...(bug ? { bug } : {}) });
  const took = Math.round(performance.now() - began), scenario = await packedText(text);
  if (!isWanted()) return "";
  problemsShown(reply.problems ?? [], reply.more);
  if (reply.is !== "run") return `${mistakes(reply)}: it does not run`;
  view.link = { scenario, ...(bug ? { bug } : {}) };
  await runShown(reply.run);
  return `${reply.run.verdict.name} after ${took} ms`;
}

function mistakes({ problems = [], more = 0 }) {
  const count = problems.length + more;
  return count ? `${count} ${count === 1 ? "mistake" : "mistakes"}` : "";
}

// Shows a run in place of the one before it. Filters and size stay.
async function runShown(run) {
  if (document.body.dataset.run === undefined) {
    document.body.dataset.run = "";
    await opened([run]);
    lively(done, { examples: ACTIONS });
    live.parts.copy.after(make("button", { type: "button", click: () => { textTaken(view.runs[0].data.scenario); started(); } }, "Take it into the editor"));
    return;
  }
  Object.assign(view, { cone: null, unfolded: "", cursor: { run: 0, event: 0 }, ranks: [], slotPage: 0 });
  viewGone();
  live.pokes = [];
  live.parts.said.replaceChildren();
  live.parts.trouble.replaceChildren();
  picture.layout = null;
  runsTaken([run]);
  callsChosen();
  relaid();
  doneShown();
  firstShown();
}

// Does something in the run. What was done is in no file, and the address holds it.
async function done(request) {
  const reply = await asked(request);
  if (reply.is === "run") {
    view.link = { ...view.link, scenario: await packedText(reply.run.scenario) };
    reply.run.reproduce = command("scenario", view.link.bug);
  }
  return reply;
}

// The command that runs it outside of the page.
function command(path, bug) {
  return `sim-runner replay ${path}.ron${bug ? ` --saboteur ${bug}` : ""} --trace`;
}

// What is wrong with the text, while it is written.
async function checked() {
  const text = page.source.value, reply = await asked({ do: "check", text });
  if (text !== page.source.value) return;
  page.example.value = exampleOf(text)?.name ?? "";
  const was = page.problems.childElementCount > 0;
  problemsShown(reply.problems ?? [], reply.more);
  if (was || reply.is !== "good") page.state.textContent = mistakes(reply);
}

function lessonShown(example) {
  page.example.value = example?.name ?? "";
  page.lesson.textContent = example?.lesson ?? "";
}

const exampleOf = (text) => playground.examples.find((one) => one.text === text);

// Takes the example of this name, or with an empty one the last text that is none.
function exampleTaken(name) {
  const example = playground.examples.find((one) => one.name === name), text = page.source.value;
  if (text && !exampleOf(text)) playground.own = text;
  page.example.options[0].hidden = playground.own === null;
  textTaken(example ? example.text : playground.own);
  if (example) page.bugs.value = example.bug ?? "";
  lessonShown(example);
  return started();
}

// A text as letters of an address: packed, and in base64 for addresses.
async function packedText(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpackedText(letters) {
  const packed = Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > LINK_MAX) throw new Error(`it holds more than ${LINK_MAX} bytes`);
  }
  return new Blob(parts).text();
}

// Takes the scenario of the address, if it has one. Returns whether it does.
async function linkTaken() {
  const parts = new URLSearchParams(location.hash.slice(1)), letters = parts.get("scenario");
  if (letters === null || letters === view.link.scenario) return false;
  let text;
  try {
    text = await unpackedText(letters);
  } catch (error) {
    page.trouble.hidden = false;
    page.trouble.textContent = `The scenario in this link cannot be read: ${error.message}`;
    return false;
  }
  page.trouble.hidden = true;
  const bug = parts.get("bug") ?? "";
  textTaken(text);
  page.bugs.value = [...page.bugs.options].some((option) => option.value === bug) ? bug : "";
  lessonShown(exampleOf(text));
  await started();
  return true;
}

async function linkCopied() {
  const text = page.source.value, bug = page.bugs.value;
  const parts = new URLSearchParams({ scenario: await packedText(text), ...(bug ? { bug } : {}) });
  copied(`${location.href.split("#")[0]}#${parts}`, page.state);
}

async function begun() {
  const began = performance.now();
  for (const element of document.querySelectorAll("[id]")) page[element.id] = element;
  document.title = page.name.textContent = "Aviary playground";
  try {
    playground.examples = await inflated(bytesIn("run")).json();
    await workerStarted();
  } catch (error) {
    page.trouble.hidden = false;
    page.trouble.textContent = `The simulator in this file does not start: ${error.message}`;
    return;
  }
  const { bugs } = await asked({ do: "bugs" });
  page.bugs.append(...bugs.map((bug) => make("option", { value: bug.name, title: bug.about }, bug.name)));
  page.example.append(make("option", { value: "", hidden: true }, "of your own"), ...playground.examples.map((one) => make("option", { value: one.name }, one.name.replaceAll("_", " "))));
  editorReady(checked);
  page.example.addEventListener("change", () => exampleTaken(page.example.value));
  page.bugs.addEventListener("change", started);
  page.start.addEventListener("click", started);
  page.stop.addEventListener("click", () => playground.worker.postMessage({ stop: true }));
  page.link.addEventListener("click", linkCopied);
  page.editor.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    started();
  });
  window.addEventListener("hashchange", linkTaken);
  if (!await linkTaken()) await exampleTaken(playground.examples[0].name);
  document.documentElement.dataset.ready = Math.round(performance.now() - began);
}

begun();
