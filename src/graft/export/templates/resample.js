// Recordings of any rate -> samples at the rate that model.onnx takes. example.py beside it does the same in Python.
//
//     const samples = heard(oneChannel, 48000, labels.input); // the graph takes it as (1, length)

// Of the low-pass: zeros of the sine on each side, how it fades out, and where it cuts off, as a share of the band.
const REACH = 103;
const BEND = 14.387;
const EDGE = 0.95686;

/**
 * A recording as the model hears it; of a very long one pieces, spread evenly.
 * @param {Float32Array} samples one channel
 * @param {number} rate whole samples per second
 * @param {{rate: number, longest_seconds: number, piece_seconds: number}} input of labels.json
 */
export function heard(samples, rate, { rate: to, longest_seconds: longest, piece_seconds: piece }) {
  if (samples.length <= Math.trunc(longest * rate)) return resampled(samples, rate, to);
  const size = Math.trunc(piece * rate);
  const count = Math.trunc(longest / piece);
  const step = (samples.length - size) / (count - 1);
  const starts = Array.from({ length: count }, (_, i) => (i === count - 1 ? samples.length - size : Math.trunc(i * step)));
  const pieces = starts.map((start) => resampled(samples.subarray(start, start + size), rate, to));
  const whole = new Float32Array(pieces.reduce((length, one) => length + one.length, 0));
  let end = 0;
  for (const one of pieces) {
    whole.set(one, end);
    end += one.length;
  }
  return whole;
}

/** The samples at another rate, without what the lower of both rates cannot hold. */
export function resampled(samples, rate, to) {
  const common = divisor(rate, to);
  const [up, down] = [to / common, rate / common];
  if (up === down) return samples;
  const share = Math.min(1, to / rate);
  const width = Math.trunc(REACH / share) + 1;
  const kernel = new Float64Array(2 * width + 1);
  const out = new Float32Array(Math.floor((samples.length * up) / down + 0.5));
  for (let phase = 0; phase < Math.min(up, out.length); phase += 1) {
    const ahead = ((phase * down) % up) / up;
    for (let tap = -width; tap <= width; tap += 1) kernel[tap + width] = weight((ahead - tap) * share) * share;
    for (let place = phase; place < out.length; place += up) {
      const middle = Math.min(Math.floor((place * down) / up), samples.length - 1);
      const first = Math.max(0, middle - width);
      const last = Math.min(samples.length - 1, middle + width);
      let sum = 0;
      for (let at = first; at <= last; at += 1) sum += samples[at] * kernel[at - middle + width];
      out[place] = sum;
    }
  }
  return out;
}

/** The low-pass at a distance, in samples of the lower rate. */
function weight(away) {
  if (Math.abs(away) > REACH) return 0;
  const fade = bessel(BEND * Math.sqrt(Math.max(0, 1 - (away / REACH) ** 2))) / bessel(BEND);
  const angle = Math.PI * away * EDGE;
  return (angle ? Math.sin(angle) / angle : 1) * EDGE * fade;
}

/** The modified Bessel function of order 0. */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function divisor(one, other) {
  return other ? divisor(other, one % other) : one;
}
