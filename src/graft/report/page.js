"use strict";
// Without this script the page is whole: the cells of the matrix lead to their panels, and all panels are open.
(() => {
  // A command is copied by its button; where the browser does not let it, the command is selected.
  for (const button of document.querySelectorAll(".command button")) {
    const code = button.previousElementSibling;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 2000);
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
  }

  // On which sides a wide table goes on.
  for (const box of document.querySelectorAll(".scroll")) {
    const tell = () => {
      const left = Math.abs(box.scrollLeft);
      const more = [left > 1 && "left", left + box.clientWidth < box.scrollWidth - 1 && "right"].filter(Boolean);
      if (more.length) box.dataset.more = more.join(" ");
      else delete box.dataset.more;
    };
    box.addEventListener("scroll", tell, { passive: true });
    new ResizeObserver(tell).observe(box);
    tell();
  }

  // A picture opens larger; the arrows go on to its neighbours in the gallery.
  const pictures = [...document.querySelectorAll("div.opens")];
  if (pictures.length) {
    const make = (name, text) => Object.assign(document.createElement(name), text ? { textContent: text } : {});
    const dialog = document.body.appendChild(make("dialog"));
    const [shown, said, turns] = ["div", "div", "div"].map((name) => dialog.appendChild(make(name)));
    said.className = "said";
    turns.className = "turns";
    const [back, on, close] = ["Previous", "Next", "Close"].map((text) => turns.appendChild(make("button", text)));
    for (const button of [back, on, close]) button.className = "button";
    let here = null;
    const show = (button) => {
      here = button;
      const inner = button.firstElementChild;
      shown.className = inner.className;
      shown.replaceChildren(...[...inner.childNodes].map((node) => node.cloneNode(true)));
      shown.setAttribute("role", "img");
      shown.setAttribute("aria-label", inner.getAttribute("aria-label"));
      dialog.setAttribute("aria-label", inner.getAttribute("aria-label"));
      const caption = button.closest("figure").querySelector("figcaption").cloneNode(true);
      said.replaceChildren(...caption.childNodes);
      back.disabled = !beside(-1);
      on.disabled = !beside(1);
    };
    const beside = (step) => {
      const all = [...here.closest("ul, section").querySelectorAll("button.opens")];
      return all[all.indexOf(here) + step];
    };
    const turn = (step) => beside(step) && show(beside(step));
    back.addEventListener("click", () => turn(-1));
    on.addEventListener("click", () => turn(1));
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => here.focus());
    dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) turn(step);
    });
    for (const place of pictures) {
      const button = make("button");
      button.type = "button";
      button.className = "opens";
      const inner = place.firstElementChild;
      button.setAttribute("aria-label", `${inner.getAttribute("aria-label")}: larger`);
      button.append(...place.childNodes);
      button.addEventListener("click", () => {
        show(button);
        dialog.showModal();
      });
      place.replaceWith(button);
    }
  }

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
