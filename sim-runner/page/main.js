// Reads the run, fills the controls, and shows the first moment: of a failure, why it failed.

const page = {};

function filled() {
  const [run] = view.runs, kinds = new Set(), others = new Set();
  for (const one of view.runs) {
    for (const copy of one.copies) for (const [kind] of copy.messages) kinds.add(kind);
    for (const event of one.events) if (event.class !== "routine" && event.copy === undefined) others.add(kindOf(event));
  }
  const group = (label, list, prefix) => make("optgroup", { label }, ...[...list].sort().map((kind) => make("option", { value: prefix + kind }, kind)));
  page.kind.append(group("datagrams", kinds, "message "), group("notes", others, ""));
  const lanes = [...run.processes.values()].filter((process) => process.site === undefined);
  page.processes.append(...lanes.map((process) => make("label", {}, make("input", { type: "checkbox", value: process.id, checked: true }), ` ${process.id}`)));
  page.difference.hidden = view.runs.length < 2;
  page.whyfailed.textContent = view.runs.some(failing) ? "Why did it fail?" : "Why the end?";
  for (const one of view.runs) for (const event of one.events) {
    if (event.kind === "leads" && event.rank !== undefined && !view.ranks.includes(event.rank)) view.ranks.push(event.rank);
  }
  const calls = run.data.calls ?? [], beside = new Set(calls.map((call) => call.process).filter((id) => run.processes.get(id)?.site !== undefined));
  // Lanes for the calls of many terminals would take the room of the others: a switch brings them.
  view.calls = calls.length > 0 && (beside.size <= 2 || run.judged.size > 0) && view.runs.length === 1;
  page.banded.hidden = !view.runs.some((one) => (one.data.bands ?? []).length);
  page.ordered.hidden = !run.judged.size;
  page.calls.checked = view.calls;
  page.calls.disabled = !calls.length;
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

async function opened() {
  for (const element of document.querySelectorAll("[id]")) page[element.id] = element;
  const began = performance.now();
  try {
    view.runs = (await unpacked()).map(indexed);
  } catch (error) {
    page.trouble.hidden = false;
    page.trouble.textContent = `The run in this file cannot be read: ${error.message}`;
    return;
  }
  if (view.runs[1]) view.runs[1].from = firstDifference(view.runs[0], view.runs[1]);
  document.body.classList.toggle("two", view.runs.length > 1);
  filled();
  runsIntroduced();
  callsShown();
  blameShown();
  controlsReady();
  pointed();
  picture.width = page.frame.clientWidth;
  relaid();
  if (!addressTaken()) {
    if (view.runs.some(failing)) failureShown();
    else chooseEvent(view.runs[0], eventAt(view.runs[0], view.runs[0].events[0]?.at ?? 0));
    if (!view.cone) page.frame.scrollTop = 0;
  }
  document.documentElement.dataset.opened = Math.round(performance.now() - began);
}

opened();
