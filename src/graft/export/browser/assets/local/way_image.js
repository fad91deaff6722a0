// Pictures: what the graph takes of one, and the same with one of its squares covered.

import { decodePicture, readsTruly } from "./pictures.js";
import { middle } from "./resize.js";
import { Trouble } from "./trouble.js";

const SIDE = 7; // squares along each side
const TOGETHER = 1.5e6; // pixels of the copies that are in memory at once

export function load() {
  if (typeof OffscreenCanvas === "undefined") throw new Trouble("too_old", "This browser cannot read pictures in the background.", "Take a browser of 2023 or later.");
  if (!readsTruly())
    throw new Trouble("altered", "This browser changes what pages read of a picture, against being recognised; the answers would be of another picture.", "Switch that protection off for this page, or take another browser.");
}

export async function prepare(item, about) {
  if (!(item instanceof Blob)) throw new Trouble("not_a_picture", "What was given is no picture.", "Give a photo as a file.");
  return decodePicture(item, about.input);
}

export function feeds(batch) {
  const [{ height, width }] = batch;
  if (batch.length === 1) return { pixels: { type: "uint8", data: batch[0].data, dims: [1, height, width, 3] } };
  const data = new Uint8Array(batch.length * height * width * 3);
  batch.forEach((one, i) => data.set(one.data, i * one.data.length));
  return { pixels: { type: "uint8", data, dims: [batch.length, height, width, 3] } };
}

// Each square is filled with the mean colour of what the network sees.
export function variants(picture, about) {
  const { view = {} } = about.input;
  const [x, y] = seen(view, picture.width, picture.height);
  const box = [(1 - x) / 2, (1 - y) / 2, (1 + x) / 2, (1 + y) / 2];
  const shown = view.side ? framed(picture, view) : { ...picture, box };
  const { data, height, width } = shown;
  const edges = (begin, end, size) => Array.from({ length: SIDE + 1 }, (_, i) => Math.round((begin + ((end - begin) * i) / SIDE) * size));
  const [columns, rows] = [edges(shown.box[0], shown.box[2], width), edges(shown.box[1], shown.box[3], height)];
  const colour = mean(data, width, columns, rows);
  const at = (place) => {
    const [row, column] = [Math.floor(place / SIDE), place % SIDE];
    const covered = data.slice();
    for (let j = rows[row]; j < rows[row + 1]; j += 1) {
      for (let i = columns[column]; i < columns[column + 1]; i += 1) covered.set(colour, (j * width + i) * 3);
    }
    return { data: covered, height, width };
  };
  const together = Math.max(1, Math.min(SIDE, Math.floor(TOGETHER / (height * width))));
  const laidOut = (effects) => ({
    rows: SIDE,
    columns: SIDE,
    effects: Array.from({ length: SIDE }, (_, row) => effects.slice(row * SIDE, (row + 1) * SIDE)),
    box: box.map((edge) => Number(edge.toPrecision(4))),
  });
  return { kind: "squares", count: SIDE * SIDE, together, at, laidOut };
}

// A small picture of which the network sees the very pixels that it sees of this one: they fill its middle.
function framed(picture, view) {
  const size = Math.round(view.side / view.zoom);
  const margin = (size - view.side) / 2;
  const data = new Uint8Array(size * size * 3);
  const pixels = middle(picture, view);
  for (let row = 0; row < view.side; row += 1) {
    data.set(pixels.subarray(row * view.side * 3, (row + 1) * view.side * 3), ((row + margin) * size + margin) * 3);
  }
  return { data, height: size, width: size, box: [margin / size, margin / size, 1 - margin / size, 1 - margin / size] };
}

// Shares of width and height of the centred part that the network sees.
function seen({ width = 1, height = 1, crop = 1, zoom = 1 }, wholeWidth, wholeHeight) {
  const scale = Math.min(wholeWidth / width, wholeHeight / height);
  const part = (whole, side) => (whole ** (1 - crop) * (side * scale) ** crop * zoom) / whole;
  return [part(wholeWidth, width), part(wholeHeight, height)];
}

function mean(data, width, columns, rows) {
  const sums = [0, 0, 0];
  for (let j = rows[0]; j < rows[SIDE]; j += 1) {
    for (let i = columns[0]; i < columns[SIDE]; i += 1) for (let c = 0; c < 3; c += 1) sums[c] += data[(j * width + i) * 3 + c];
  }
  const area = (columns[SIDE] - columns[0]) * (rows[SIDE] - rows[0]);
  return sums.map((sum) => Math.round(sum / area));
}
