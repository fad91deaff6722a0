// Keeps one export whole: page, graph and labels come from the same one, with or without a network. This file names every
// file of its export by its hash, so that another export is another worker; it takes over once it has all of them.

const ID = "GRAFT_EXPORT_ID";
const FILES = JSON.parse("GRAFT_EXPORT_FILES");

const BASE = new URL("./", self.location.href);
const PREFIX = `graft ${BASE.pathname} `;
const NAME = PREFIX + ID;
const addressOf = (name) => new URL(name, BASE).href;
const BY_ADDRESS = new Map(Object.keys(FILES).map((name) => [addressOf(name), name]));
BY_ADDRESS.set(BASE.href, "index.html");

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(NAME);
      // The page that opens an export for the first time brings the large files itself: they are fetched once.
      const names = Object.keys(FILES).filter((name) => self.registration.active || !FILES[name].large);
      for (const name of names) {
        if (!(await cache.match(addressOf(name)))) await cache.put(addressOf(name), await file(name));
      }
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => event.ports[0]?.postMessage(ID));

self.addEventListener("fetch", (event) => {
  const { url, method } = event.request;
  const name = BY_ADDRESS.get(url.split(/[?#]/)[0]);
  if (method !== "GET" || !name) return;
  event.respondWith(caches.open(NAME).then(async (cache) => (await cache.match(addressOf(name))) ?? fetch(event.request)));
});

// The file of this export: from the copy of an earlier one where that is the same, else from the host, past stale copies.
async function file(name) {
  for (const other of await caches.keys()) {
    const kept = other.startsWith(PREFIX) && (await (await caches.open(other)).match(addressOf(name)));
    if (kept && (await isIt(kept, name))) return kept;
  }
  for (const cache of ["default", "reload"]) {
    const response = await fetch(addressOf(name), { cache });
    if (response.ok && (await isIt(response, name))) return response;
  }
  throw new Error(`${name} is not the file of this export`);
}

async function isIt(response, name) {
  const content = await response.clone().arrayBuffer();
  if (content.byteLength !== FILES[name].size) return false;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === FILES[name].sha256;
}
