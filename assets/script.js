// Nothing here is needed: times in the reader's zone, drafts that save themselves, and keys for the review queue.
"use strict";
const page = document.documentElement.lang;
// The reader's own kind of the page's language, where there is one: British days before months, American after.
const lang = navigator.languages.find((own) => own.split("-")[0] === page.split("-")[0]) ?? page;
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) time.textContent = at.toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
}
const draft = document.querySelector("form[data-draft]");
if (draft) {
  const status = document.getElementById("draft-status");
  let timer = 0;
  draft.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const body = new URLSearchParams(new FormData(draft));
      const request = { method: "POST", body, headers: { Accept: "application/json" } };
      const saved = await fetch(draft.dataset.draft, request).then((answer) => answer.ok, () => false);
      const time = new Date().toLocaleTimeString(lang, { timeStyle: "short" });
      if (status) status.textContent = saved ? draft.dataset.saved + " " + time : draft.dataset.unsaved;
    }, 1200);
  });
}
const rows = [...document.querySelectorAll("tr[data-row]")];
if (rows.length) {
  let at = -1;
  // Single keys act only while the focus is in the queue: elsewhere they are somebody's speech or habit.
  rows[0].closest("table").addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "k") {
      if (at >= 0) rows[at].classList.remove("chosen");
      at = Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)));
      rows[at].classList.add("chosen");
      rows[at].querySelector("a").focus();
    } else if (event.key === "?") {
      document.getElementById("keys")?.toggleAttribute("open");
    }
  });
}
