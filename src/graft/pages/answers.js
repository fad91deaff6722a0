// An answer in words first: the sentence, what else it may be, how far to trust it; then bars.

import { count, headline, listed, make, name, near, per100 } from "./dom.js";

export const NONE = "none of these";
export const ranked = (answer) => Object.entries(answer?.scores ?? {}).sort((a, b) => b[1] - a[1]);
export const isNumber = (answer) => typeof answer?.value === "number";
export const isSeveral = (answer) => Array.isArray(answer?.labels);
export const called = (label) =>
  label === null ? NONE : Array.isArray(label) ? label.join(", ") || "no label" : String(label);
const top = (answer) => answer.label || ranked(answer)[0]?.[0] || "";
const chance = (answer) => answer.confidence ?? ranked(answer)[0]?.[1] ?? 0;

// What may well be, the likeliest first: the prediction set, or the labels where there may be several.
export function inSet(answer) {
  if (isSeveral(answer)) return answer.labels;
  return [...(answer?.set ?? [])].sort((a, b) => (answer.scores?.[b] ?? 0) - (answer.scores?.[a] ?? 0));
}

// waiting, stopped, failed, unknown, unsure, sure
export function kindOf({ answer, stopped }) {
  if (!answer) return stopped ? "stopped" : "waiting";
  if (answer.error) return "failed";
  if (answer.unknown) return "unknown";
  if (isNumber(answer) || isSeveral(answer)) return "sure";
  return inSet(answer).length > 1 && chance(answer) < 0.6 ? "unsure" : "sure";
}

// From 0 to 1; what was not read, or is unknown, lies below, what is still to come above.
export const sureness = (one) =>
  ({ waiting: 2, stopped: 2, failed: -2, unknown: -1 })[kindOf(one)] ??
  (isNumber(one.answer) ? 1 / (1 + one.answer.high - one.answer.low) : chance(one.answer));

// In two or three words, for a tile, a row, a table.
export function short(one) {
  const { answer, own } = one;
  if (own) return called(own.label);
  if (!answer) return "";
  if (answer.error) return "not read";
  if (answer.unknown) return NONE;
  if (isNumber(answer)) return near(answer.value, answer.high - answer.value);
  if (isSeveral(answer)) return called(answer.labels);
  return kindOf(one) === "unsure" ? shortened(inSet(answer)).join(" or ") : top(answer);
}

const shortened = (set, most = 3, keep = 2) =>
  set.length > most ? [...set.slice(0, keep), `${set.length - keep} others`] : set;
const range = ({ value, low, high }) => [near(low, high - value), near(high, high - value)];

export function spoken(one) {
  const { answer, own } = one;
  if (own) return `Corrected: ${called(own.label)}.`;
  if (!answer) return "";
  if (answer.error) return `${answer.error.message} ${answer.error.hint ?? ""}`;
  if (answer.unknown) return "Unknown: none of these.";
  if (isNumber(answer)) return `About ${short(one)}, between ${range(answer).join(" and ")}.`;
  if (isSeveral(answer)) return `${called(answer.labels)}.`;
  if (kindOf(one) === "unsure") return `Not sure: ${shortened(inSet(answer)).join(" or ")}.`;
  return `${top(answer)}, ${per100(chance(answer))} in 100.`;
}

const chip = (kind, text) => make("span", { class: `chip ${kind}` }, text);
const also = (...parts) => make("p", { class: "also" }, parts);
const trust = (...parts) => make("p", { class: "quiet" }, parts);
const UNLIKE = "It looks like nothing that the model was taught.";

