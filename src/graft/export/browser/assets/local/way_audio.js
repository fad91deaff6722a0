// Recordings: what the graph takes of one, and the same with one of its moments silenced.

import { heard } from "../resample.js";
import { mixed } from "./recordings.js";
import { Trouble } from "./trouble.js";

const MOST = 24; // moments of a recording
const SHORTEST = 0.1; // seconds of a moment, at least
const FRAME = 0.02; // seconds over which is measured how quiet it can be
const QUIETEST = 0.1; // share of the frames by whose level it is told

// The page has read a file already: where that is not done, there is no sound in a worker to do it.
export async function prepare(item, about) {
  if (!(item?.samples instanceof Float32Array)) throw new Trouble("not_a_recording", "What was given is no recording.", "Give a sound file, or record one.");
  if (!item.samples.length) throw new Trouble("empty", "The recording holds no sound.", "Record it again, or leave it out.");
  const [seconds, most] = [item.samples.length / item.rate, about.input.limit_seconds];
  if (seconds > most) throw new Trouble("too_large", `The recording is ${seconds.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} seconds long; the limit is ${most}.`, "Cut it into pieces.");
  const samples = mixed([item.samples]);
  return { own: samples, rate: item.rate, heard: heardAs(samples, item.rate, about) };
}

function heardAs(samples, rate, about) {
  const found = heard(samples, Math.round(rate), about.input);
  return found.length ? found : new Float32Array(1);
}

export const feeds = ([{ heard: samples }]) => ({ samples: { type: "float32", data: samples, dims: [1, samples.length] } });

// In a moment that is silenced there is as little to be heard as in the recording's quietest tenth.
export function variants({ own, rate }, about) {
  const { longest_seconds: longest, piece_seconds: piece } = about.input;
  const seconds = own.length / rate;
  const isLong = seconds > longest;
  const n = isLong ? Math.trunc(longest / piece) : Math.max(1, Math.min(MOST, Math.trunc(seconds / SHORTEST)));
  const spanOf = (part) => {
    const start = isLong ? ((seconds - piece) * part) / (n - 1) : (seconds * part) / n;
    return [start, isLong ? start + piece : (seconds * (part + 1)) / n];
  };
  const spans = n < 2 ? [] : Array.from({ length: n }, (_, part) => spanOf(part));
  const noise = quiet(own, rate);
  const at = (part) => {
    const silenced = own.slice();
    const [start, end] = spans[part].map((second) => Math.min(own.length, Math.trunc(second * rate)));
    silenced.set(noise.subarray(0, end - start), start);
    return { heard: heardAs(silenced, rate, about) };
  };
  const laidOut = (effects) => ({ spans: spans.map(([start, end], i) => ({ start, end, effect: effects[i] })) });
  return { kind: "times", count: spans.length, together: 1, at, laidOut };
}

function quiet(samples, rate) {
  const size = Math.max(1, Math.round(FRAME * rate));
  const levels = new Float64Array(Math.floor(samples.length / size));
  levels.forEach((_, i) => {
    levels[i] = Math.sqrt(samples.subarray(i * size, (i + 1) * size).reduce((sum, x) => sum + x * x, 0) / size);
  });
  levels.sort();
  const level = levels.length ? levels[Math.trunc(QUIETEST * levels.length)] : 0;
  let state = 1;
  return Float32Array.from(samples, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0; // the same noise every time
    return (state / 2 ** 31) * level * Math.sqrt(3);
  });
}
