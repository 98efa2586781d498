// Renews a page while it is in view, says how long ago each time is, and tells when it cannot.
"use strict";

const live = document.getElementById("live");
const connection = document.getElementById("connection");
const announce = document.getElementById("announce");
const every = Number(document.body.dataset.live || 0) * 1000;
const ago = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
// The server's clock counts: the one of the reader's machine may be wrong.
let ahead = Date.parse(document.body.dataset.now) - Date.now();
let shown = null;
let failures = 0;
let timer = null;

function sayAgo() {
  for (const element of document.querySelectorAll("[data-at]")) {
    const seconds = Math.round((Date.parse(element.dataset.at) - Date.now() - ahead) / 1000);
    const size = Math.abs(seconds);
    const [count, unit] =
      size < 90 ? [seconds, "second"]
      : size < 5400 ? [seconds / 60, "minute"]
      : size < 129600 ? [seconds / 3600, "hour"]
      : [seconds / 86400, "day"];
    const text = `(${ago.format(Math.round(count), unit)})`;
    if (element.textContent !== text) element.textContent = text;
  }
}

function headline() {
  return live.querySelector("[data-headline]")?.textContent.trim() ?? "";
}

function tell(text) {
  connection.textContent = text;
  connection.hidden = text === "";
}

// What somebody is doing on the page is not taken from under their hands.
function isInUse() {
  const focused = document.activeElement;
  const isTyping = live.contains(focused) && focused.matches("input, select, textarea");
  return isTyping || !getSelection().isCollapsed;
}

function replace(content, html) {
  const before = headline();
  const id = live.contains(document.activeElement) ? document.activeElement.id : "";
  live.replaceChildren(...content.childNodes);
  shown = html;
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
  if (headline() !== before) announce.textContent = headline();
}

async function renew() {
  if (document.hidden || isInUse()) return;
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
  if (answer.redirected) {
    tell("You are signed out: load the page again to sign in. What is shown is no longer renewed.");
    return "stop";
  }
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const content = page.getElementById("live");
  ahead = Date.parse(page.body.dataset.now) - Date.now();
  if (content.innerHTML !== shown && !isInUse()) replace(content, content.innerHTML);
  failures = 0;
  tell("");
  sayAgo();
  return page.body.dataset.live ? undefined : "stop";
}

async function again() {
  clearTimeout(timer);
  let verdict;
  try {
    verdict = await renew();
  } catch {
    failures += 1;
    tell("swrhook does not answer. What is shown is old; it is asked again and again.");
  }
  if (verdict !== "stop") timer = setTimeout(again, every * Math.min(2 ** failures, 12));
}

if (every) {
  shown = live.innerHTML;
  timer = setTimeout(again, every);
  document.addEventListener("visibilitychange", () => document.hidden || again());
}
sayAgo();
setInterval(() => document.hidden || sayAgo(), 1000);
