// From the bytes of a recording to samples of one channel at the recording's own rate. WAV is read here; what is compressed,
// the browser decodes, at that rate too: it resamples otherwise, each browser in its own way.

import { sniff } from "./headers.js";
import { Trouble } from "./trouble.js";

const AGAIN = "Copy or download it again.";
const [LOWEST, HIGHEST, MOST_CHANNELS] = [2000, 768000, 64];
const BLOCK = 1 << 19; // samples by which it is told whether channels cancel each other
const CANCELLED = 0.02; // share of their energy below which they do
const LOUDEST = 1e10;
const OTHERS = {
  mp4: "an M4A recording or a film",
  webm: "a WebM or Matroska file",
  html: "a web page, as a download that failed leaves it",
  zip: "a zip archive",
  pdf: "a PDF document",
};

// {samples: Float32Array, rate}
export async function decodeRecording(blob) {
  const buffer = await blob.arrayBuffer();
  const bytes = new Uint8Array(buffer);
  if (!bytes.length) throw new Trouble("empty", "The file is empty.", AGAIN);
  const kind = sniff(bytes);
  if (!["wav", "flac", "ogg", "mp3"].includes(kind)) {
    const what = OTHERS[kind] ?? (sniff(bytes) ? `a ${kind.toUpperCase()} file` : "something else");
    throw new Trouble("not_a_recording", `The file is not a recording that can be read: it is ${what}.`, "Save it as WAV, FLAC, MP3 or Ogg, or record it here.");
  }
  const { channels, rate } = kind === "wav" ? readWav(bytes) : await decoded(buffer, kind, rateOf(bytes, kind));
  if (!channels.length || !channels[0].length) throw new Trouble("empty", "The recording holds no sound.", "Record it again, or leave it out.");
  return { samples: mixed(channels), rate };
}

// The mean of the channels; one of them where they cancel each other, told by the first block with sound in it.
export function mixed(channels) {
  const [first] = channels;
  for (const channel of channels) {
    for (const sample of channel) {
      if (!(Math.abs(sample) <= LOUDEST)) {
        const what = Number.isNaN(sample) ? "values that are no numbers" : "numbers far beyond full scale";
        throw new Trouble("corrupt", `The recording holds ${what} among its samples.`, "Export it again.");
      }
    }
  }
  const n = channels.length;
  if (n === 1) return first;
  const mean = new Float32Array(first.length);
  for (let i = 0; i < mean.length; i += 1) mean[i] = channels.reduce((sum, channel) => sum + channel[i], 0) / n;
  const size = Math.max(1, Math.floor(BLOCK / n));
  for (let begin = 0; begin < mean.length; begin += size) {
    const energyOf = (samples) => samples.subarray(begin, begin + size).reduce((sum, x) => sum + x * x, 0);
    const energies = channels.map(energyOf);
    const all = energies.reduce((sum, energy) => sum + energy, 0);
    if (all) return energyOf(mean) < (CANCELLED * all) / (n * n) ? channels[energies.indexOf(Math.max(...energies))] : mean;
  }
  return mean;
}

function readWav(bytes) {
  const numbers = new DataView(bytes.buffer);
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  let format;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = numbers.getUint32(at + 4, true);
    if (word(at) === "fmt " && at + 24 <= bytes.length) {
      let kind = numbers.getUint16(at + 8, true);
      if (kind === 0xfffe && size >= 26) kind = numbers.getUint16(at + 32, true); // the same number in the longer form
      format = { kind, n: numbers.getUint16(at + 10, true), rate: numbers.getUint32(at + 12, true), bits: numbers.getUint16(at + 22, true) };
    } else if (word(at) === "data" && format) {
      const rest = bytes.length - at - 8; // a recorder that was switched off has written no size, or one that never came
      return { channels: channelsOf(numbers, at + 8, Math.min(size || rest, rest), checked(format)), rate: format.rate };
    }
    at += 8 + size + (size % 2);
  }
  throw new Trouble("corrupt", "The WAV recording is damaged or cut short: it holds no samples.", AGAIN);
}

function checked(format) {
  if (format.rate < LOWEST || format.rate > HIGHEST)
    throw new Trouble("corrupt", `The recording claims ${format.rate.toLocaleString("en")} samples per second.`, "Give recordings of 2,000 to 768,000; export it again if its header is wrong.");
  if (format.n > MOST_CHANNELS) throw new Trouble("too_large", `The recording has ${format.n} channels; the limit is ${MOST_CHANNELS}.`, "Mix them down to one or two.");
  return format;
}

const READ = {
  "1-8": [1, (numbers, at) => (numbers.getUint8(at) - 128) / 128],
  "1-16": [2, (numbers, at) => numbers.getInt16(at, true) / 32768],
  "1-24": [3, (numbers, at) => ((numbers.getInt8(at + 2) << 16) | numbers.getUint16(at, true)) / 8388608],
  "1-32": [4, (numbers, at) => numbers.getInt32(at, true) / 2147483648],
  "3-32": [4, (numbers, at) => numbers.getFloat32(at, true)],
  "3-64": [8, (numbers, at) => numbers.getFloat64(at, true)],
  "6-8": [1, (numbers, at) => aLaw(numbers.getUint8(at)) / 32768],
  "7-8": [1, (numbers, at) => muLaw(numbers.getUint8(at)) / 32768],
};

function channelsOf(numbers, start, size, { kind, n, bits }) {
  const [width, read] = READ[`${kind}-${bits}`] ?? [];
  if (!width || !n) throw new Trouble("not_supported", `The WAV recording is of a variety that is not read here (${kind}, ${bits} bits).`, "Save it as WAV of 16 bits.");
  const length = Math.floor(size / (width * n));
  return Array.from({ length: n }, (_, channel) => Float32Array.from({ length }, (__, i) => read(numbers, start + (i * n + channel) * width)));
}

// ITU-T G.711
function aLaw(byte) {
  const code = byte ^ 0x55;
  const [exponent, mantissa] = [(code >> 4) & 7, code & 15];
  const magnitude = exponent ? ((mantissa << 4) + 0x108) << (exponent - 1) : (mantissa << 4) + 8;
  return code & 0x80 ? magnitude : -magnitude;
}
function muLaw(byte) {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
}

function rateOf(bytes, kind) {
  const numbers = new DataView(bytes.buffer);
  if (kind === "flac") return (bytes[18] << 12) | (bytes[19] << 4) | (bytes[20] >> 4);
  if (kind === "ogg") {
    const at = 27 + bytes[26];
    return String.fromCharCode(...bytes.subarray(at + 1, at + 7)) === "vorbis" ? numbers.getUint32(at + 12, true) : 48000;
  }
  let at = String.fromCharCode(...bytes.subarray(0, 3)) === "ID3" ? 10 + [6, 7, 8, 9].reduce((size, i) => (size << 7) | (bytes[i] & 0x7f), 0) : 0;
  while (at + 4 < bytes.length && !(bytes[at] === 0xff && (bytes[at + 1] & 0xe0) === 0xe0)) at += 1;
  const rate = [44100, 48000, 32000][(bytes[at + 2] >> 2) & 3] ?? 44100;
  return { 3: rate, 2: rate / 2, 0: rate / 4 }[(bytes[at + 1] >> 3) & 3] ?? rate;
}

async function decoded(buffer, kind, rate) {
  try {
    const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(buffer);
    return { channels: Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i)), rate: sound.sampleRate };
  } catch {
    throw new Trouble("corrupt", `The ${kind.toUpperCase()} recording is damaged, cut short, or of a variety that this browser does not read.`, "Save it as WAV.");
  }
}
