// Holds the model: one session of one thread, one item at a time, in the order in which they came.

import { answerOf } from "./answers.js";
import { FILES } from "./export.js";
import { bring } from "./files.js";
import { Trouble } from "./trouble.js";

const WAYS = { image: "./way_image.js", text: "./way_text.js", audio: "./way_audio.js" };
const SHOWN_EVERY = 100; // ms

let about;
let session;
let ort;
let way;
let last = Promise.resolve();
const cancelled = new Set();

self.addEventListener("message", ({ data }) => {
  if (data.type === "cancel") cancelled.add(data.id);
  else if (data.type === "open") void open().then((known) => self.postMessage({ type: "opened", about: known }), failed);
  else last = last.then(() => asked(data));
});

const failed = (error) => self.postMessage({ type: "failed", error: partsOf(error) });

function partsOf(error) {
  if (error instanceof Trouble) return error.parts;
  if (error instanceof RangeError || /memory|alloc/i.test(error?.message ?? error)) {
    return { code: "memory", message: "There is not enough memory for the model.", hint: "Close other pages and try again, or use a computer." };
  }
  return { code: "stopped", message: `The model stopped: ${error?.message ?? error}.`, hint: "Reload the page." };
}

async function open() {
  const large = Object.keys(FILES).filter((name) => FILES[name].large);
  const total = large.reduce((sum, name) => sum + FILES[name].size, 0);
  let [done, shown] = [0, 0];
  const came = (n) => {
    done += n;
    if (performance.now() - shown < SHOWN_EVERY && done < total) return;
    shown = performance.now();
    self.postMessage({ type: "progress", detail: { done, total, what: "bytes" } });
  };
  const [labels, more] = await Promise.all(["labels.json", "about.json"].map(async (name) => JSON.parse(new TextDecoder().decode(await bring(name)))));
  about = { ...labels, ...more };
  way = await script(WAYS[about.modality]);
  await way.load?.(about, bring);
  ort = await script("../runtime/ort.js");
  const contents = {};
  for (const name of large) contents[name] = await bring(name, came); // one after the other: a slow line is not shared
  await start(contents);
  return about;
}

async function start(contents) {
  const { wasm } = ort.env;
  const here = (name) => new URL(`../${name}`, import.meta.url).href;
  Object.assign(wasm, { numThreads: 1, proxy: false, wasmPaths: { mjs: here("runtime/ort-wasm.js"), wasm: here("runtime/ort-wasm.wasm") } });
  wasm.wasmBinary = contents["runtime/ort-wasm.wasm"];
  try {
    session = await ort.InferenceSession.create(new Uint8Array(contents["model.onnx"]), { executionProviders: ["wasm"] });
  } catch (error) {
    throw cannotStart(String(error?.message ?? error));
  } finally {
    // The session has its own copy. The runtime holds on to what it was given: that is emptied, so that it takes no memory.
    wasm.wasmBinary = undefined;
    structuredClone(null, { transfer: Object.values(contents) });
    for (const name of Object.keys(contents)) delete contents[name];
  }
}

function cannotStart(said) {
  if (/unsafe-eval|content security policy|CompileError.*(blocked|disallowed)/i.test(said)) {
    return new Trouble("policy", "The host's content policy forbids WebAssembly.", "Let the host send script-src 'self' 'wasm-unsafe-eval' for this folder, or no policy: the page has its own.");
  }
  if (/memory|alloc|RangeError/i.test(said)) {
    return new Trouble("memory", "There is not enough memory for the model.", "Close other pages and try again, or use a computer.");
  }
  if (/ort-wasm\.js|dynamically imported module|importing a module/i.test(said)) return new Trouble("script", said, "");
  return new Trouble("stopped", `The model did not start: ${said}`, "Reload the page, or take a browser of 2023 or later.");
}

async function script(address) {
  try {
    return await import(address);
  } catch (error) {
    throw new Trouble("script", `${address.replace(/^[./]+/, "")} did not load: ${error?.message ?? error}`, "");
  }
}

async function asked({ id, item, why }) {
  let answer;
  try {
    answer = await answered(id, item, why);
  } catch (error) {
    if (!(error instanceof Trouble) && !way?.isOfItem?.(error)) return failed(error);
    answer = { error: partsOf(error) };
  }
  cancelled.delete(id);
  if (answer) self.postMessage({ type: "answered", id, answer });
  return undefined;
}

async function answered(id, item, why) {
  if (cancelled.has(id)) return undefined;
  const { limit_bytes: most } = about.input;
  if (item instanceof Blob && item.size > most) throw new Trouble("too_large", `The item has more than ${most / (1 << 20)} MB, the limit.`, "Make it smaller.");
  const prepared = await way.prepare(item, about);
  const answer = answerOf(about, (await rows([prepared]))[0]);
  if (!why) return answer;
  const explained = await explanation(id, prepared, answer);
  return explained && { ...answer, why: explained };
}

// The item again without one of its parts, for each of them: a few in memory at a time.
async function explanation(id, prepared, answer) {
  const variants = way.variants(prepared, about);
  const label = about.task === "regression" ? "" : Object.entries(answer.scores).sort((a, b) => b[1] - a[1])[0][0];
  const place = about.classes?.indexOf(label);
  const valueOf = (row) => (label ? row.probabilities[place] : row.value[0]);
  const whole = label ? answer.scores[label] : answer.value;
  const effects = [];
  for (let begin = 0; begin < variants.count; begin += variants.together) {
    if (cancelled.has(id)) return undefined;
    self.postMessage({ type: "progress", detail: { id, done: begin, total: variants.count, what: "why" } });
    const batch = [];
    for (let i = begin; i < Math.min(begin + variants.together, variants.count); i += 1) batch.push(variants.at(i));
    for (const row of await rows(batch)) effects.push(whole - valueOf(row));
    await new Promise((resolve) => setTimeout(resolve)); // so that a word that it is not wanted any more comes in
  }
  return { kind: variants.kind, label, confidence: whole, ...variants.laidOut(effects.map(brief)) };
}

const brief = (x) => Number(x.toPrecision(4));

// One row of numbers by output for each of the prepared items; nothing of the runtime's memory is kept.
async function rows(batch) {
  const feeds = {};
  for (const [name, { type, data, dims }] of Object.entries(way.feeds(batch))) feeds[name] = new ort.Tensor(type, data, dims);
  const outputs = await session.run(feeds);
  const found = batch.map(() => ({}));
  for (const [name, tensor] of Object.entries(outputs)) {
    const width = tensor.data.length / batch.length;
    found.forEach((row, i) => {
      row[name] = Array.from(tensor.data.subarray(i * width, (i + 1) * width));
    });
    tensor.dispose();
  }
  for (const tensor of Object.values(feeds)) tensor.dispose();
  return found;
}
