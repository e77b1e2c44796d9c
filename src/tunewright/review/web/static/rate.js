// The rating form by keyboard: a number answers the marked question and goes to the next. It keeps what is
// chosen but not saved in this tab, measures active time, hides the text in a pause, and says when a save did
// not arrive. Without it the form is an ordinary one. Other keys are data-key attributes (review.js).
"use strict";

(() => {
  const IDLE_MS = 60_000; // longer without a key, a click, a scroll or a movement is not work
  const form = document.querySelector("form.rating");
  const groups = [...form.querySelectorAll(".asked")];
  const choices = groups.filter((group) => group.querySelector("input[type=radio]"));
  const save = form.querySelector("button[type=submit]");
  const status = form.querySelector(".save-status");
  const body = document.querySelector(".rating-body");
  const paused = document.querySelector(".paused");
  const instructions = document.querySelector("dialog.instructions");
  const rater = document.querySelector(".who .name").textContent; // two people may share a browser
  const draftName = `rating ${rater} ${form.getAttribute("action")} ${(form.elements.version ?? form.elements.before).value}`;

  // ---- answering; the marked group is the one that numbers answer
  const isAnswered = (group) => group.querySelector("input:checked") !== null;
  let current = null;

  function mark(group) {
    current = group;
    for (const one of choices) one.classList.toggle("is-current", one === group);
  }

  function answer(number) {
    const group = current ?? choices.at(-1);
    const radio = group?.querySelector(`input[value="${number}"]`);
    if (!radio) return false;
    radio.checked = true;
    radio.dispatchEvent(new Event("input", { bubbles: true }));
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    const next = choices[choices.indexOf(group) + 1];
    const target = next ? (next.querySelector("input:checked") ?? next.querySelector("input")) : save;
    target.focus({ preventScroll: true });
    mark(next ?? null);
    (next ?? save).scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    const isRadio = event.target.matches?.("input[type=radio]");
    // in a group of radio buttons an arrow chooses, as everywhere: it is no way back there
    if (isRadio && event.key.startsWith("Arrow")) event.stopPropagation();
    if (event.target.matches?.("textarea, select, input") && !isRadio) return;
    const isOff = localStorage.getItem("single-keys") === "off";
    if (isOff || body.hidden || document.querySelector("dialog[open]")) return;
    if (/^[1-9]$/.test(event.key) && answer(event.key)) event.preventDefault();
  }, { capture: true });

  form.addEventListener("focusin", (event) => {
    const group = event.target.closest(".asked");
    if (choices.includes(group)) mark(group);
  });
  form.addEventListener("change", (event) => {
    const group = event.target.closest(".asked");
    if (group) say(group, "");
  });

  function say(group, words) {
    group.querySelector(".missing").textContent = words;
    group.classList.toggle("is-missing", words !== "");
  }

  // Marks every required question without an answer and gives the first of them.
  function firstMissing() {
    const missing = groups.filter((group) => {
      const field = group.querySelector("input, textarea");
      const isEmpty = field.type === "radio" ? !isAnswered(group) : field.value.trim() === "";
      say(group, field.required && isEmpty ? "Please answer this one." : "");
      return field.required && isEmpty;
    });
    return missing[0];
  }

  // ---- active time
  let activeMs = 0;
  let last = performance.now();

  function tick() {
    const now = performance.now();
    if (!body.hidden) activeMs += Math.min(now - last, IDLE_MS);
    last = now;
  }
  for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
    addEventListener(kind, () => { if (!document.hidden) tick(); }, { passive: true, capture: true });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) tick(); // what was before counts, what the tab is hidden for does not
    else last = performance.now();
  });

  // ---- a draft in this tab: a reload, a way back or a lost connection loses nothing
  function keepDraft() {
    const fields = [...new FormData(form)].filter(([name]) => name.includes(".") || name === "reason");
    sessionStorage.setItem(draftName, JSON.stringify({ fields: Object.fromEntries(fields), activeMs }));
  }

  function takeDraft() {
    const draft = JSON.parse(sessionStorage.getItem(draftName) ?? "null");
    if (!draft) return;
    activeMs = draft.activeMs;
    for (const [name, value] of Object.entries(draft.fields)) {
      const field = form.elements[name];
      if (field) field.value = value;
    }
  }
  form.addEventListener("input", keepDraft);
  addEventListener("pagehide", () => {
    tick();
    if (!isSaved) keepDraft();
  });

  // ---- saving; what the server answers, it answers after its commit
  let isSending = false;
  let isSaved = false;

  async function send(event) {
    event.preventDefault();
    if (isSending) return;
    const missing = firstMissing();
    if (missing) {
      missing.querySelector("input, textarea").focus();
      return;
    }
    tick();
    if (form.elements.seconds) form.elements.seconds.value = (activeMs / 1000).toFixed(1);
    keepDraft();
    isSending = true;
    save.setAttribute("aria-disabled", "true");
    status.textContent = "Saving …";
    let reply;
    try {
      reply = await tunewright.post(form.action, new FormData(form));
    } catch {
      isSending = false;
      save.removeAttribute("aria-disabled");
      status.textContent =
        "Not saved: there is no connection. Your answers stay in this tab; save again when it is back.";
      return;
    }
    if (reply.ok) {
      isSaved = true;
      sessionStorage.removeItem(draftName);
      location.assign((await reply.json()).next);
      return;
    }
    if ([401, 403].includes(reply.status)) {
      isSending = false;
      save.removeAttribute("aria-disabled");
      await tellRefused(reply);
      return;
    }
    HTMLFormElement.prototype.submit.call(form); // whatever else the server says, it says as a page
  }

  // The session has ended, or somebody else's has begun: the page stays, and goes on after a new login.
  async function tellRefused(reply) {
    if (reply.status === 403) {
      const said = await reply.json().catch(() => ({}));
      status.textContent = `${said.error ?? "Not saved."} Your answers stay in this tab.`;
      return;
    }
    const link = document.createElement("a");
    Object.assign(link, { href: "/login", target: "_blank", textContent: "Log in in another tab" });
    status.replaceChildren("Not saved: you are logged out. Your answers stay in this tab. ", link, ", then save again.");
  }
  form.noValidate = true; // the page says itself what is missing
  form.addEventListener("submit", send);

  // ---- pause and instructions: links without this script
  const pauseLink = document.querySelector("a[data-key=p]");
  pauseLink?.addEventListener("click", (event) => {
    event.preventDefault();
    tick();
    body.hidden = true;
    paused.hidden = false;
    pauseLink.hidden = true;
    paused.querySelector("button").focus();
  });
  paused?.querySelector("button").addEventListener("click", () => {
    last = performance.now();
    body.hidden = false;
    paused.hidden = true;
    pauseLink.hidden = false;
    pauseLink.focus();
  });
  document.querySelector("a[data-key=i]")?.addEventListener("click", (event) => {
    event.preventDefault();
    instructions.showModal();
  });

  takeDraft();
  mark(choices.find((group) => !isAnswered(group)) ?? null);
})();
