"use strict";
// Without this script the page is whole: the cells of the matrix lead to their panels, and all panels are open.
(() => {
  // A recording that stands in two places travels once; the other player borrows it. One plays at a time.
  for (const twin of document.querySelectorAll("audio[data-as]")) {
    twin.src = document.getElementById(twin.dataset.as).src;
  }
  // How long it is, a player says once it is in sight: browsers allow only so many players at a time.
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) entry.target.preload = "metadata";
  });
  for (const player of document.querySelectorAll("audio")) sight.observe(player);
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);

  const links = [...document.querySelectorAll(".matrix a")];
  if (!links.length) return;
  const place = (link) => [link.closest("tr").rowIndex, link.closest("td").cellIndex];
  const panel = (link) => document.getElementById(link.hash.slice(1));

  const open = (chosen) => {
    for (const link of links) {
      const on = link === chosen;
      panel(link).hidden = !on;
      link.tabIndex = on ? 0 : -1;
      if (on) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };

  // The nearest cell that opens in the direction of the arrow; one in the same row or column comes first.
  const neighbour = (from, down, right) => {
    const [row, column] = place(from);
    let best = null;
    let least = Infinity;
    for (const link of links) {
      const [r, c] = place(link);
      const along = (r - row) * down + (c - column) * right;
      const aside = Math.abs((r - row) * right) + Math.abs((c - column) * down);
      const cost = along + 100 * aside;
      if (along > 0 && cost < least) [best, least] = [link, cost];
    }
    return best;
  };

  const arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(link);
    });
    link.addEventListener("focus", () => open(link));
    link.addEventListener("keydown", (event) => {
      const target = event.key in arrows ? neighbour(link, ...arrows[event.key]) : null;
      if (event.key in arrows || event.key === " ") event.preventDefault();
      if (target) target.focus();
    });
  }
  open(links.find((link) => link.hash === location.hash) || links.find((link) => link.hasAttribute("aria-current")) || links[0]);
})();
