// Refreshes a page while it is visible, shows the age of each time, and reports when it cannot.
"use strict";

const live = document.getElementById("live");
const connection = document.getElementById("connection");
const announce = document.getElementById("announce");
const interval = Number(document.body.dataset.live || 0) * 1000;
const ago = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
// Ages are based on the server's clock: the browser's may be wrong.
let clockOffset = Date.parse(document.body.dataset.now) - Date.now();
let shown = null;
let failures = 0;
let timer = null;

function updateAges() {
  for (const element of document.querySelectorAll("[data-at]")) {
    const seconds = Math.round((Date.parse(element.dataset.at) - Date.now() - clockOffset) / 1000);
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

function showStatus(text) {
  connection.textContent = text;
  connection.hidden = text === "";
}

// Do not replace the page while the user types or has selected text.
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

async function refresh() {
  if (document.hidden || isInUse()) return;
  const response = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
  if (response.redirected) {
    showStatus("You are signed out: reload the page to sign in. This content is no longer refreshed.");
    return "stop";
  }
  if (!response.ok) throw new Error(response.statusText);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.getElementById("live");
  clockOffset = Date.parse(page.body.dataset.now) - Date.now();
  if (content.innerHTML !== shown && !isInUse()) replace(content, content.innerHTML);
  failures = 0;
  showStatus("");
  updateAges();
  return page.body.dataset.live ? undefined : "stop";
}

async function poll() {
  clearTimeout(timer);
  let result;
  try {
    result = await refresh();
  } catch {
    failures += 1;
    showStatus("swrhook does not answer. This content is old; the page keeps trying.");
  }
  if (result !== "stop") timer = setTimeout(poll, interval * Math.min(2 ** failures, 12));
}

if (interval) {
  shown = live.innerHTML;
  timer = setTimeout(poll, interval);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
}
updateAges();
setInterval(() => document.hidden || updateAges(), 1000);
