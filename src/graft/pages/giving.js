// What is given: files, folders, texts; chosen, dropped or pasted.

import { toast } from "./dom.js";
import { refusal } from "./pictures.js";
import * as queue from "./queue.js";

const FILES = 10_000; // of a folder that is dropped

// Makes items of files and texts, and has them answered.
export async function give(given, page) {
  const { about } = page;
  let entries = [];
  for (const one of given) {
    if (about.modality === "text" && typeof one !== "string")
      entries.push(
        ...(await one.text())
          .split(/\r?\n/)
          .map((line) => line.trim())
          .filter(Boolean)
          .map((line) => queue.entry(line)),
      );
    else entries.push(queue.entry(one, one.name ?? ""));
  }
  entries = entries.slice(0, FILES);
  if (!entries.length) return toast("There is no text in it.");
  for (const one of entries) {
    const error = await refusal(one, about.modality);
    if (error) one.answer = { error };
  }
  queue.add(entries);
  if (entries.length === 1 && page.place() !== "all") return page.open(entries[0]);
  return page.gathered();
}

// All files of what was dropped, folders too.
export async function dropped(transfer) {
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some(({ isDirectory }) => isDirectory)) return [...transfer.files];
  const files = [];
  const walk = async (one) => {
    if (files.length >= FILES || one.name.startsWith(".")) return;
    if (one.isFile) return files.push(await new Promise((done, fail) => one.file(done, fail)));
    const reader = one.createReader();
    for (;;) {
      const part = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!part.length) return;
      for (const inner of part) await walk(inner);
    }
  };
  for (const one of entries) await walk(one);
  return files;
}
