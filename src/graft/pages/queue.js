// The items that were given, and their answers: one at a time, the one in sight first. An answer is kept with its item, so
// that what is shown always belongs to what is shown; to explain an item that nobody looks at any more is broken off.

export const items = [];
let answerer = null;
let about = null;
let sight = null;
let explaining = false;
let running = false;
let lost = false;
let doing = null;
let given = 0;
let tell = () => {};

export const is = {
  get lost() {
    return lost;
  },
  get busy() {
    return running;
  },
};

// An item: a Blob (with a name), a text, or samples.
export function entry(content, called = "") {
  given += 1;
  const kind = typeof content === "string" ? "text" : content instanceof Blob ? "file" : "samples";
  return {
    id: given,
    content,
    kind,
    name: called || content.name || "",
    answer: null,
    own: null,
    stopped: false,
    ms: 0,
  };
}

export function add(entries) {
  items.push(...entries);
  work();
}

export function remove(one) {
  const at = items.indexOf(one);
  if (at >= 0) items.splice(at, 1);
  return at;
}

export function begin(given, known, changed) {
  [answerer, about, tell] = [given, known, changed];
  work();
}

// What is looked at, and whether it is to be explained.
export function look(one, why) {
  sight = one;
  explaining = why;
  if (doing && doing.why && (doing.one !== sight || !why)) doing.control.abort();
  work();
}

export function stop() {
  for (const one of items) if (!one.answer) one.stopped = true;
}

export function resume() {
  lost = false;
  for (const one of items) one.stopped = false;
  work();
}

const waits = (one) => one && !one.answer && !one.stopped;
const unexplained = (one) =>
  one?.answer && explaining && about.why && !one.answer.error && !one.answer.unknown && !one.answer.why && !one.silent;

function next() {
  if (waits(sight)) return { one: sight, why: false };
  if (unexplained(sight)) return { one: sight, why: true };
  const one = items.find(waits);
  return one && { one, why: false };
}

async function work() {
  if (running || !answerer) return;
  running = true;
  for (let task = next(); task && !lost; task = next()) await answered(task);
  running = false;
  tell(null);
}

async function answered({ one, why }) {
  doing = { one, why, control: new AbortController() };
  tell(one);
  const start = performance.now();
  try {
    const found = await answerer.answer(one.content, { why, signal: doing.control.signal });
    if (!why) one.ms = performance.now() - start;
    if (why && (found.error || !found.why))
      one.silent = true; // it cannot be explained: it is not asked again
    else one.answer = why ? { ...one.answer, why: found.why } : found;
  } catch (error) {
    if (error.name !== "AbortError") {
      lost = true;
      tell(one, error);
    }
  } finally {
    doing = null;
  }
  tell(one);
}

export const isExplaining = (one) => Boolean(doing && doing.one === one && doing.why);

// Live pictures go past the queue: asked one at a time by whoever shows them, and never kept.
export const ask = (content, signal) => answerer.answer(content, { why: false, signal });
