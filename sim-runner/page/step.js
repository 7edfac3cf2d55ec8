// Starts a page with a session behind it: the program at the page's own address answers.

// Asks the program, and says which run the page shows.
async function asked(request) {
  const run = view.runs[0].data.fingerprint;
  const response = await fetch("ask", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ run, request }) });
  if (response.status === 413) return { is: "refused", problems: [{ message: "this is longer than the program takes at once", help: "at most 256 KB" }] };
  if (!response.ok) throw new Error(`the answer has the status ${response.status}`);
  return response.json();
}

async function begun() {
  if (!await opened(unpacked())) return;
  try {
    const { pokes, examples, path } = await asked({ do: "begin" });
    lively(asked, { pokes, examples, saves: true });
    live.parts.save.title = `Save in ${path}`;
  } catch (error) {
    page.trouble.hidden = false;
    page.trouble.textContent = `Nobody answers, so that this page only shows: ${error.message}. The program may have ended.`;
  }
}

begun();
