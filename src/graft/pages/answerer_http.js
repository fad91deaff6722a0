// Answers by a server, at addresses beside this page. What an answerer exports stands in docs/pages.md.

import { wav } from "./wav.js";

export const events = new EventTarget();

const near = (path, values = {}) => {
  const address = new URL(path, new URL("./", location.href.split(/[?#]/)[0]));
  for (const [key, value] of Object.entries(values))
    for (const one of [value].flat()) address.searchParams.append(key, one);
  return address;
};
const here = () => ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

class Refused extends Error {
  constructor({ code = "failed", message = "", hint = "" }) {
    super(message || "The server gave no answer that can be read.");
    Object.assign(this, { code, hint });
  }
}

let reached = true;

async function reach(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    reached = false;
    const lost = new Refused({
      code: "offline",
      message: "The model does not answer.",
      hint: "Start it again with the same command; this page goes on then.",
    });
    events.dispatchEvent(
      new CustomEvent("offline", { detail: { works: false, message: lost.message, hint: lost.hint } }),
    );
    throw lost;
  }
  if (!reached) events.dispatchEvent(new CustomEvent("online"));
  reached = true;
  const values = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new Refused(
      values.error ?? { ...values, message: values.message ?? values.title, hint: values.hint ?? values.detail },
    );
  return values;
}

// The bytes as they were given; a text as UTF-8, samples as a WAV of their own rate.
const body = (item) => {
  if (typeof item === "string") return new Blob([item], { type: "text/plain;charset=utf-8" });
  return item instanceof Blob ? item : wav(item);
};
const sent = (item, more = {}) => {
  const content = body(item);
  return {
    method: "POST",
    body: content,
    headers: { "content-type": content.type || "application/octet-stream" },
    ...more,
  };
};

export async function open() {
  const about = await reach(near("about"));
  return { stays: here(), ...about };
}

// One item that cannot be read is an answer, too: its error stands in it.
export async function answer(item, { why = false, signal } = {}) {
  try {
    return await reach(near("answer", why ? { why: 1 } : {}), sent(item, { signal }));
  } catch (error) {
    if (!(error instanceof Refused) || error.code === "offline") throw error;
    return { error: { code: error.code, message: error.message, hint: error.hint } };
  }
}

// A label, several of them, a number, or null: none of these.
export const corrections = {
  async save(item, answer, label) {
    const { id } = await reach(near("corrections", label === null ? { unknown: 1 } : { label }), sent(item));
    return id;
  },
  async undo(id) {
    await reach(near(`corrections/${encodeURIComponent(id)}`), { method: "DELETE" });
  },
};
