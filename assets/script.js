// Nothing here is needed: times in the reader's zone, questions that depend on others, drafts that save themselves, commands
// that are copied, one's place in a long text, and keys for the review queue.
"use strict";
const page = document.documentElement.lang;
// The reader's own kind of the page's language, where there is one: British days before months, American after.
const lang = navigator.languages.find((own) => own.split("-")[0] === page.split("-")[0]) ?? page;
const moment = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) time.textContent = at.toLocaleString(lang, moment);
}
// What is wrong with a form is read first.
document.querySelector(".summary[role=alert]")?.focus();
// Questions that are asked only after certain answers.
const conditions = document.querySelectorAll("[data-only-if]");
const ask = () => {
  const data = new FormData(document.querySelector("form.deed"));
  for (const part of conditions) {
    const isAsked = data.getAll(part.dataset.onlyIf).some((given) => part.dataset.is.split("\n").includes(given));
    part.hidden = !isAsked;
    // What depends on a hidden question is hidden too: its answer is kept, and does not count.
    if (!isAsked) for (const input of part.querySelectorAll("input, select, textarea")) data.delete(input.name);
  }
};
if (conditions.length && document.querySelector("form.deed")) {
  document.querySelectorAll("[data-only-if] > .hint").forEach((hint) => hint.remove());
  document.querySelector("form.deed").addEventListener("change", ask);
  ask();
}

const draft = document.querySelector("form[data-draft]");
if (draft) {
  const status = document.getElementById("draft-status");
  let timer = 0;
  // One after the other: each draft is based on the one before.
  let saving = Promise.resolve();
  let stopped = false;
  const save = async () => {
    if (stopped) return;
    const fields = new FormData(draft);
    // Files go with the button alone.
    for (const [name, value] of [...fields]) if (typeof value !== "string" || name.startsWith("remove-")) fields.delete(name);
    const body = new URLSearchParams(fields);
    const request = { method: "POST", body, headers: { Accept: "application/json" } };
    const answer = await fetch(draft.dataset.draft, request).catch(() => null);
    const time = new Date().toLocaleTimeString(lang, { timeStyle: "short" });
    let said = draft.dataset.unsaved;
    if (answer?.ok) {
      draft.elements.draft.value = (await answer.json()).draft;
      said = draft.dataset.saved + " " + time;
    } else if (answer?.status === 409 && (await answer.json().catch(() => ({}))).reason === "draft-changed") {
      stopped = true;
      said = draft.dataset.changed;
    }
    if (status) status.textContent = said;
  };
  draft.addEventListener("submit", () => { clearTimeout(timer); stopped = true; });
  draft.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { saving = saving.then(save); }, 1200);
  });
}
// What was typed as a password can be looked at. The box has no name, so it is not sent.
for (const field of document.querySelectorAll("input[type=password]")) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox" });
  box.addEventListener("change", () => { field.type = box.checked ? "text" : "password"; });
  const label = Object.assign(document.createElement("label"), { className: "show small" });
  label.append(box, document.body.dataset.show);
  field.after(label);
}
// Commands are copied with a press.
for (const box of document.querySelectorAll("[data-copy]")) {
  for (const command of box.querySelectorAll("pre")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button small copy", textContent: box.dataset.copy });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = box.dataset.copied;
      setTimeout(() => { button.textContent = box.dataset.copy; }, 2000);
    });
    // A clipboard is there only on secure pages.
    if (navigator.clipboard) command.after(button);
  }
}
// Where one is in a long text.
const contents = document.querySelector("[data-contents]");
if (contents) {
  const links = [...contents.querySelectorAll("a[href^='#']")];
  const marks = links.map((link) => document.getElementById(link.hash.slice(1)));
  const mark = () => {
    const passed = marks.findLastIndex((target) => target && target.getBoundingClientRect().top < innerHeight / 3);
    links.forEach((link, n) => n === passed ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"));
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
}
// A link to the answers opens nothing, but one into a folded text does.
addEventListener("hashchange", () => {
  document.getElementById(location.hash.slice(1))?.closest("details:not([open])")?.setAttribute("open", "");
});
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
const desk = document.querySelector("[data-desk]");
if (desk) {
  // Whoever comes from a decision or the list goes on where the request begins.
  if (!document.querySelector(".summary[role=alert]") && !location.hash) desk.querySelector("h1").focus({ preventScroll: true });
  let intended;
  desk.classList.add("keyed");
  desk.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (sends && intended && event.target === intended.form.elements[intended.dataset.words]) {
      event.preventDefault();
      intended.form.requestSubmit(intended);
    }
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const chosen = desk.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!chosen) return;
    event.preventDefault();
    if (chosen.matches("a")) chosen.click();
    intended = chosen.dataset.words ? chosen : undefined;
    // A button is only gone to: Enter presses it. What needs a word why begins with the word.
    const words = chosen.dataset.words && chosen.form.elements[chosen.dataset.words];
    (words && !words.value ? words : chosen).focus();
  });
  // Whoever goes elsewhere has changed their mind.
  desk.addEventListener("focusin", (event) => {
    if (intended && event.target !== intended && event.target !== intended.form.elements[intended.dataset.words]) intended = undefined;
  });
}