// The answer as paragraphs.
export function words(one, about, takeBack) {
  const { answer, own } = one;
  const times = Math.round(100 * (about.coverage ?? 0.9));
  const figure = (p) => make("span", { class: "figure" }, `${per100(p)} in 100`);
  if (own) {
    const said = answer.unknown
      ? NONE
      : isNumber(answer)
        ? short({ answer })
        : isSeveral(answer)
          ? called(answer.labels)
          : top(answer);
    const sure = answer.unknown || isNumber(answer) || isSeveral(answer) ? "" : `, ${per100(chance(answer))} in 100`;
    return [
      chip("fixed", "corrected by you"),
      headline(name(called(own.label))),
      trust(
        "The model had said ",
        name(said),
        `${sure}. ${about.kept ?? "Saved in corrections/; the next fit reads it."}`,
      ),
      takeBack,
    ];
  }
  if (isNumber(answer)) {
    const [low, high] = range(answer);
    if (answer.unknown)
      return [
        chip("unknown", "unknown"),
        headline("no number to rely on"),
        also(UNLIKE),
        trust(`If it had to be one: about ${short({ answer: { ...answer, unknown: false } })}. That says little here.`),
      ];
    return [
      headline("about ", make("span", { class: "figure" }, short(one))),
      also(
        "Probably between ",
        make("span", { class: "number" }, low),
        " and ",
        make("span", { class: "number" }, high),
        ".",
      ),
      trust(`Ranges like this hold the true number ${times} times in 100.`),
    ];
  }
  if (isSeveral(answer)) {
    const held = answer.labels.map((label) => [label, answer.scores[label] ?? 0]);
    if (answer.unknown)
      return [
        chip("unknown", "unknown"),
        headline(NONE),
        also(UNLIKE),
        held.length
          ? trust("If it were like what it was taught: ", listed(answer.labels, "and"), ". That says little here.")
          : "",
      ];
    if (!held.length)
      return [
        headline("no label"),
        also(
          ranked(answer).length
            ? ["Nearest to one: ", name(ranked(answer)[0][0]), `, ${per100(ranked(answer)[0][1])} in 100.`]
            : "",
        ),
        trust("Each label is judged by itself; none is likely enough."),
      ];
    return [
      headline(
        held.length > 3
          ? listed([...answer.labels.slice(0, 2), `${held.length - 2} others`], "and")
          : listed(answer.labels, "and"),
      ),
      also(
        held.map(([label, p], i) => [i ? "; " : "", name(label), `, ${per100(p)} in 100`]),
        ".",
      ),
      trust("Each label is judged by itself."),
    ];
  }
  const [first, p] = [top(answer), chance(answer)];
  const set = inSet(answer);
  if (answer.unknown)
    return [
      chip("unknown", "unknown"),
      headline(NONE),
      also(UNLIKE),
      trust("If it had to be one of its classes: ", name(first), `, ${per100(p)} in 100. That says little here.`),
    ];
  const others = set.filter((label) => label !== first);
  if (kindOf(one) === "unsure")
    return [
      chip("unsure", "not sure"),
      headline(listed(shortened(set))),
      also(
        name(first),
        `, ${per100(p)} in 100; `,
        name(others[0]),
        `, ${per100(answer.scores[others[0]] ?? 0)} in 100.`,
      ),
      trust(`Sets like this hold the right class ${times} times in 100.`),
    ];
  const rest = others.length
    ? [
        "Could also be ",
        listed(others.length > 3 ? [...others.slice(0, 2), `${others.length - 2} others`] : others),
        ".",
      ]
    : about.classes.length > 2 && set.length
      ? "Nothing else is likely."
      : "";
  return [
    headline(name(first), ", ", figure(p)),
    rest ? also(rest) : "",
    trust(`Of 100 answers as sure as this, ${p >= 0.995 ? "" : "about "}${per100(p)} are right.`),
  ];
}

// The bars of all classes, the first ones open; what may well be is bold.
export function bars(one, part, most = 5) {
  const [list, legend, rest] = [".bars", ".legend", ".rest"].map((kind) => part.querySelector(kind));
  const rows = ranked(one.answer);
  for (const node of [list, legend, rest]) node.hidden = !rows.length;
  if (!rows.length) return;
  const set = one.answer.unknown ? [] : inSet(one.answer);
  const few = rows.length <= most + 1;
  legend.textContent = one.answer.unknown
    ? "In 100, as if it were one of them"
    : isSeveral(one.answer)
      ? "How likely each, in 100; in bold what holds"
      : `How likely, in 100${set.length > 1 ? "; in bold what it may well be" : ""}`;
  const draw = (n) => {
    list.classList.toggle("all", n > 12);
    if (n > 12) list.tabIndex = 0;
    else list.removeAttribute("tabindex");
    list.replaceChildren(
      ...rows
        .slice(0, n)
        .map(([label, p]) =>
          make(
            "li",
            { class: set.includes(label) ? "in" : "", "--p": p },
            name(label),
            make("i", { "aria-hidden": "true" }, make("b")),
            make("span", { class: p < 0.01 ? "rare" : "" }, per100(p), make("span", { class: "hidden" }, " in 100")),
          ),
        ),
    );
    const flip = () => {
      draw(n > most ? most : rows.length);
      rest.querySelector("button").focus({ preventScroll: true });
    };
    rest.replaceChildren(
      few
        ? ""
        : make(
            "button",
            { type: "button", class: "more", "aria-expanded": String(n > most), onclick: flip },
            n > most ? `Only the first ${most}` : `All ${rows.length} classes`,
          ),
    );
  };
  draw(few ? rows.length : bars.all ? rows.length : most);
}

// How many answers of each kind: "42 photos: 20 bee, 12 wasp, 1 not sure, 2 to come."
export function tally(items, word) {
  const kinds = { unsure: "not sure", unknown: "unknown", failed: "not read", stopped: "left out" };
  const found = new Map();
  let waiting = 0;
  for (const one of items) {
    const kind = kindOf(one);
    if (kind === "waiting") {
      waiting += 1;
      continue;
    }
    const key = one.own || kind === "sure" ? `= ${isNumber(one.answer) && !one.own ? "" : short(one)}` : kind;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  const classes = [...found]
    .filter(([key]) => key.startsWith("= ") && key !== "= ")
    .map(([key, n]) => [key.slice(2), n])
    .sort((a, b) => b[1] - a[1]);
  const others = classes.slice(4).reduce((sum, [, n]) => sum + n, 0);
  const parts = [
    ...classes.slice(0, 4).map(([label, n]) => [`${n} `, name(label)]),
    others ? [`${others} of other classes`] : null,
    ...Object.entries(kinds)
      .filter(([kind]) => found.has(kind))
      .map(([kind, text]) => [`${found.get(kind)} ${text}`]),
  ].filter(Boolean);
  const sentence = [
    count(items.length, word),
    parts.length ? ": " : "",
    parts.flatMap((part, i) => [i ? ", " : "", ...part]),
    waiting ? `; ${waiting} to come.` : ".",
  ];
  return { sentence, waiting, classes, of: (kind) => found.get(kind) ?? 0 };
}
