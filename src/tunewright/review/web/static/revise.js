// The page of a pair, made quicker: edit in place with a live diff, autosave with a second copy in this
// browser, active time, reasons on R and F. Without it the page's forms do all that matters.
"use strict";

(() => {
  const form = document.getElementById("pair");
  if (!form) return;
  const { post, say } = window.tunewright;
  const item = form.dataset.item;
  const version = form.elements.version.value;
  const areas = [...form.querySelectorAll("textarea[name^='text.']")];
  const dirty = new Set(); // areas typed into since the page came: others are the server's already
  const state = document.getElementById("state");
  const keptText = document.getElementById("kept-text");
  const saveButton = document.getElementById("save");
  const acceptButton = document.getElementById("accept");
  document.querySelectorAll(".needs-script").forEach((one) => { one.hidden = false; });

  // -- the second copy, for when the network or the browser goes away
  const copyKey = (one) => `tunewright:${form.dataset.person}:${one}`;
  const AGE_MS = 14 * 86_400_000;
  const LONG = 100_000; // characters of a text with which one is more sparing

  function typed() {
    return Object.fromEntries([...dirty].map((area) => [area.name, area.value]));
  }

  function keepCopy() {
    try {
      localStorage.setItem(copyKey(item), JSON.stringify({ version, at: Date.now(), texts: typed() }));
    } catch { /* full or forbidden: the server's copy remains */ }
  }

  function dropCopy(one) { localStorage.removeItem(copyKey(one)); }

  function readCopy() {
    try { return JSON.parse(localStorage.getItem(copyKey(item))); } catch { return null; }
  }

  function dropOldCopies() {
    for (const key of Object.keys(localStorage).filter((one) => /^tunewright:\d+:\d+$/.test(one))) {
      let at = 0;
      try { at = JSON.parse(localStorage.getItem(key)).at; } catch { /* not ours to read */ }
      if (Date.now() - at > AGE_MS) localStorage.removeItem(key);
    }
  }

  const timeOf = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

  function tell(words, ...buttons) {
    keptText.replaceChildren(words, " ", ...buttons);
    keptText.hidden = false;
  }

  function button(words, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", action);
    return made;
  }

  // What accepting would save: the text that the page came with, unless the server says it is another one.
  const begun = new Map(areas.map((area) => [area, area.defaultValue]));
  areas.filter((area) => area.closest("[data-changed]")).forEach((area) => begun.delete(area));

  function putBack(copy) {
    for (const area of areas) {
      if (copy.texts[area.name] === undefined || copy.texts[area.name] === area.value) continue;
      area.value = copy.texts[area.name];
      area.closest("details").open = true;
      changed(area);
    }
  }

  function offerCopy() {
    const copy = readCopy();
    if (!copy) return;
    if (!areas.some((area) => (copy.texts[area.name] ?? area.value) !== area.value)) { dropCopy(item); return; }
    if (copy.version === version) {
      putBack(copy);
      tell(`What you typed until ${timeOf(copy.at)} had not reached the server. It is back in the editor.`);
    } else {
      tell(`This browser still has what you typed until ${timeOf(copy.at)}, before the pair was saved.`,
        button("Put it into the editor", () => { putBack(copy); keptText.hidden = true; }),
        button("Drop it", () => { dropCopy(item); keptText.hidden = true; }));
    }
  }

  // -- autosave: a second after the last key, and whenever the page is left
  let timer = 0;
  let sending = null;
  let isBehind = false; // something typed is not on the server
  let isUnreachable = false;
  let toldWhy = ""; // the server does not take the text, and why: gone when it does

  function changed(area) {
    dirty.add(area);
    isBehind = true;
    state.textContent = "typing …";
    showChanged();
    if (area.value.length < LONG) keepCopy(); // a longer one with the autosave: each copy takes a while
    clearTimeout(timer);
    timer = setTimeout(autosave, 1000);
    laterDiff(area);
  }

  async function autosave({ leaving = false } = {}) {
    clearTimeout(timer);
    if (!isBehind || (sending && !leaving)) return sending;
    keepCopy();
    isBehind = false;
    if (!isUnreachable) state.textContent = "saving …";
    const body = { version, ...typed() };
    // a page that goes away may finish small requests only; the copy here is for the others
    const isSmall = Object.values(body).join("").length < 15_000;
    sending = post(`/item/${item}/autosave`, body, leaving && isSmall ? { keepalive: true } : {})
      .then(answered, unreachable)
      .finally(() => {
        sending = null;
        if (isBehind) timer = setTimeout(autosave, isUnreachable ? 5000 : 1000);
      });
    return sending;
  }

  async function answered(response) {
    isUnreachable = false;
    if (response.status === 204) {
      if (toldWhy && keptText.textContent === toldWhy) keptText.hidden = true;
      toldWhy = "";
      if (!isBehind) dropCopy(item);
      state.textContent = `saved ${timeOf(Date.now())}`;
      return;
    }
    state.textContent = "not saved: kept in this browser";
    if (response.status === 409) {
      tell("Another window saved this pair. Nothing of yours is lost: it is kept here.",
        button("Compare both", () => { saveButton.disabled = false; form.requestSubmit(saveButton); }));
    } else if (response.status === 410) {
      const lost = await response.json().catch(() => ({}));
      tell(lost.error ?? "This pair is not yours any more. What you typed is kept on the server.",
        button("Next pair", () => { location.href = document.getElementById("accept").dataset.next; }));
    } else if (response.status === 401) {
      const link = document.createElement("a");
      Object.assign(link, { href: "/login", target: "_blank", textContent: "Log in in another tab" });
      isBehind = true;
      isUnreachable = true;
      tell("You are logged out. What you type is kept in this browser.", link, ", then go on here.");
      toldWhy = keptText.textContent;
    } else {
      isBehind = true;
      isUnreachable = true;
      const said = await response.json().catch(() => ({}));
      tell(said.error ?? "The server did not take the text. It is kept in this browser, and sent again.");
      toldWhy = keptText.textContent;
    }
    say(keptText.textContent);
  }

  function unreachable() {
    isBehind = true;
    if (!isUnreachable) say("No connection. What you type is kept in this browser.");
    isUnreachable = true;
    state.textContent = "no connection: kept in this browser";
  }

  areas.forEach((area) => {
    area.addEventListener("input", () => changed(area));
    area.addEventListener("blur", () => autosave());
    grow(area);
  });
  window.addEventListener("online", () => autosave());
  window.addEventListener("pagehide", () => autosave({ leaving: true }));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") autosave({ leaving: true });
    else if (isUnreachable) autosave(); // back from the tab of a new login
  });

  // -- the editor
  function grow(area) {
    if (CSS.supports("field-sizing", "content")) return;
    const fit = () => { area.style.height = "auto"; area.style.height = `${area.scrollHeight + 4}px`; };
    area.addEventListener("input", fit);
    area.closest("details").addEventListener("toggle", fit);
    fit();
  }

  // There is something of one's own to save only where a text differs; until then accepting says it all.
  function showChanged() {
    const isChanged = areas.some((area) => area.value !== begun.get(area));
    saveButton.disabled = !isChanged;
    saveButton.classList.toggle("primary", isChanged);
    acceptButton.classList.toggle("primary", !isChanged);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !saveButton.disabled || why.open) return;
    state.textContent = "nothing changed yet";
    say("Nothing is changed yet, so there is nothing of yours to save.");
  });

  let lastField = null; // the one last written in
  form.addEventListener("focusin", (event) => {
    if (areas.includes(event.target)) lastField = event.target.closest(".pair-field");
  });

  // The field that has the focus, else the one written in last, else the first that the draft changed.
  function fieldToEdit() {
    const fields = [...form.querySelectorAll(".pair-field")];
    return document.activeElement.closest(".pair-field") ?? lastField
      ?? fields.find((one) => one.querySelector(".draft") && !one.matches(".is-single"))
      ?? fields.find((one) => one.dataset.field === "output") ?? fields[0];
  }

  document.getElementById("edit").addEventListener("click", () => {
    const area = fieldToEdit().querySelector("textarea");
    area.closest("details").open = true;
    area.focus();
    area.scrollIntoView({ block: "nearest" });
  });
  for (const details of form.querySelectorAll("details.editor")) {
    const summary = details.querySelector("summary");
    summary.addEventListener("click", () => setTimeout(() => {
      if (details.open) details.querySelector("textarea").focus();
    }));
    details.querySelector("textarea").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault();
      summary.focus();
    });
  }

  // -- live diff: the server's own, so that page and script never disagree
  const waiting = new Map();

  function laterDiff(area) {
    clearTimeout(waiting.get(area)?.timer);
    waiting.get(area)?.controller.abort();
    const controller = new AbortController();
    waiting.set(area, { controller, timer: setTimeout(() => liveDiff(area, controller), area.value.length < LONG ? 250 : 2000) });
  }

  async function liveDiff(area, controller) {
    const field = area.closest(".pair-field");
    let found;
    try {
      const response = await post(`/item/${item}/diff`, { version, [area.name]: area.value }, { signal: controller.signal });
      if (!response.ok) return;
      found = (await response.json())[field.dataset.field];
    } catch { return; } // a newer one is under way, or there is no connection: autosave tells
    const before = field.querySelector('[data-live="before"]');
    if (before) before.innerHTML = found.before; // escaped by the server: text.shown
    field.querySelector('[data-live="after"]').innerHTML = found.after;
    field.querySelector(".own-changes").hidden = found.is_equal;
  }

  // -- the views
  const views = [...document.querySelectorAll("[data-show]")];

  function show(name) {
    form.dataset.view = name;
    form.elements.view.value = name;
    form.querySelectorAll("[data-view]").forEach((one) => { one.hidden = one.dataset.view !== name; });
    views.forEach((one) => one.toggleAttribute("aria-current", one.dataset.show === name));
    views.filter((one) => one.dataset.show === name).forEach((one) => one.setAttribute("aria-current", "true"));
    localStorage.setItem("tunewright:view", name);
  }

  if (form.dataset.allViews === "yes") {
    views.forEach((one) => one.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(one.dataset.show);
    }));
    const wanted = localStorage.getItem("tunewright:view");
    if (!location.search.includes("view=") && views.some((one) => one.dataset.show === wanted)) show(wanted);
  }
  document.getElementById("next-view").addEventListener("click", () => {
    const at = views.findIndex((one) => one.dataset.show === form.dataset.view);
    const next = views[(at + 1) % views.length];
    next.click();
    say(next.textContent);
  });

  // -- reasons: R and F open the list where none is given yet
  const why = document.getElementById("why");
  const whyTitle = document.getElementById("why-title");
  const whySend = document.getElementById("why-send");
  const ownWords = document.getElementById("own-words");
  const picked = () => [...why.querySelectorAll("input:checked")];
  let wanted = null; // the button that asked for reasons

  function numReasons() { return picked().length + (ownWords.value.trim() ? 1 : 0); }

  function countReasons() { document.getElementById("num-reasons").textContent = numReasons() || ""; }

  function askWhy(asking) {
    wanted = asking;
    whyTitle.textContent = `Why do you ${asking.dataset.needsReason.toLowerCase()} it? Pick what fits, or write it.`;
    whySend.textContent = asking.dataset.needsReason;
    why.open = true;
    why.querySelector("input").focus();
  }

  function closeWhy() {
    why.open = false;
    wanted = null;
    whySend.textContent = "Done";
    why.querySelector("summary").focus();
  }

  function sendWhy() {
    if (!wanted) { closeWhy(); return; }
    if (!numReasons()) { say("Pick a reason or write one."); whyTitle.classList.add("wrong"); return; }
    form.requestSubmit(wanted);
  }

  document.querySelectorAll("[data-needs-reason]").forEach((one) => one.addEventListener("click", (event) => {
    if (numReasons()) return;
    event.preventDefault();
    askWhy(one);
  }));
  why.addEventListener("input", countReasons);
  why.addEventListener("keydown", (event) => {
    const isSend = event.key === "Enter" && (event.ctrlKey || event.metaKey || event.target.type === "checkbox");
    if (event.key === "Escape" || isSend) event.preventDefault();
    if (event.key === "Escape") closeWhy();
    if (isSend) sendWhy();
  });
  // who begins to write means their own words
  document.addEventListener("keydown", (event) => {
    const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.defaultPrevented) return; // the very key that asked why
    if (why.open && isLetter && !event.target.matches("textarea, input:not([type='checkbox'])")) ownWords.focus();
  });
  whySend.addEventListener("click", sendWhy);
  document.getElementById("why-close").addEventListener("click", closeWhy);
  countReasons();

  // -- active time: the page is seen, and was used within the last minute
  const clock = document.getElementById("clock");
  const timeKey = `tunewright:time:${item}:${version}`;
  let active = 0;
  let usedAt = performance.now();
  let tickedAt = performance.now();
  try {
    const before = JSON.parse(sessionStorage.getItem(timeKey));
    if (before) { active = before.active; form.elements.opened.value = before.opened; }
  } catch { /* begins anew */ }

  for (const name of ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchstart", "input"]) {
    window.addEventListener(name, () => { usedAt = performance.now(); }, { passive: true, capture: true });
  }

  function tick() {
    const now = performance.now();
    const isActive = document.visibilityState === "visible" && now - usedAt < 60_000;
    if (isActive) active += Math.min(now - tickedAt, 2000) / 1000; // a sleeping computer is not at work
    tickedAt = now;
    form.elements.seconds.value = active.toFixed(3);
    const whole = Math.floor(active);
    clock.textContent = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}${isActive ? " active" : " resting"}`;
    sessionStorage.setItem(timeKey, JSON.stringify({ active, opened: form.elements.opened.value }));
  }

  setInterval(tick, 1000);
  tick();

  form.addEventListener("submit", (event) => {
    tick();
    if (dirty.size) keepCopy();
    if (isUnreachable) {
      // leaving now would show the browser's own error page; try first, and stay when it fails
      event.preventDefault();
      event.stopPropagation();
      const submitter = event.submitter;
      isBehind = true;
      autosave().then(() => {
        if (isUnreachable) say(toldWhy || "Still no connection. Nothing is lost; try again in a moment.");
        else form.requestSubmit(submitter);
      });
      return;
    }
    clearTimeout(timer);
    isBehind = false; // the form itself carries it
  });

  // -- the beginning
  if (form.dataset.saved !== "0") dropCopy(form.dataset.saved);
  dropOldCopies();
  offerCopy();
  showChanged();
})();
