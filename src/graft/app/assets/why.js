// What of an item speaks for an answer: squares over a picture, words in a text, moments below a recording.
import { hundred, make, name } from "./draw.js";

const FRAMES = { squares: "Covered square by square", words: "Each word left out in turn", times: "Silenced moment by moment" };

// How much a part matters, 0 to 1: what is drawn is what was measured.
const strengths = (effects, matters) => {
  const most = Math.max(matters, ...effects.map(Math.abs));
  return effects.map((effect) => (Math.abs(effect) < matters ? 0 : effect / most));
};

function squares(found) {
  const { rows, columns, effects, box: [left, top, right, bottom] } = found;
  const vars = { "--rows": rows, "--columns": columns, "--x": left, "--y": top, "--x1": right, "--y1": bottom };
  return make("div", { class: "why", "aria-hidden": "true", vars },
    strengths(effects.flat(), found.matters).map((strength) => make("i", { class: strength < 0 ? "against" : "", vars: { "--v": Math.abs(strength) } })));
}

function words(found, text) {
  const letters = [...text]; // places are counted in characters, as Python does
  const parts = strengths(found.words.map((word) => word.effect), found.matters);
  let at = 0;
  const shown = [];
  found.words.forEach((word, place) => {
    if (word.start >= letters.length) return;
    shown.push(letters.slice(at, word.start).join(""));
    const said = letters.slice(word.start, word.end).join("");
    shown.push(parts[place] ? make("mark", { class: parts[place] < 0 ? "against" : "for", vars: { "--v": Math.abs(parts[place]) } }, said) : said);
    at = word.end;
  });
  return [...shown, letters.slice(at).join("")];
}

function times(found) {
  const parts = strengths(found.spans.map((span) => span.effect), found.matters);
  const second = (number) => `${number.toFixed(1)} s`;
  return make("div", { class: "times", "aria-hidden": "true" },
    make("span", {}, second(found.spans[0].start)),
    make("span", { class: "line" }, parts.map((strength) => make("i", { class: strength < 0 ? "against" : "", vars: { "--v": Math.abs(strength) } }))),
    make("span", {}, second(found.spans.at(-1).end)));
}

// Draws into the exhibit, and says the same in words.
export function explained(found, view, exhibit, said) {
  const parts = found.kind === "squares" ? found.effects : found.words ?? found.spans;
  if (found.kind === "squares") exhibit.querySelector(".fit")?.append(squares(found));
  else if (found.kind === "words" && parts.length) exhibit.replaceChildren(...words(found, view.text));
  said.replaceChildren(
    make("span", {}, name(found.label), `: ${found.sentence}.`),
    found.kind === "times" && parts.length ? times(found) : "",
    make("span", { class: "quiet" }, `${FRAMES[found.kind]}; asked of a head that has learned from this item, too, and gives it ${hundred(found.confidence)} in 100.`));
}
