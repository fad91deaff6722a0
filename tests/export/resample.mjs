// Reads {samples, rate} as a line of JSON, and writes what resample.js makes of it: node resample.mjs SCRIPT INPUT
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { heard } = await import(pathToFileURL(process.argv[2]));
const input = JSON.parse(process.argv[3]);
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { samples, rate } = JSON.parse(line);
  console.log(JSON.stringify(Array.from(heard(Float32Array.from(samples), rate, input))));
}
