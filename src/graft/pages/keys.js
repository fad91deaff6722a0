// Keys for everything, and what is pasted or dropped, wherever one is.

import * as camera from "./camera.js";
import * as correcting from "./correcting.js";
import { $, toast } from "./dom.js";
import { dropped } from "./giving.js";
import * as many from "./many.js";
import * as microphone from "./microphone.js";

let page = null;
const typing = (target) =>
  target.closest?.("input:not([type=radio]):not([type=checkbox]):not([type=file]), textarea, select");
const letters = () => $("letters").checked;
function flipWhy() {
  const input = document.querySelector("input[name=why]:not(:checked)");
  if (!input) return;
  input.click();
  input.focus();
  walking = input.value === "why";
  walk();
}

// Whoever turned to the squares by a key walks over them once they are there.
let walking = false;
export function walk() {
  if (!walking || document.activeElement?.name !== "why") return;
  const square = document.querySelector(".why [tabindex='0']");
  square?.focus();
  walking = !square;
}

document.addEventListener("keydown", (event) => {
  if (!page.about) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea"))
    return event.target.form.requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ($("help").open) return;
  if (event.key === "Escape") {
    if (correcting.isOpen()) return $("cancel").click();
    if (!$("veil").hidden) {
      $("veil").hidden = true;
      return;
    }
    if (page.shown() && page.items.length > 1 && !typing(event.target)) return page.all();
    if (camera.isOn() || microphone.isOn()) return page.leave();
  }
  if (typing(event.target)) return;
  if (many.walk(event)) return;
  if (event.target.matches("input[type=radio]") && event.key.startsWith("Arrow")) return;
  if (page.shown() && event.key === "ArrowLeft") return page.step(-1);
  if (page.shown() && event.key === "ArrowRight") return page.step(1);
  if (event.key === "?") return $("help").showModal();
  if (event.key === " " && camera.isOn() && !event.target.closest("button, label, a, summary")) {
    event.preventDefault();
    return $("snap")?.click();
  }
  if (!letters() || event.key.length !== 1) return;
  const picks = [...document.querySelectorAll(".pick")];
  if (picks.length && /\d/.test(event.key)) {
    const pick = picks.find((one) => one.querySelector("kbd").textContent === event.key);
    if (pick) {
      event.preventDefault();
      pick.click();
    }
    return;
  }
  const act = {
    o: () => page.about.modality !== "text" && page.choose(),
    c: () => page.about.modality === "image" && page.chosen("camera"),
    m: () => page.about.modality === "audio" && page.chosen("record"),
    g: () => page.items.length && page.all(),
    x: () => $("is-wrong")?.click(),
    u: () => toast.undo?.(),
    w: flipWhy,
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

document.addEventListener("paste", (event) => {
  if (!page.about || typing(event.target)) return;
  const files = [...event.clipboardData.files];
  const text = event.clipboardData.getData("text/plain");
  if (files.length) page.give(files);
  else if (page.about.modality === "text" && text.trim()) page.submit(text);
});

let depth = 0;
const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragenter", (event) => {
  if (!holds(event)) return;
  event.preventDefault();
  depth += 1;
  $("veil").hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!holds(event)) return;
  depth -= 1;
  if (depth <= 0) $("veil").hidden = true;
});
document.addEventListener("dragover", (event) => {
  if (holds(event)) event.preventDefault();
});
document.addEventListener("drop", async (event) => {
  if (!holds(event)) return;
  event.preventDefault();
  depth = 0;
  $("veil").hidden = true;
  page.give(await dropped(event.dataTransfer));
});

export function begin(given) {
  page = given;
  $("letters").addEventListener("change", () => {
    try {
      localStorage.setItem("letters", $("letters").checked ? "on" : "off");
    } catch {
      /* kept as long as the page */
    }
  });
  try {
    $("letters").checked = localStorage.getItem("letters") !== "off";
  } catch {
    /* storage is closed: on */
  }
}
