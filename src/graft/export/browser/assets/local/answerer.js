// Answers in this browser: a worker runs the model, and nothing that is given leaves the page.

import { ID } from "./export.js";
import { Trouble } from "./trouble.js";

const EVERY = 10 * 60 * 1000; // ms between two looks for a newer export
const STARTING = `graft-starting ${new URL("../", import.meta.url).pathname}`;
const waiting = new Map();
let events;
let worker;
let about;
let next = 1;

export async function open(target) {
  events = target;
  await sameExport();
  if (remembered(STARTING) === ID) {
    forget(STARTING); // it is tried once more when somebody asks for it
    throw new Trouble("memory", "The browser closed this page while the model was being loaded: there was not enough memory.", "Close other pages and try again, or use a computer.");
  }
  remember(STARTING, ID);
  addEventListener("pagehide", () => forget(STARTING)); // left or reloaded by somebody, and not closed by the browser
  try {
    about = await started();
  } finally {
    forget(STARTING);
  }
  keepUp();
  return about;
}

export async function answer(item, { why = false, signal } = {}) {
  signal?.throwIfAborted();
  let given = item;
  if (about.modality === "audio" && item instanceof Blob && item.size <= about.input.limit_bytes) {
    try {
      const { decodeRecording } = await import("./recordings.js"); // of pages that hear, alone
      given = await decodeRecording(item);
    } catch (error) {
      if (error instanceof Trouble) return { error: error.parts };
      throw error;
    }
    signal?.throwIfAborted();
  }
  if (!worker) throw new Trouble("offline", "The model is not loaded.", "Reload the page.");
  const id = next;
  next += 1;
  return new Promise((resolve, reject) => {
    const abort = () => {
      waiting.delete(id);
      worker?.postMessage({ type: "cancel", id });
      reject(signal.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    const settle = (act) => (value) => {
      signal?.removeEventListener("abort", abort);
      act(value);
    };
    waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
    worker.postMessage({ type: "answer", id, item: given, why });
  });
}

function started() {
  return new Promise((resolve, reject) => {
    worker?.terminate();
    worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "graft" });
    const stop = (trouble) => {
      worker?.terminate();
      worker = undefined;
      reject(trouble);
      for (const { reject: refuse } of waiting.values()) refuse(trouble);
      waiting.clear();
    };
    // A script that did not load says nothing of why.
    const diagnosed = async () => {
      const [found, advice] = await window.graftDiagnose();
      stop(new Trouble("file_missing", found, advice));
    };
    worker.addEventListener("message", ({ data }) => {
      if (data.type === "progress") events.dispatchEvent(new CustomEvent("progress", { detail: data.detail }));
      else if (data.type === "opened") resolve(data.about);
      else if (data.type === "failed" && data.error.code === "script") void diagnosed();
      else if (data.type === "failed") stop(new Trouble(data.error.code, data.error.message, data.error.hint));
      else if (data.type === "answered") {
        waiting.get(data.id)?.resolve(data.answer);
        waiting.delete(data.id);
      }
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      if (event.message) stop(new Trouble("stopped", `The model stopped: ${event.message}.`, "Reload the page."));
      else void diagnosed();
    });
    worker.postMessage({ type: "open" });
  });
}

// The page itself may be an older copy that a browser kept: then it is fetched once more.
async function sameExport() {
  const shown = document.querySelector('meta[name="graft-export"]')?.content;
  if (shown === ID) return forget("graft-reloaded");
  if (remembered("graft-reloaded") !== ID) {
    remember("graft-reloaded", ID);
    await fetch(location.href.split("#")[0], { cache: "reload" }).catch(() => {});
    location.reload();
    return new Promise(() => {});
  }
  throw new Trouble("file_differs", "index.html is of another export than answerer.js.", "Copy the export to the host once more, all of its files, and reload the page.");
}

// An offline copy of this export, and word of a newer one.
function keepUp() {
  const container = navigator.serviceWorker; // under https and on this computer only
  addEventListener("offline", () => events.dispatchEvent(new CustomEvent("offline", { detail: { works: true } })));
  addEventListener("online", () => events.dispatchEvent(new CustomEvent("online")));
  if (!container) return;
  let told = false;
  const compare = async () => {
    if (!container.controller || told) return;
    const { port1, port2 } = new MessageChannel();
    const id = await new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
      container.controller.postMessage("which", [port2]);
    });
    if (id === ID || told) return;
    told = true;
    events.dispatchEvent(new CustomEvent("newversion", { detail: {} }));
  };
  container.addEventListener("controllerchange", compare);
  void compare();
  container
    .register(new URL("../sw.js", import.meta.url), { updateViaCache: "none" })
    .then((registration) => {
      let last = Date.now();
      const look = () => {
        if (document.visibilityState !== "visible" || Date.now() - last < EVERY) return;
        last = Date.now();
        registration.update().catch(() => {}); // there is no network
      };
      document.addEventListener("visibilitychange", look);
      setInterval(look, EVERY);
    })
    .catch(() => {}); // private windows have none: the page works, but not offline
}

function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // storage is switched off
  }
}
function remembered(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}
function forget(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // storage is switched off
  }
}
