// Reads texts, each a line of JSON, and writes what tokenizer.js makes of them: node tokenize.mjs FOLDER
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { Tokenizer } = await import(pathToFileURL(`${folder}/tokenizer.js`));
const read = (name) => readFileSync(`${folder}/${name}`, "utf-8");
const words = process.argv[3] === "words" ? JSON.parse(read("words.json")) : null;
const tokenizer = new Tokenizer(read("vocabulary.txt"), JSON.parse(read("characters.json")), words);
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const text = JSON.parse(line);
  const found = { segments: null, cannot: tokenizer.cannot(text) };
  try {
    found.segments = tokenizer.segments(text);
    const inputs = tokenizer.inputs(text);
    found.ids = Array.from(inputs.input_ids, Number);
    found.mask = Array.from(inputs.attention_mask, Number);
    if (words) found.words = Array.from(inputs.words.entries()).filter(([, value]) => value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  console.log(JSON.stringify(found));
}
