// One text, and which words of it decided.

import { isNumber } from "./answers.js";
import { from, make, name, near, per100, put } from "./dom.js";

const SHOWN = 0.02; // an effect below it is not marked, as `graft predict --why` does not name it

// The form, and the words once they are explained.
export function exhibit(one, { submit, stays }) {
  const part = make("div", {}, from("t-text"));
  const [form, field, help] = ["#ask", "#given", "#text-help"].map((selector) => part.querySelector(selector));
  help.textContent = stays;
  field.value = one ? one.content : "";
  field.addEventListener("input", () => {
    field.removeAttribute("aria-invalid");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) return submit(field.value);
    field.setAttribute("aria-invalid", "true");
    help.textContent = "There is no text yet. Type or paste one.";
    field.focus();
  });
  return [...part.children];
}

// Marks of the words; positions count characters as Python does, by code points.
export function fillWords(one, section, hint = "") {
  const why = one?.answer?.why;
  section.hidden = !why && !hint;
  for (const part of section.querySelectorAll(".read, .key, details")) part.hidden = !why;
  section.querySelector(".hint").textContent = why ? "Each was left out in turn." : hint;
  if (!why) return;
  const letters = [...one.content];
  const numbers = isNumber(one.answer);
  const words = [...why.words].sort((a, b) => a.start - b.start);
  const most = Math.max(...words.map(({ effect }) => Math.abs(effect)), 1e-9);
  const now = numbers ? one.answer.value : (why.confidence ?? one.answer.confidence);
  const then = (effect) =>
    numbers ? near(now - effect, one.answer.high - one.answer.value) : per100(Math.min(1, Math.max(0, now - effect)));
  const shown = numbers ? most * 0.1 : SHOWN;
  const step = (effect) => {
    const size = Math.abs(effect) / (numbers ? most : 1);
    return size >= (numbers ? 0.66 : 0.18) ? "s3" : size >= (numbers ? 0.33 : 0.1) ? "s2" : "s1";
  };
  const parts = [];
  let at = 0;
  for (const { start, end, effect } of words) {
    if (start < at) continue;
    parts.push(letters.slice(at, start).join(""));
    const word = letters.slice(start, end).join("");
    parts.push(
      Math.abs(effect) < shown
        ? word
        : make(
            "span",
            {
              class: `${effect > 0 ? "for" : "against"} ${step(effect)}`,
              title: `without it ${then(effect)}${numbers ? "" : " in 100"}`,
            },
            word,
          ),
    );
    at = end;
  }
  parts.push(letters.slice(at).join(""));
  const strong = words
    .filter(({ effect }) => Math.abs(effect) >= shown)
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
  const change = (effect) =>
    `${effect > 0 ? "−" : "+"}${numbers ? near(Math.abs(effect), one.answer.high - one.answer.value) : Math.round(100 * Math.abs(effect))}`;
  put(section.querySelector("#read"), parts);
  section
    .querySelector(".hint")
    .replaceChildren(
      "Each was left out in turn; what it changes of ",
      numbers ? "the number" : name(why.label),
      strong.length ? "." : ": none of them much.",
    );
  section.querySelector("details").hidden = !strong.length;
  section.querySelector(".key").hidden = !strong.length;
  section.querySelector("#before").textContent = numbers ? "without it" : "without it, in 100";
  put(
    section.querySelector("#effects"),
    strong
      .slice(0, 40)
      .map(({ start, end, effect }) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, make("bdi", {}, letters.slice(start, end).join(""))),
          make("td", { class: "number" }, then(effect)),
          make("td", { class: "number" }, change(effect)),
        ),
      ),
  );
}
