// What the page says of the whole run: the verdict, how to run it again, its scenario, and the blame curve.

const SOURCES = { scenario: "a scenario", failure: "a saved failure", recording: "a recording of a real site" };

function runsIntroduced() {
  const [run, other] = view.runs, { data } = run;
  const verdict = (one) => {
    const { name, text: whole } = one.data.verdict ?? { name: "undecided", text: "" };
    const text = whole.startsWith(`${name}: `) ? whole.slice(name.length + 2) : whole;
    const sign = name === "passed" ? "✓" : "✕";
    return make("p", { class: `verdict ${name === "passed" ? "good" : "bad"}` }, view.runs.length > 1 ? `${one.position ? "B" : "A"}: ` : "",
      make("strong", {}, `${sign} ${name}`), text && text !== name ? ": " : "", text && text !== name ? quoted(text) : "");
  };
  const outcome = data.verdict?.name ?? "undecided";
  document.title = other ? `${data.name}, ${outcome}, beside ${other.data.name}, ${other.data.verdict?.name ?? "undecided"}` : `${data.name}: ${outcome}`;
  page.name.textContent = other && other.data.name !== data.name ? `${data.name} beside ${other.data.name}` : data.name;
  page.verdicts.replaceChildren(...view.runs.map(verdict));
  page.about.textContent = data.about ?? "";
  const left = view.runs.filter((one) => one.data.left_out > 0).map((one) => `${one.data.left_out} events at the ${one.events[0]?.event > 1 ? "beginning" : "end"} of ${view.runs.length > 1 ? `run ${one.position ? "B" : "A"}` : "the run"} are left out; --shown-max shows more.`);
  if (other) left.push(other.from >= Math.min(run.events.length, other.events.length) && run.events.length === other.events.length && run.data.fingerprint === other.data.fingerprint ? "The two runs do not differ."
    : `The two runs have ${other.from} lines in common.`);
  page.leftout.textContent = left.join(" ");
  page.runbody.replaceChildren(...view.runs.flatMap((one) => aboutRun(one)));
}

function aboutRun(run) {
  const { data } = run, parts = [];
  if (view.runs.length > 1) parts.push(make("h3", {}, `Run ${run.position ? "B" : "A"}: `, quoted(data.name)));
  // A greater seed is rounded here; the command and the scenario have all of it.
  const seed = Number.isSafeInteger(data.seed) && data.source !== "recording" ? `seed ${data.seed} · ` : "";
  parts.push(make("p", { class: "dim" }, `From ${SOURCES[data.source] ?? data.source} · ${seed}fingerprint ${data.fingerprint} · ${run.events.length} lines · ${seconds(run.events.at(-1)?.at ?? 0)} s`));
  if (data.reproduce) {
    const done = make("span", { role: "status", class: "dim" });
    parts.push(make("p", {}, "Run it again:"), make("pre", { class: "words", tabindex: 0, role: "group", "aria-label": "Command" }, data.reproduce),
      make("p", {}, make("button", { type: "button", class: "copy", click: () => copied(data.reproduce, done) }, "Copy the command"), " ", done));
  }
  if (data.final_state) parts.push(make("h3", {}, "At the end"), make("pre", { class: "words", dir: "auto", tabindex: 0, role: "group", "aria-label": "State at the end" }, data.final_state));
  if (data.notation) {
    parts.push(make("details", {}, make("summary", {}, "How lines are written"), make("pre", { class: "words", tabindex: 0, role: "group", "aria-label": "How lines are written" }, data.notation)));
  }
  if (data.scenario) {
    parts.push(make("details", {}, make("summary", {}, "Scenario"), make("pre", { class: "words", tabindex: 0, role: "group", "aria-label": "Scenario" }, data.scenario)));
  }
  return parts;
}

async function copied(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    done.textContent = "Copied.";
  } catch {
    const field = make("textarea", { readonly: true, class: "offscreen" }, text);
    document.body.append(field);
    field.select();
    done.textContent = document.execCommand("copy") ? "Copied." : "The browser does not allow it: select the text above.";
    field.remove();
  }
}

// When the failure became inevitable, if that was asked.
function blameShown() {
  const run = view.runs[0], { blame } = run.data;
  page.blamebox.hidden = !blame;
  if (blame) page.blamebody.replaceChildren(...blameParts(run, blame));
}

// The blame curve as a table: how many of the runs that began anew at a moment failed.
function blameParts(run, blame) {
  const table = make("table", { class: "state" }, make("caption", {}, "Runs that failed when chance was drawn anew from a moment on"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "from"), make("th", { scope: "col" }, "failed"), make("th", { scope: "col" }, "line"))));
  const body = make("tbody");
  for (const point of blame.points) {
    const i = Math.max(0, eventAt(run, point.at));
    body.append(make("tr", {}, make("th", { scope: "row" }, `${seconds(point.at)} s`), make("td", {}, `${point.failed} of ${point.of}`),
      make("td", {}, run.events.length ? eventButton(run, i) : "")));
  }
  table.append(body);
  return [make("p", { class: "words" }, quoted(blame.text)), make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Blame curve" }, table)];
}
