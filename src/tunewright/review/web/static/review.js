// What every page shares: keys from data-key attributes, the list of them on "?", the reader's own time of day,
// a voice for screen readers, and POSTs that carry the session's secret. Pages work without any of it.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("script");
  const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";
  const said = document.getElementById("said");
  const dialog = document.getElementById("keys");
  const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

  // Says a sentence to screen readers without moving the focus.
  function say(words) {
    said.textContent = "";
    requestAnimationFrame(() => { said.textContent = words; });
  }

  // Sends fields (object, FormData or URLSearchParams) and gives the Response. Never multipart: its parts
  // are cut at 1 MB, and a text may be longer. The answer is JSON when something is wrong.
  // After a new login in another tab it is sent once more, with the secret of that one.
  async function post(address, fields, options = {}) {
    const body = new URLSearchParams(fields);
    const send = () => fetch(address, {
      method: "POST",
      headers: { "X-CSRF": csrf(), Accept: "application/json" },
      body,
      credentials: "same-origin",
      redirect: "manual",
      ...options,
    });
    const reply = await send();
    if (![401, 403].includes(reply.status) || !await renew()) return reply;
    body.set("csrf", csrf());
    return send();
  }

  // Puts the secret of the login that there is now into this page; whether it is a new one. The secret begins
  // with whose it is: somebody else's login leaves the page as it is, so that nothing is sent in their name.
  async function renew() {
    const reply = await fetch("/session", { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!reply.ok) return false;
    const now = await reply.json();
    const old = csrf() || document.querySelector("form[data-renew] [name=csrf]")?.value || "";
    if (now.csrf === old || old.split(".")[0] !== String(now.person)) return false;
    document.querySelector('meta[name="csrf"]').content = now.csrf;
    document.querySelectorAll('input[name="csrf"]').forEach((one) => { one.value = now.csrf; });
    return true;
  }

  // Keys. An element with data-key="a" is clicked (a field: focused) by a; "g w" is g, then w; "Ctrl+Enter"
  // also works while typing. Several keys for one thing: data-key="j|ArrowDown".
  const isOn = () => localStorage.getItem("single-keys") !== "off";
  const isTyping = (element) => element.matches?.(
    'textarea, select, [contenteditable="true"], input:not([type="radio"], [type="checkbox"], [type="button"], [type="submit"])');
  const keysOf = (element) => element.dataset.key.split("|");
  const isShown = (element) => element.matches('[type="radio"], [type="checkbox"]')
    ? element.labels?.[0]?.checkVisibility() ?? element.checkVisibility()
    : element.checkVisibility();
  let before = "";
  let beforeAt = 0;

  // "a", "A" (with Shift), "Enter", "Ctrl+Enter"; Caps Lock and a layout of other letters change nothing.
  function nameOf(event) {
    let name = event.key;
    if (name.length === 1 && name > "\x7f" && event.code.startsWith("Key")) name = event.code.slice(3);
    if (/^[a-z]$/i.test(name)) name = event.shiftKey ? name.toUpperCase() : name.toLowerCase();
    const shift = event.shiftKey && name.length > 1 ? "Shift+" : "";
    return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + shift + name;
  }

  function elementFor(name) {
    // what is open and asks something has the keys alone: whoever writes a reason decides on nothing else
    const scope = document.querySelector("dialog[open], [data-keys-rest][open]") ?? document;
    return [...scope.querySelectorAll("[data-key]")].find(
      (one) => keysOf(one).includes(name) && !one.disabled && isShown(one));
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat && !event.key.startsWith("Arrow")) return;
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
    const name = nameOf(event);
    const isChord = name.length > 1 && /^(Ctrl|Alt)\+/.test(name);
    if (!isChord && (isTyping(event.target) || !isOn())) return;
    // Enter and Space belong to what has the focus; arrows to a group of radio buttons
    if (!isChord && event.target.matches("a, button, summary, input") && ["Enter", " "].includes(event.key)) return;
    if (name === "?" && !dialog.open && !document.querySelector("[data-keys-rest][open]")) { event.preventDefault(); showKeys(); return; }
    const sequence = performance.now() - beforeAt < 1000 ? `${before} ${name}` : "";
    const element = (sequence && elementFor(sequence)) || elementFor(name);
    before = name;
    beforeAt = performance.now();
    if (!element) return;
    event.preventDefault();
    before = "";
    press(element);
  });

  // A button that needs a text first: data-needs names the field.
  document.addEventListener("click", (event) => {
    const needed = document.getElementById(event.target.closest?.("button[data-needs]")?.dataset.needs);
    if (!needed || needed.value.trim()) return;
    event.preventDefault();
    needed.focus();
  });

  function press(element) {
    if (element.matches('textarea, select, input:not([type="radio"], [type="checkbox"], [type="submit"], [type="button"])')) {
      element.focus();
      return;
    }
    // the key of what is open already goes into it; closing is the mouse's, or Enter's on the summary itself
    const field = element.matches("details[open] > summary[data-key-opens]") && element.parentElement.querySelector("textarea");
    if (field) { field.focus(); return; }
    if (element.matches('[type="radio"], [type="checkbox"], summary')) element.focus();
    element.click();
  }

  function label(element) {
    return element.dataset.keyLabel ?? element.getAttribute("aria-label")
      ?? (element.labels?.[0] ? text(element.labels[0]) : text(element));
  }

  function text(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("kbd, .unseen, input, textarea, select").forEach((one) => one.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  }

  function showKeys() {
    const list = dialog.querySelector("dl");
    list.replaceChildren();
    const known = new Set();
    for (const element of document.querySelectorAll("[data-key]")) {
      if (dialog.contains(element) || !isShown(element) || known.has(element.dataset.key)) continue;
      known.add(element.dataset.key);
      add(list, keysOf(element), label(element));
    }
    add(list, ["?"], "This list");
    add(list, ["Escape"], "Close");
    dialog.showModal();
  }

  // As on the key itself: "a" is A, and A is Shift+A.
  function shown(name) {
    if (/^[A-Z]$/.test(name)) return `Shift+${name}`;
    return NAMES[name] ?? (name.length === 1 ? name.toUpperCase() : name);
  }

  function add(list, keys, words) {
    const term = document.createElement("dt");
    keys.forEach((key, index) => {
      if (index) term.append(" or ");
      key.split(" ").filter(Boolean).concat(key === " " ? [" "] : []).forEach((part) => {
        const hint = document.createElement("kbd");
        hint.textContent = part.split("+").map(shown).join("+") || "+";
        term.append(hint, " ");
      });
    });
    const meaning = document.createElement("dd");
    meaning.textContent = words;
    list.append(term, meaning);
  }

  for (const element of document.querySelectorAll("[data-key]")) {
    const single = keysOf(element).filter((key) => !key.includes(" "));
    if (single.length) element.setAttribute("aria-keyshortcuts", single.join(" ").replaceAll("Ctrl", "Control"));
  }

  const opener = document.getElementById("show-keys");
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", showKeys);
  }
  const onOff = document.getElementById("keys-on");
  onOff.checked = isOn();
  root.classList.toggle("keys-off", !isOn());
  onOff.addEventListener("change", () => {
    localStorage.setItem("single-keys", onOff.checked ? "on" : "off");
    root.classList.toggle("keys-off", !onOff.checked);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // Times come in UTC. Here they are the reader's own, in the same form; the UTC time stays in the title.
  const OWN_TIME = new Intl.DateTimeFormat("en-US", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  for (const time of document.querySelectorAll('time[datetime$="Z"]')) {
    const part = Object.fromEntries(OWN_TIME.formatToParts(new Date(time.dateTime)).map((one) => [one.type, one.value]));
    const isDay = !time.textContent.includes(":");
    if (!isDay) time.title = time.textContent;
    time.textContent = `${part.day} ${part.month} ${part.year}` + (isDay ? "" : `, ${part.hour}:${part.minute}`);
  }

  // A form is sent once: a second click while the first is under way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    const question = event.submitter?.dataset.confirm;
    if (question && !window.confirm(question)) { event.preventDefault(); return; }
    if (form.getAttribute("aria-busy") === "true") { event.preventDefault(); return; }
    form.setAttribute("aria-busy", "true");
    setTimeout(() => form.removeAttribute("aria-busy"), 5000);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("[aria-busy]").forEach((one) => one.removeAttribute("aria-busy")));

  document.querySelector("form[data-submit-now]")?.requestSubmit();

  // What a page without a session holds is sent with the secret of the login that there is by then.
  document.querySelector("form[data-renew]")?.addEventListener("submit", (event) => {
    event.preventDefault();
    renew().catch(() => false).then(() => HTMLFormElement.prototype.submit.call(event.target));
  });

  window.tunewright = Object.freeze({ say, post, csrf, showKeys });
})();
