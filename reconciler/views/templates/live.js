"use strict";
// Renews the parts of the page that changed, shows times in the reader's zone, and adds a few keys.
// Without script the page is complete; only then the browser fetches it again by itself.
(() => {
  const root = document.body.dataset.root || "./";
  const isLive = "live" in document.body.dataset;
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  let skew = 0; // ms that the reader's clock is ahead of the server's

  const length = (milliseconds) => {
    const seconds = Math.max(Math.floor(milliseconds / 1000), 0);
    const [size, unit] = units.find(([size]) => seconds >= size) || units[3];
    return `${Math.floor(seconds / size)} ${unit}`;
  };

  const showTimes = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      const ago = Date.now() - skew - moment;
      const text =
        "age" in time.dataset ? length(ago) : "until" in time.dataset ? length(-ago) : clock.format(moment);
      if (time.textContent !== text) time.textContent = text;
    }
  };

  const setSkew = (page) => {
    const shown = page.querySelector("#shown-at time");
    if (shown) skew = Date.now() - new Date(shown.dateTime);
  };

  const say = (text) => {
    const live = document.getElementById("live");
    if (live) live.textContent = text ? `${text} · ` : "";
  };

  const keyOf = (details) => {
    const row = details.closest("tr");
    return details.id || (row ? row.cells[1].textContent + row.cells[2].textContent : "");
  };

  const renew = (page) => {
    const open = new Set([...document.querySelectorAll("details[open]")].map(keyOf));
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    for (const part of document.querySelectorAll("[data-part]")) {
      const now = page.getElementById(part.id);
      if (!now) continue;
      part.className = now.className;
      if (part.innerHTML !== now.innerHTML) part.innerHTML = now.innerHTML;
    }
    for (const details of document.querySelectorAll("details")) if (open.has(keyOf(details))) details.open = true;
    if (focused && document.activeElement === document.body)
      document.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    document.title = page.title;
    document.body.dataset.token = page.body.dataset.token;
    const icon = page.getElementById("icon");
    if (icon) document.getElementById("icon").href = icon.getAttribute("href");
    setSkew(page);
    showTimes();
  };

  let busy = false, again = false;
  const fetchPage = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
      if (answer.ok || answer.status === 404 || answer.status === 503)
        renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
      else say("not up to date");
    } catch {
      say("not connected");
    } finally {
      busy = false;
      if (again) { again = false; fetchPage(); }
    }
  };

  const follow = () => {
    const events = new EventSource(`${root}events`);
    events.addEventListener("state", (event) => {
      if (event.data !== document.body.dataset.token) fetchPage();
      say("live");
    });
    events.onerror = () => {
      say("not connected");
      if (events.readyState === EventSource.CLOSED) setTimeout(() => { fetchPage(); follow(); }, 15000);
    };
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "/") {
      const search = document.getElementById("q");
      if (search) { event.preventDefault(); search.select(); }
    } else if (event.key === "j" || event.key === "k") {
      const links = [...document.querySelectorAll("#models tbody a[href^='models/']")];
      const at = links.indexOf(document.activeElement) + (event.key === "j" ? 1 : -1);
      links[Math.min(Math.max(at, 0), links.length - 1)]?.focus();
    }
  });

  setSkew(document);
  showTimes();
  setInterval(showTimes, 1000);
  if (isLive) follow();
})();
