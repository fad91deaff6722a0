// Nothing yet: what can be done here, the control for it, and things to try it on.

import { $, from, icon, make, put, toast } from "./dom.js";
import { thing } from "./masthead.js";
import { tileOf } from "./pictures.js";

export function first(page) {
  const { about } = page;
  const word = thing(about);
  put($("main"), from("t-empty"));
  const main = $("main");
  main.querySelector(".by-mouse.lead").textContent = `Drop ${word}s here`;
  main.querySelector(".by-touch.lead").textContent =
    about.modality === "image" ? "What is on your photo?" : "What is to be heard?";
  const paste =
    about.modality === "image" ? [", or paste one with ", make("kbd", {}, "Ctrl"), " ", make("kbd", {}, "V")] : "";
  put(main.querySelector(".quiet .by-mouse"), "One or hundreds", paste, `. ${page.allStay}`);
  main.querySelector(".quiet .by-touch").textContent = `One or hundreds. ${page.allStay}`;
  put(main.querySelector(".primary"), icon(about.modality === "image" ? "photo" : "wave"), `Choose ${word}s`);
  const label = main.querySelector(".first");
  label.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      page.choose();
    }
  });
  samples(page);
  page.state("empty");
}

export function samples({ about, give, submit }) {
  const given = about.samples ?? [];
  const box = document.querySelector(".samples") ?? from("t-samples").firstElementChild;
  if (!given.length) return box.remove();
  if (!box.isConnected) $("main").append(box);
  box.querySelector(".quiet").textContent =
    about.samples_learned === false ? "The model has not learned from them." : "";
  const list = box.querySelector("ul");
  if (given.some(({ text }) => text)) list.className = "strip quotes";
  const fetched = async ({ address, name: file }) => {
    const response = await fetch(new URL(address, document.baseURI));
    if (!response.ok) return toast(`${file} could not be loaded.`);
    give([new File([await response.blob()], file)]);
  };
  put(
    list,
    given.map((one) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            "aria-label": `Try ${one.text ?? one.name}`,
            onclick: () => (one.text ? submit(one.text) : fetched(one)),
          },
          one.text
            ? make("span", { class: "quote" }, one.text)
            : about.modality === "image"
              ? tileOf(one.address)
              : make("span", { class: "quote" }, one.name),
        ),
      ),
    ),
  );
}

// Many texts: one a line.
export function lines(page) {
  put($("main"), from("t-lines"));
  $("lines-help").textContent = page.allStay;
  $("lines").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = $("many-given")
      .value.split(/\r?\n/)
      .map((line) => line.trim())
      .filter(Boolean);
    if (given.length) return page.give(given);
    $("many-given").setAttribute("aria-invalid", "true");
    $("lines-help").textContent = "There is no text yet. Write one a line, or drop a text file.";
    $("many-given").focus();
  });
  page.state("texts");
}
