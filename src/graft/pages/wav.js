// Samples as a file: 32-bit floats, one channel, at the rate at which they were taken. Nothing is rounded or resampled.

export function wav({ samples, rate }) {
  const bytes = 4 * samples.length;
  const head = new DataView(new ArrayBuffer(58));
  const write = (at, word) => [...word].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  write(0, "RIFF");
  head.setUint32(4, 50 + bytes, true);
  write(8, "WAVEfmt ");
  head.setUint32(16, 18, true);
  head.setUint16(20, 3, true); // floats
  head.setUint16(22, 1, true); // one channel
  head.setUint32(24, rate, true);
  head.setUint32(28, 4 * rate, true);
  head.setUint16(32, 4, true);
  head.setUint16(34, 32, true);
  head.setUint16(36, 0, true);
  write(38, "fact");
  head.setUint32(42, 4, true);
  head.setUint32(46, samples.length, true);
  write(50, "data");
  head.setUint32(54, bytes, true);
  return new Blob([head, samples], { type: "audio/wav" });
}
