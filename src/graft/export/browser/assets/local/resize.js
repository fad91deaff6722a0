// What the network sees of a picture, as the graph itself makes it: the middle square, resized by Pillow's HAMMING filter,
// rounded after each pass. Of this the squares of an explanation are covered, and not of a photo of two megapixels.

// {data, height, width} -> Uint8Array (side x side x 3)
export function middle({ data, height, width }, { side, zoom }) {
  const part = Math.min(width, height) * zoom;
  const rows = pass(data, height, width, weights(width, (width - part) / 2, part, side));
  const columns = pass(turned(rows, height, side), side, height, weights(height, (height - part) / 2, part, side));
  return turned(columns, side, side);
}

function hamming(x) {
  if (Math.abs(x) >= 1) return 0;
  const angle = x * Math.PI;
  return x ? (Math.sin(angle) / angle) * (0.54 + 0.46 * Math.cos(angle)) : 1;
}

// For each pixel of the result the first that counts, and the shares of that and of those that follow.
function weights(size, begin, part, side) {
  const scale = part / side;
  const reach = Math.max(scale, 1);
  return Array.from({ length: side }, (_, i) => {
    const centre = begin + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(size, Math.trunc(centre + reach + 0.5));
    const shares = Float64Array.from({ length: last - first }, (__, k) => hamming((first + k - centre + 0.5) / reach));
    const sum = shares.reduce((all, share) => all + share, 0);
    return [first, shares.map((share) => share / sum)];
  });
}

// Each row resized.
function pass(data, height, width, wanted) {
  const result = new Uint8ClampedArray(height * wanted.length * 3);
  let to = 0;
  for (let row = 0; row < height; row += 1) {
    for (const [first, shares] of wanted) {
      let [red, green, blue] = [0, 0, 0];
      let from = (row * width + first) * 3;
      for (let k = 0; k < shares.length; k += 1, from += 3) {
        red += shares[k] * data[from];
        green += shares[k] * data[from + 1];
        blue += shares[k] * data[from + 2];
      }
      result[to] = Math.floor(red + 0.5);
      result[to + 1] = Math.floor(green + 0.5);
      result[to + 2] = Math.floor(blue + 0.5);
      to += 3;
    }
  }
  return result;
}

// Rows become columns.
function turned(data, height, width) {
  const result = new Uint8Array(data.length);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const [from, to] = [(row * width + column) * 3, (column * height + row) * 3];
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return result;
}
