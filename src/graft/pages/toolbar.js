// Ways in, place among the items, and on a phone the dock at the thumb.

import { $, button, icon, make, put } from "./dom.js";
import { thing } from "./masthead.js";

export function draw(page) {
  const { about, items } = page;
  const view = page.place();
  const one = page.shown();
  const { modality } = about;
  const word = thing(about);
  const WAYS = {
    image: [
      ["", "photo", "Photos"],
      ["camera", "camera", "Camera"],
    ],
    audio: [
      ["", "wave", "Files"],
      ["record", "mic", "Microphone"],
    ],
    text: [
      ["", "", "One text"],
      ["texts", "", "Many texts"],
    ],
  }[modality];
  const way = ["camera", "record", "texts"].includes(view)
    ? view
    : modality === "text" && view === "all"
      ? "texts"
      : "";
  const focused = document.activeElement?.name === "way";
  put(
    $("ways"),
    make("legend", { class: "hidden" }, "Where from"),
    WAYS.map(([value, picture, text]) =>
      make(
        "label",
        {},
        make("input", { type: "radio", name: "way", value, checked: value === way, onclick: () => page.chosen(value) }),
        picture ? icon(picture) : "",
        text,
      ),
    ),
  );
  if (focused) $("ways").querySelector(":checked")?.focus();
  const several = one && items.length > 1;
  if (one) {
    const at = items.indexOf(one);
    $("where").textContent = `${at + 1} of ${items.length.toLocaleString("en")}`;
    $("back").disabled = at === 0;
    $("next").disabled = at === items.length - 1;
  }
  $("all").hidden = !several && !(items.length && !one && view !== "all");
  $("place").hidden = $("all").hidden;
  for (const id of ["back", "where", "next"]) $(id).hidden = !one;
  const live = view === "camera" || view === "record";
  $("add").hidden = modality === "text" || live || (!one && view !== "all") || !items.length;
  $("add").querySelector("span").textContent = `Add ${word}s`;
  const dock =
    !items.length || (!one && view !== "all")
      ? null
      : {
          image: [
            ["Camera", "camera", () => page.chosen("camera"), ""],
            ["Add photos", "add", page.choose, "primary"],
          ],
          audio: [
            ["Add files", "add", page.choose, ""],
            ["Record", "mic", () => page.chosen("record"), "primary"],
          ],
        }[modality];
  $("dock").hidden = !dock;
  put(
    $("dock"),
    (dock ?? []).map(([text, picture, act, kind]) => button([icon(picture), text], act, kind)),
  );
  $("toolbar").hidden = false;
}
