// Making and finding parts of the page, and how numbers and names are written. Text is set as text, never as markup;
// geometry comes by style.setProperty, which a policy without 'unsafe-inline' allows.

export const $ = (id) => document.getElementById(id);
export const from = (id) => $(id).content.cloneNode(true);
const kept = (part) => part !== null && part !== undefined && part !== false && part !== "";

export function make(tag, given = {}, ...content) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) node.style.setProperty(key, value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...content.flat(3).filter(kept));
  return node;
}

export function drawn(tag, given = {}, ...content) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(given)) node.setAttribute(key, value);
  node.append(...content);
  return node;
}

export const put = (node, ...content) => node.replaceChildren(...content.flat(3).filter(kept));
export const icon = (name) =>
  drawn("svg", { class: "icon", "aria-hidden": "true" }, drawn("use", { href: `#i-${name}` }));
export const button = (text, act, kind = "", given = {}) =>
  make("button", { type: "button", class: `button ${kind}`, onclick: act, ...given }, text);
export const buttons = (...given) => make("p", { class: "buttons" }, given);

// A name of a class: apart from the direction of the text around it, never translated, and it may break where programs
// join words.
export const name = (text) =>
  make(
    "bdi",
    { translate: "no" },
    String(text)
      .split(/(?<=[_\-./])(?=\S)/)
      .flatMap((part, i) => (i ? [make("wbr"), part] : [part])),
  );

// Whatever is longer than a glance is set smaller.
export function headline(...parts) {
  const node = make("p", { class: "word" }, ...parts);
  if (node.textContent.length > 30) node.classList.add("long");
  return node;
}

export const listed = (words, last = "or") =>
  words.flatMap((word, i) => [i === 0 ? "" : i === words.length - 1 ? ` ${last} ` : ", ", name(word)]);
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const per100 = (p) => (p >= 0.995 ? "over 99" : p < 0.01 ? "under 1" : String(Math.round(100 * p)));

// A number to as many digits as its interval, which reaches `margin` to either side, gives meaning to.
export function near(value, margin) {
  const digits = margin > 0 ? Math.min(9, Math.max(0, 1 - Math.floor(Math.log10(margin)))) : 6;
  if (!(Math.abs(value) < 1e12) || (value !== 0 && Math.abs(value) < 1e-9)) return value.toExponential(3);
  const grouped = Math.abs(value) >= 1e4; // no comma in a year
  return value.toLocaleString("en", {
    minimumFractionDigits: margin > 0 ? digits : 0,
    maximumFractionDigits: digits,
    useGrouping: grouped,
  });
}

export const note = (kind, [what, found, todo], ...given) =>
  make(
    "div",
    { class: `note ${kind}`, role: kind === "error" ? "alert" : null },
    make("strong", {}, what),
    found ? make("span", {}, found) : null,
    todo ? make("span", {}, todo) : null,
    given.some(kept) ? make("div", { class: "buttons" }, given) : null,
  );

// Said once to whoever listens.
export function say(text) {
  if (say.last === text) return;
  say.last = text;
  $("said").textContent = "";
  requestAnimationFrame(() => {
    $("said").textContent = text;
  });
}

// What has just been done, with its undo; it goes after 10 s, but never while somebody is in it.
export function toast(text, back = null) {
  const close = () => {
    box.remove();
    if (toast.undo === undo) toast.undo = null;
  };
  const undo =
    back &&
    (() => {
      close();
      back();
    });
  const box = make(
    "div",
    { class: "toast" },
    make("span", {}, text),
    undo ? button("Undo", undo) : null,
    make("button", { type: "button", class: "button square", "aria-label": "Close", onclick: close }, icon("close")),
  );
  $("toasts").replaceChildren(box);
  toast.undo = undo;
  const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : close());
  setTimeout(leave, 10000);
}
toast.undo = null;
