// "This is wrong": choose what it is; kept with undo, once for each item.

import { NONE, called, isNumber, isSeveral, kindOf, ranked } from "./answers.js";
import { $, button, buttons, make, name, put, say, toast } from "./dom.js";

let page = null; // {about, corrections, redraw(one)}
export const begin = (given) => {
  page = given;
};
export const isOpen = () => Boolean($("cancel"));

// The part below the answer.
export function offer(one, box, open = false) {
  const { answer } = one;
  if (!page.corrections || !answer || answer.error || one.own) return box.replaceChildren();
  const unknown = kindOf(one) === "unknown" && !isNumber(answer);
  const closed = () =>
    put(
      box,
      buttons(
        unknown ? button("Right, none of these", () => correct(one, null)) : null,
        button(unknown ? "It is one of them" : "This is wrong", () => offer(one, box, true), unknown ? "plain" : "", {
          "aria-expanded": "false",
          "aria-keyshortcuts": "x",
          id: "is-wrong",
        }),
      ),
    );
  if (!open) return closed();
  const cancel = button(
    "Cancel",
    () => {
      closed();
      $("is-wrong").focus();
    },
    "plain flush",
    { id: "cancel" },
  );
  const [field, focus] = isNumber(answer) ? numbers(one) : isSeveral(answer) ? several(one) : classes(one);
  put(
    box,
    make(
      "div",
      { class: "choose", role: "group", "aria-labelledby": "h-choose" },
      make("h3", { id: "h-choose" }, "What is it?"),
      field,
      make(
        "p",
        { class: "small" },
        page.about.keeps ?? "The item and your answer are saved in corrections/ and nowhere else.",
      ),
      buttons(cancel),
    ),
  );
  focus.focus({ preventScroll: true });
  box.firstChild.scrollIntoView({ block: "nearest" });
}

function classes(one) {
  const { answer } = one;
  const said = answer.unknown ? "" : answer.label;
  const all = [...new Set([...ranked(answer).map(([label]) => label), ...page.about.classes])].filter(
    (label) => label !== said,
  );
  const list = make("ul", { id: "picks" });
  const pick = (key, text, act) =>
    make(
      "li",
      {},
      make(
        "button",
        { type: "button", class: "pick", onclick: act },
        make("kbd", { "aria-hidden": "true" }, key),
        text,
      ),
    );
  const draw = (wanted = "") => {
    const sought = wanted.trim();
    const found = all.filter((label) => label.toLowerCase().includes(sought.toLowerCase()));
    const fresh =
      sought && !page.about.classes.includes(sought)
        ? pick("+", ["new class ", name(sought)], () => correct(one, sought))
        : null;
    const none = answer.unknown ? null : pick("0", NONE, () => correct(one, null));
    none?.classList.add("apart");
    put(
      list,
      found.map((label, i) => pick(i < 9 ? i + 1 : "·", name(label), () => correct(one, label))),
      fresh,
      none,
    );
  };
  draw();
  const many = all.length > 9;
  const search = make("input", {
    class: "input",
    type: "search",
    maxlength: 200,
    placeholder: many ? "Find a class, or name a new one" : "Or name a new class",
    "aria-label": many ? "Find a class, or name a new one" : "Name a new class",
    "aria-controls": "picks",
    oninput: (event) => draw(event.target.value),
    onkeydown: (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        list.querySelector("button")?.focus();
      }
    },
  });
  return [many ? [search, list] : [list, search], many ? search : list.querySelector("button")];
}

function several(one) {
  const held = new Set(one.answer.labels);
  const boxes = ranked(one.answer).map(([label]) =>
    make(
      "li",
      {},
      make(
        "label",
        { class: "check" },
        make("input", { type: "checkbox", value: label, checked: held.has(label) }),
        name(label),
      ),
    ),
  );
  const list = make("ul", { id: "picks", class: "checks" }, boxes);
  const save = button(
    "Save",
    () =>
      correct(
        one,
        [...list.querySelectorAll(":checked")].map((box) => box.value),
      ),
    "primary",
  );
  return [[list, buttons(save)], list.querySelector("input")];
}

function numbers(one) {
  const input = make("input", { class: "input", id: "right-number", type: "number", step: "any", required: true });
  const form = make(
    "form",
    { class: "field" },
    make("label", { for: "right-number" }, "The right number"),
    input,
    buttons(make("button", { class: "button primary", type: "submit" }, "Save")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (Number.isFinite(input.valueAsNumber)) correct(one, input.valueAsNumber);
  });
  return [form, input];
}

// Kept once, however often it is pressed.
async function correct(one, label) {
  if (one.own || one.saving) return;
  one.saving = true;
  try {
    one.own = { label, id: await page.corrections.save(one.content, one.answer, label) };
    toast(["Saved as ", name(called(label)), "."], () => takeBack(one));
    say(`Corrected: ${called(label)}. Press u to undo.`);
  } catch (error) {
    toast(["Not saved. ", error.message, " ", error.hint ?? ""]);
  } finally {
    one.saving = false;
  }
  page.redraw(one);
  document.querySelector(".said .button")?.focus({ preventScroll: true });
}

export async function takeBack(one) {
  if (!one.own || one.saving) return;
  one.saving = true;
  try {
    await page.corrections.undo(one.own.id);
    one.own = null;
    say("Taken back.");
  } catch (error) {
    toast(["Not taken back. ", error.message, " ", error.hint ?? ""]);
  } finally {
    one.saving = false;
  }
  page.redraw(one);
  $("is-wrong")?.focus({ preventScroll: true });
}
