// One photo: the picture, and where in it the answer comes from.

import { isNumber } from "./answers.js";
import { make, name, near, per100, put } from "./dom.js";
import { address } from "./pictures.js";
import { isExplaining } from "./queue.js";

const MATTERS = 0.02; // an effect below it is none, as for `graft predict --why`

// The picture with the squares over it; `frame` is kept, so that what arrives does not move the focus.
export function exhibit(one) {
  const frame = make("div", { class: "frame stage" });
  const picture = make("img", { src: address(one), alt: one.name, draggable: "false" });
  const box = make("div", { class: "fit" }, picture);
  picture.addEventListener("load", () => {
    [one.w, one.h] = [picture.naturalWidth, picture.naturalHeight];
    box.style.setProperty("--w", one.w);
    box.style.setProperty("--h", one.h);
    box.dispatchEvent(new Event("shaped", { bubbles: true }));
  });
  picture.addEventListener("error", () =>
    put(frame, make("p", { class: "quiet" }, "This browser cannot show this photo.")),
  );
  frame.append(box);
  return frame;
}

// What one square says, in a sentence.
export function told(one, effect, most) {
  const { why } = one.answer;
  const begin = most ? "Most in the outlined square: covered, " : "This square covered, ";
  if (isNumber(one.answer)) {
    const margin = one.answer.high - one.answer.value;
    const [now, then] = [near(one.answer.value, margin), near(one.answer.value - effect, margin)];
    return [begin, now === then ? `the number stays at ${now}.` : `${now} becomes ${then}.`];
  }
  const now = why.confidence ?? one.answer.confidence;
  const then = Math.min(1, Math.max(0, now - effect));
  const label = name(why.label);
  return [
    begin,
    label,
    per100(now) === per100(then)
      ? ` stays at ${per100(now)} in 100.`
      : ` goes from ${per100(now)} to ${per100(then)} in 100.`,
  ];
}

// The squares over what the model saw of the picture.
export function squares(one, said) {
  const { rows, columns, effects, box = [0, 0, 1, 1] } = one.answer.why;
  const values = effects.flat();
  const most = Math.max(...values);
  const best = values.indexOf(most);
  const scale = isNumber(one.answer) ? Math.max(...values.map(Math.abs), 1e-9) : Math.max(most, 0.05); // noise is not blown up
  const small = isNumber(one.answer) ? scale * 0.1 : MATTERS;
  const tell = (i) =>
    put(
      said,
      most < small && i === best
        ? `No square decides alone: whichever is covered, ${isNumber(one.answer) ? "the number" : "the answer"} hardly changes.`
        : told(one, values[i], i === best),
    );
  const cell = (value, i) => {
    const change = isNumber(one.answer) ? near(-value, scale) : Math.round(-100 * value);
    return make("button", {
      type: "button",
      class: `${i === best && most >= small ? "top" : ""} ${value < -small ? "against" : ""}`,
      "--v": Math.max(0, Math.min(1, value / scale)) ** 0.7,
      tabindex: i === best ? 0 : -1,
      "data-i": i,
      "aria-label": `row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1}: ${String(change).replace("-", "minus ")}`,
      onfocus: () => tell(i),
      onmouseenter: () => tell(i),
      onmouseleave: () => tell(best),
    });
  };
  const [x0, y0, x1, y1] = box;
  const whole = x0 <= 0.001 && y0 <= 0.001 && x1 >= 0.999 && y1 >= 0.999;
  const grid = make(
    "div",
    {
      class: `why ${whole ? "" : "part"}`,
      role: "group",
      "aria-label": `Where in the picture, ${rows} by ${columns} squares`,
      "--rows": rows,
      "--columns": columns,
      "--x": x0,
      "--y": y0,
      "--x1": x1,
      "--y1": y1,
    },
    values.map(cell),
  );
  grid.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const i = Number(event.target.dataset.i);
    if (Math.abs(by) === 1 && Math.floor((i + by) / columns) !== Math.floor(i / columns)) return;
    const to = grid.children[i + by];
    if (!to) return;
    event.target.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
  tell(best);
  return { grid, whole };
}

// Photo or Why; and below it what the squares say.
export function explained(one, frame, { canExplain, why, turn }) {
  const said = make("p", { class: "quiet", id: "cover", "aria-live": "polite" });
  const radio = (value, text) =>
    make(
      "label",
      {},
      make("input", {
        type: "radio",
        name: "why",
        value,
        checked: why() === (value === "why"),
        "aria-keyshortcuts": "w",
        onchange: () => turn(value === "why"),
      }),
      text,
    );
  const look = make(
    "fieldset",
    { class: "switch", "data-screen": "" },
    make("legend", { class: "hidden" }, "Show"),
    radio("photo", "Photo"),
    radio("why", "Why"),
  );
  const line = make("div", { class: "line" }, look, said);
  const scale = make(
    "p",
    { class: "small scale" },
    make("span", { class: "clear" }, "clear: decides"),
    make("span", { class: "dim" }, "dark: no matter"),
    make("span", { class: "hatched" }, "hatched: speaks against"),
    make("span", { class: "outside" }, "pale: not seen by the model"),
  );
  let drawn = null;
  const fill = () => {
    const { answer } = one;
    const able = canExplain && answer && !answer.error && !(answer.unknown && !answer.why);
    look.hidden = !able;
    line.hidden = !able;
    for (const input of look.querySelectorAll("input")) input.checked = why() === (input.value === "why");
    const wanted = able && why() ? answer.why : null;
    scale.hidden = !wanted;
    if (wanted && drawn === wanted && frame.querySelector(".why")) return;
    drawn = wanted;
    frame.querySelector(".why")?.remove();
    said.textContent = "";
    if (wanted) {
      const { grid, whole } = squares(one, said);
      frame.querySelector(".fit")?.append(grid);
      scale.querySelector(".outside").hidden = whole;
    } else if (able && why()) said.textContent = one.silent ? "This answer could not be explained." : "";
  };
  const progress = (done, total) => {
    if (isExplaining(one))
      said.textContent = total
        ? `Covering one square after another: ${done} of ${total}`
        : "Covering one square after another …";
  };
  return { nodes: [line, scale], fill, progress };
}
