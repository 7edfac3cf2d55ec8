// Takes runs, fills the controls, and shows the first moment: of a failure, why it failed.

const page = {};

// Fills the controls with what the runs have. What was chosen stays chosen where it is still there.
function filled() {
  const [run] = view.runs, kinds = new Set(), others = new Set();
  for (const one of view.runs) {
    for (const copy of one.copies) for (const [kind] of copy.messages) kinds.add(kind);
    for (const event of one.events) if (event.class !== "routine" && event.copy === undefined) others.add(kindOf(event));
  }
  page.kind.replaceChildren(page.kind.options[0]);
  const group = (label, list, prefix) => make("optgroup", { label }, ...[...list].sort().map((kind) => make("option", { value: prefix + kind }, kind)));
  page.kind.append(group("datagrams", kinds, "message "), group("notes", others, ""));
  if ([...page.kind.options].some((option) => option.value === view.kind)) page.kind.value = view.kind; else view.kind = "";
  const lanes = [...run.processes.values()].filter((process) => process.site === undefined);
  view.hidden = new Set([...view.hidden].filter((id) => run.processes.has(id)));
  page.processes.replaceChildren(...lanes.map((process) => make("label", {}, make("input", { type: "checkbox", value: process.id, checked: !view.hidden.has(process.id) }), ` ${process.id}`)));
  page.difference.hidden = view.runs.length < 2;
  page.whyfailed.textContent = view.runs.some(failing) ? "Why did it fail?" : "Why the end?";
  for (const one of view.runs) for (const event of one.events) {
    if (event.kind === "leads" && event.rank !== undefined && !view.ranks.includes(event.rank)) view.ranks.push(event.rank);
  }
  page.calls.disabled = !run.data.calls?.length;
  page.banded.hidden = !view.runs.some((one) => (one.data.bands ?? []).length);
  page.ordered.hidden = !run.judged.size;
}

// Lanes for the calls of many terminals would take the room of the others: a switch brings them.
function callsChosen() {
  const [run] = view.runs, calls = run.data.calls ?? [];
  const beside = new Set(calls.map((call) => call.process).filter((id) => run.processes.get(id)?.site !== undefined));
  page.calls.checked = view.calls = calls.length > 0 && (beside.size <= 2 || run.judged.size > 0) && view.runs.length === 1;
}

// Takes runs in place of those that are shown. Nothing is laid out yet.
function runsTaken(list) {
  view.runs = list.map(indexed);
  if (view.runs[1]) view.runs[1].from = firstDifference(view.runs[0], view.runs[1]);
  document.body.classList.toggle("two", view.runs.length > 1);
  filled();
  runsIntroduced();
  callsShown();
  blameShown();
}

// Shows other runs at a line of the first one. View, filters and size stay, and so do the colours of leaderships.
function runsReplaced(list, event) {
  Object.assign(view, { cone: null, unfolded: "", cursor: { run: 0, event } });
  runsTaken(list);
  relaid();
  chooseEvent(view.runs[0], event);
}

function pointed() {
  let ahead = 0;
  page.frame.addEventListener("scroll", () => {
    page.tip.hidden = true;
    if (!ahead) ahead = requestAnimationFrame(() => { ahead = 0; drawn(false); });
  }, { passive: true });
  page.frame.addEventListener("click", (event) => {
    const thing = thingAt(event.clientX, event.clientY);
    if (thing.run) chooseEvent(thing.run, thing.event, { cone: true, still: true });
    else {
      const last = picture.layout.blocks.at(-1), side = view.runs.length > 1 && thing.x >= last.left ? 1 : 0;
      chooseEvent(view.runs[side], eventAt(view.runs[side], thing.moment), { still: true });
    }
  });
  page.frame.addEventListener("pointermove", (event) => {
    const thing = thingAt(event.clientX, event.clientY);
    page.frame.classList.toggle("over", thing.run !== null);
    page.tip.hidden = !thing.run;
    if (!thing.run) return;
    const { run } = thing, line = run.events[thing.event];
    page.tip.textContent = thing.band ? bandText(thing.band) : thing.call ? `${thing.call.process} ${callText(thing.call)}${judgedText(run, run.data.calls.indexOf(thing.call))}` : thing.copy
      ? `${thing.copy.from} → ${thing.copy.to} ${thing.copy.messages.map((one) => one.join(" ").trim()).join(" + ")}${thing.copy.why ? `: ${thing.copy.why}` : ""}` : sentence(line);
    page.tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - Math.min(360, page.tip.offsetWidth) - 8)}px`;
    page.tip.style.top = `${event.clientY + 16}px`;
  });
  page.frame.addEventListener("pointerleave", () => { page.tip.hidden = true; });
  let sizing = 0;
  new ResizeObserver(() => {
    clearTimeout(sizing);
    sizing = setTimeout(() => { if (picture.layout && page.frame.clientWidth !== picture.width) { picture.width = page.frame.clientWidth; relaid(); } else drawn(false); }, 60);
  }).observe(page.frame);
  // On paper the whole picture stands, as far as it is not too large for a drawing.
  window.addEventListener("beforeprint", () => { picture.printing = picture.layout.length < 24000; document.body.classList.toggle("whole", picture.printing); drawn(true); });
  window.addEventListener("afterprint", () => { picture.printing = false; document.body.classList.remove("whole"); drawn(true); });
}

// Shows the first moment: of a failure, why it failed.
function firstShown() {
  if (view.runs.some(failing)) failureShown();
  else chooseEvent(view.runs[0], eventAt(view.runs[0], view.runs[0].events[0]?.at ?? 0));
  if (!view.cone) page.frame.scrollTop = 0;
}

// Opens the page with runs that come from a file, or from a program. Returns whether they came.
async function opened(runs) {
  for (const element of document.querySelectorAll("[id]")) page[element.id] = element;
  const began = performance.now();
  try {
    runsTaken(await runs);
  } catch (error) {
    page.trouble.hidden = false;
    page.trouble.textContent = `The run cannot be read: ${error.message}`;
    return false;
  }
  callsChosen();
  controlsReady();
  pointed();
  picture.width = page.frame.clientWidth;
  relaid();
  if (!addressTaken()) firstShown();
  document.documentElement.dataset.opened = Math.round(performance.now() - began);
  return true;
}
