// What the model is, how good it is, and what it knows.

import { $, count, make, name, near, put } from "./dom.js";

const THING = { image: "photo", text: "text", audio: "recording" };
export const thing = (about) => THING[about.modality] ?? "item";

const in100 = (share) => String(Math.round(100 * share));

function goodness({ accuracy, mean_absolute_error: error, task }, word) {
  if (error) {
    const margin = error.high - error.low;
    return [
      `For a new ${word} the number is off by about ${near(error.value, margin)} on average; between ${near(error.low, margin)} and ${near(error.high, margin)}, `,
      "95 % sure. ",
    ];
  }
  if (!accuracy || typeof accuracy.value !== "number" || task === "regression") return "";
  const { value, low, high } = accuracy;
  const right = task === "multi_label" ? "be given exactly the right labels" : "be named rightly";
  return [
    `Out of 100 new ${word}s about ${in100(value)} would ${right}; between ${in100(low)} and ${in100(high)}, `,
    "95 % sure. ",
  ];
}

export function draw(about) {
  const word = thing(about);
  const classes = about.classes ?? [];
  put($("model"), name(about.name));
  $("model").className = about.name.length > 28 ? "long" : "";
  document.title = `${about.name} · try it`;
  const good = goodness(about, word);
  const report = about.report ? make("a", { href: about.report }, "Report") : "";
  put($("good"), good ? [good[0], make("span", { class: "kept" }, good[1], report)] : report);
  $("good").hidden = !good && !report;
  const share =
    about.task === "regression" || !about.accuracy ? "" : ` · about ${in100(about.accuracy.value)} in 100 right`;
  $("about-short").textContent =
    about.task === "regression" ? "It answers with a number" : `${count(classes.length, "class", "classes")}${share}`;
  put($("knows"), about.task === "regression" ? "It answers with a number." : known(classes, about.counts ?? null));
  $("about").hidden = false;
}

// Few classes all at once; of many the largest, or the first, and all behind a button.
function known(classes, counts) {
  const pairs = classes.map((label) => [label, counts?.[label] ?? ""]);
  const few = pairs.length <= 8;
  const shown = few ? pairs : counts ? [...pairs].sort((a, b) => b[1] - a[1]).slice(0, 5) : pairs.slice(0, 5);
  const rest = pairs.length - shown.length;
  const line = make(
    "ul",
    {},
    make(
      "li",
      {},
      `Knows ${count(classes.length, "class", "classes")}${rest ? (counts ? ", the largest" : ", among them") : ""}:`,
    ),
    shown.map(([label, n]) =>
      make("li", {}, name(label), n === "" ? "" : [" ", make("span", { class: "n" }, n.toLocaleString("en"))]),
    ),
  );
  if (!rest) return [line];
  const all = make(
    "ul",
    { class: "classes-all", id: "classes-all", hidden: true },
    pairs.map(([label, n]) =>
      make("li", {}, name(label), make("span", { class: "n" }, n === "" ? "" : n.toLocaleString("en"))),
    ),
  );
  const more = make(
    "button",
    {
      type: "button",
      class: "more",
      "aria-expanded": "false",
      "aria-controls": "classes-all",
      onclick: () => {
        all.hidden = !all.hidden;
        more.setAttribute("aria-expanded", String(!all.hidden));
        more.textContent = all.hidden ? `and ${rest} more` : "fewer";
      },
    },
    `and ${rest} more`,
  );
  line.append(make("li", {}, more));
  return [line, all];
}
