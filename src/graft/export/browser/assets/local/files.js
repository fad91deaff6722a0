// Brings the files of one export, each once, and checks every byte of them: what a host gives in a file's place is named.

import { FILES, ID } from "./export.js";
import { digest } from "./digest.js";
import { Trouble } from "./trouble.js";

const BASE = new URL("../", import.meta.url);
const RELOAD = "Reload the page. If it says so again, copy the export to the host once more, all of its files.";

const cacheName = (id) => `graft ${BASE.pathname} ${id}`;

// Of a file, its content as an ArrayBuffer. `came` is told of every further byte.
export async function bring(name, came = () => {}) {
  const wanted = FILES[name];
  const kept = await keptOf(name);
  if (kept && (await isIt(kept, wanted))) {
    came(wanted.size);
    return kept;
  }
  let first;
  try {
    first = await fetched(name, wanted, "default", came);
  } catch (error) {
    first = error;
  }
  if (first instanceof ArrayBuffer) return first;
  came(-first.came);
  const again = await fetched(name, wanted, "reload", came).catch((error) => error); // an older copy may lie in between
  if (again instanceof ArrayBuffer) return again;
  throw again;
}

async function keptOf(name) {
  try {
    const found = await (await caches.open(cacheName(ID))).match(new URL(name, BASE));
    return found && (await found.arrayBuffer());
  } catch {
    return undefined; // no such store here, as without https
  }
}

async function fetched(name, wanted, cache, came) {
  const trouble = (code, message, hint = RELOAD, seen = 0) => Object.assign(new Trouble(code, message, hint), { came: seen });
  let response;
  try {
    response = await fetch(new URL(name, BASE), { cache });
  } catch {
    throw trouble("offline", `${name} cannot be reached.`, "Check the connection, and reload the page.");
  }
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) {
    throw trouble("file_missing", `${name} is missing: the host answers ${response.status}.`, "Copy the file to the host, beside the page.");
  }
  if (/text\/html/i.test(type) && !name.endsWith(".html")) {
    await response.body?.cancel();
    throw trouble("file_missing", `${name} is missing: the host answers with a web page in its place.`, "Copy the file to the host, beside the page.");
  }
  let content;
  let seen = 0;
  try {
    content = new Uint8Array(wanted.size);
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const { value } = part;
      if (seen + value.length > wanted.size) {
        await reader.cancel();
        throw trouble("file_differs", `${name} is longer than ${bytes(wanted.size)}: it is not the file of this export.`, RELOAD, seen);
      }
      content.set(value, seen);
      seen += value.length;
      came(value.length);
    }
  } catch (error) {
    if (error instanceof Trouble) throw error;
    if (error instanceof RangeError) throw trouble("memory", `There is not enough memory for ${name}.`, "Close other pages, or use a computer.", seen);
    throw trouble("file_cut", `${name} was cut off: ${bytes(seen)} of ${bytes(wanted.size)} came.`, RELOAD, seen);
  }
  if (seen < wanted.size) throw trouble("file_cut", `${name} was cut off: ${bytes(seen)} of ${bytes(wanted.size)} came.`, RELOAD, seen);
  if (!(await isIt(content.buffer, wanted)))
    throw trouble("file_differs", `${name} is not the file of this export: its content is another.`, RELOAD, seen);
  await keep(name, content, type);
  return content.buffer;
}

async function keep(name, content, type) {
  try {
    const headers = { "content-type": type || "application/octet-stream", "content-length": String(content.length) };
    await (await caches.open(cacheName(ID))).put(new URL(name, BASE), new Response(content, { headers }));
  } catch {
    // no such store here, or no room in it: it is brought again next time
  }
}

async function isIt(buffer, wanted) {
  return buffer.byteLength === wanted.size && (await digest(buffer)) === wanted.sha256;
}

const bytes = (n) => (n < 1e5 ? `${n.toLocaleString("en")} bytes` : `${(n / 1e6).toFixed(1)} MB`);
