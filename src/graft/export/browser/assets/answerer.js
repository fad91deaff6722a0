// What the page asks. The rest is loaded when it is opened, so that a file that does not come can be named.

import { Trouble } from "./local/trouble.js";

export const events = new EventTarget();
export const corrections = null;

let local;

export async function open() {
  try {
    local ??= await import("./local/answerer.js");
  } catch {
    const [found, advice] = await window.graftDiagnose();
    throw new Trouble("file_missing", found, advice);
  }
  return local.open(events);
}

export const answer = (item, options = {}) => local.answer(item, options);
