// Lets the reader choose among the versions of the site, which ../versions.json lists, newest first. Without that file, as in a
// folder on a disk, the version is only shown.
"use strict";

document.addEventListener("DOMContentLoaded", async () => {
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const box = document.querySelector(".versions");
  if (!box || !location.protocol.startsWith("http")) return;
  let versions;
  try {
    const answer = await fetch(new URL("../versions.json", root));
    if (!answer.ok) return;
    versions = await answer.json();
  } catch {
    return;
  }
  const here = box.dataset.version;
  const select = document.createElement("select");
  select.setAttribute("aria-label", "version");
  for (const version of versions) {
    select.add(new Option(`version ${version}`, version, false, version === here));
  }
  select.addEventListener("change", () => {
    location.href = new URL(`../${select.value}/index.html`, root).href;
  });
  box.replaceChildren(select);
  if (versions.length && versions[0] !== here && versions.includes(here)) {
    const hint = document.createElement("p");
    hint.className = "older";
    const link = document.createElement("a");
    link.href = new URL(`../${versions[0]}/index.html`, root).href;
    link.textContent = `version ${versions[0]}`;
    hint.append(`These pages are about version ${here}. The newest is `, link, ".");
    document.querySelector("article")?.prepend(hint);
  }
});
