// Refreshes a page while it is visible, shows the age of each time, and reports when it cannot.
"use strict";

const live = document.getElementById("live");
const connection = document.getElementById("connection");
const announce = document.getElementById("announce");
const interval = Number(document.body.dataset.live || 0) * 1000;
const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
// Ages are based on the server's clock: the browser's may be wrong.
let clockOffset = Date.parse(document.body.dataset.now) - Date.now();
let shown = null;
let failures = 0;
let timer = null;

function updateAges() {
  for (const element of document.querySelectorAll("time.ago")) {
    const seconds = Math.trunc((Date.parse(element.dateTime) - Date.now() - clockOffset) / 1000);
    const size = Math.abs(seconds);
    const [length, unit] =
      size < 60 ? [1, "second"] : size < 3600 ? [60, "minute"] : size < 86400 ? [3600, "hour"] : [86400, "day"];
    const text = ago.format(Math.trunc(seconds / length), unit);
    if (element.textContent !== text) element.textContent = text;
  }
}

// Adds the browser's own time to the server's, which is in UTC.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const isElsewhere = new Date().getTimezoneOffset() !== 0;
const localTime = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

function addLocalTimes() {
  if (!isElsewhere) return;
  for (const element of document.querySelectorAll("[data-local]")) {
    element.textContent = `· ${localTime.format(new Date(element.dataset.local))} ${zone}`;
  }
  for (const element of document.querySelectorAll("time.ago")) {
    element.title = `${element.title.split("\n")[0]}\n${localTime.format(new Date(element.dateTime))} ${zone}`;
  }
}

// The tables' headings sort the rows of the page; the choice survives a refresh.
let sorting = null;

function sortKey(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
}

function sortRows() {
  const table = live.querySelector("table.sortable");
  if (!table || !sorting) return;
  const heads = [...table.tHead.rows[0].cells];
  const column = heads.findIndex((head) => head.textContent.trim() === sorting.name);
  if (column < 0) return;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => sortKey(a, column).localeCompare(sortKey(b, column), undefined, { numeric: true }));
  if (sorting.isDescending) rows.reverse();
  table.tBodies[0].append(...rows);
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", sorting.isDescending ? "descending" : "ascending");
}

function prepareTables() {
  for (const head of live.querySelectorAll("table.sortable thead th")) {
    if (head.querySelector("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = head.textContent;
    head.replaceChildren(button);
  }
  for (const box of live.querySelectorAll("input[data-all]")) box.hidden = false;
  sortRows();
}

function countSelected() {
  const boxes = [...live.querySelectorAll("input[name=sync]")];
  const count = boxes.filter((box) => box.checked).length;
  const text = live.querySelector("[data-selected]");
  if (text) text.textContent = count ? text.dataset.count.replace("0", count) : text.dataset.selected;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input[data-all]")) {
    for (const box of live.querySelectorAll("input[name=sync]")) box.checked = event.target.checked;
  }
  if (event.target.matches("input[data-all], input[name=sync]")) countSelected();
});

document.addEventListener("click", async (event) => {
  const head = event.target.closest("button.sort");
  if (head) {
    const name = head.textContent.trim();
    sorting = { name, isDescending: sorting?.name === name && !sorting.isDescending };
    sortRows();
    return;
  }
  const copied = event.target.closest("[data-copy]");
  if (copied && navigator.clipboard) {
    await navigator.clipboard.writeText(copied.dataset.copy);
    announce.textContent = `${copied.dataset.copy} ${copied.dataset.copied ?? ""}`;
    copied.classList.add("copied");
    setTimeout(() => copied.classList.remove("copied"), 1200);
  }
});

function headline() {
  return live.querySelector("[data-headline]")?.textContent.trim() ?? "";
}

function showStatus(text) {
  connection.textContent = text;
  connection.hidden = text === "";
}

// Do not replace the page while the user types, has selected something or reads what is expanded.
function isInUse() {
  const focused = document.activeElement;
  const isTyping = live.contains(focused) && focused.matches("input:not([type=checkbox]), select, textarea");
  const hasSelected = live.querySelector("input[name=sync]:checked") !== null;
  const isOpen = live.querySelector("td details[open]") !== null;
  return isTyping || hasSelected || isOpen || !getSelection().isCollapsed;
}

function replace(content, html) {
  const before = headline();
  const id = live.contains(document.activeElement) ? document.activeElement.id : "";
  live.replaceChildren(...content.childNodes);
  shown = html;
  prepareTables();
  addLocalTimes();
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
  if (headline() !== before) announce.textContent = headline();
}

async function refresh() {
  if (document.hidden || isInUse()) return;
  const response = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
  if (response.redirected) {
    showStatus(connection.dataset.signedOut);
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
    showStatus(connection.dataset.silent);
  }
  if (result !== "stop") timer = setTimeout(poll, interval * Math.min(2 ** failures, 12));
}

// Shows the panels of a section as tabs; left and right arrow keys switch between them.
function addTabs(section) {
  const panels = [...section.querySelectorAll("[data-tab]")];
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-labelledby", section.getAttribute("aria-labelledby"));
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${panel.id}`;
    tab.textContent = panel.dataset.tab;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    return tab;
  });
  function select(chosen) {
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    });
  }
  list.addEventListener("click", (event) => {
    const index = tabs.indexOf(event.target);
    if (index >= 0) select(index);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = (tabs.indexOf(event.target) + step + tabs.length) % tabs.length;
    select(next);
    tabs[next].focus();
  });
  list.append(...tabs);
  panels[0].before(list);
  select(Math.max(panels.findIndex((panel) => `#${panel.id}` === location.hash), 0));
}
for (const section of document.querySelectorAll("[data-tabs]")) addTabs(section);

if (interval) {
  shown = live.innerHTML;
  timer = setTimeout(poll, interval);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
}
// On a phone the pages are in one line, which may have to be moved.
document.querySelector("header [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
prepareTables();
addLocalTimes();
if (isElsewhere) {
  for (const element of document.querySelectorAll("[data-zone]")) element.textContent = ` · ${zone}`;
}
updateAges();
setInterval(() => document.hidden || updateAges(), 1000);
