// Texts: what the graph takes of one, and the same without one of its words.

import { FILES } from "./export.js";
import { Trouble } from "./trouble.js";

const MOST = 64; // parts of a text that are left out
const FEWEST = 12; // of a very long one
const CHARACTERS = 200_000; // so many are read in all where there are more parts than that
const SINGLE = "\\u3040-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
const SYLLABLES = "\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff";
// What stands between spaces; of scripts that write none, a character or a few of them. White space as Python has it.
const SPACE = "\\s\\u001c-\\u001f\\u0085";
const WORDS = new RegExp(`[${SINGLE}]|[${SYLLABLES}]{1,4}|[^${SPACE}${SINGLE}${SYLLABLES}]+`, "gu");

let tokenizer;

export async function load(about, bring) {
  const { Tokenizer } = await import("../tokenizer/tokenizer.js");
  const get = async (address) => new Response(await bring(`tokenizer/${address.pathname.split("/").at(-1)}`));
  tokenizer = await Tokenizer.open(new URL("../tokenizer/", import.meta.url), { words: "tokenizer/words.json" in FILES, fetch: get });
}

export async function prepare(item, about) {
  const text = typeof item === "string" ? item : await read(item);
  if (!text.trim()) throw new Trouble("empty", "The text is empty.", "Write something, or leave the item out.");
  const n = length(text);
  const { limit_characters: most } = about.input;
  if (n > most) throw new Trouble("too_large", `The text has ${n.toLocaleString("en")} characters; the limit is ${most.toLocaleString("en")}.`, "Cut it into parts.");
  const odd = tokenizer.cannot(text);
  if (odd) throw new Trouble("not_supported", odd, "Take another browser, or graft predict.");
  return { text, ...inputs(text) };
}

async function read(item) {
  if (!(item instanceof Blob)) throw new Trouble("not_a_text", "What was given is no text.", "Write one, or give a text file.");
  const bytes = new Uint8Array(await item.arrayBuffer());
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe && "utf-16le") || (bytes[0] === 0xfe && bytes[1] === 0xff && "utf-16be");
  try {
    return new TextDecoder(wide || "utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Trouble("not_a_text", "The file is no text in UTF-8.", "Check that it opens in a text editor, and save it as UTF-8.");
  }
}

function inputs(text) {
  try {
    return tokenizer.inputs(text);
  } catch (error) {
    if (error instanceof RangeError) throw new Trouble("empty", error.message, "Write something, or leave the item out.");
    throw error;
  }
}

export function feeds([{ input_ids: ids, attention_mask: mask, words }]) {
  const dims = [1, ids.length];
  const tokens = { input_ids: { type: "int64", data: ids, dims }, attention_mask: { type: "int64", data: mask, dims } };
  return words ? { ...tokens, words: { type: "float32", data: words, dims: [1, words.length] } } : tokens;
}

export function variants({ text }) {
  const characters = Array.from(text); // by code points, as they are counted everywhere
  const found = [];
  for (const [begin, end] of partsOf(text, characters.length)) {
    try {
      found.push({ begin, end, ...inputs(without(characters, begin, end)) });
    } catch (error) {
      if (!(error instanceof Trouble)) throw error; // nothing that can be read would remain
    }
  }
  const laidOut = (effects) => ({ words: found.map(({ begin: start, end }, i) => ({ start, end, effect: effects[i] })) });
  return { kind: "words", count: found.length, together: 1, at: (i) => found[i], laidOut };
}

function partsOf(text, size) {
  const words = [];
  let [at, units] = [0, 0]; // code points and units of UTF-16 up to the last word
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    const start = at + length(text.slice(units, index));
    at = start + length(word);
    units = index + word.length;
    words.push([start, at]);
  }
  if (words.length < 2) return [];
  const n = Math.min(words.length, MOST, Math.max(FEWEST, Math.floor(CHARACTERS / size)));
  const bound = (part) => Math.floor((words.length * part) / n);
  return Array.from({ length: n }, (_, part) => [words[bound(part)][0], words[bound(part + 1) - 1][1]]);
}

// The text without a part, and without one of the two spaces that stood about it.
function without(characters, begin, end) {
  const isSpace = (character) => character !== undefined && /[\s\u001c-\u001f\u0085]/.test(character);
  const skipped = begin > 0 && isSpace(characters[begin - 1]) && isSpace(characters[end]) ? 1 : 0;
  return [...characters.slice(0, begin), ...characters.slice(end + skipped)].join("");
}

function length(text) {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}
