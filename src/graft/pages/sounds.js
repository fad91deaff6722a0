// One recording: its waveform, what can be heard, and when the answer was decided.

import { isNumber } from "./answers.js";
import { drawn, from, icon, make, name, near, per100, put } from "./dom.js";
import { address } from "./pictures.js";

const MATTERS = 0.02; // an effect below it is none, as for `graft predict --why`
const PULSES = 140;
const WIDE = 4 * PULSES;
let listening = null;

export function silence() {
  listening?.pause();
  listening = null;
}

// Loudness of the pieces of a recording and its length, for the eye only.
async function heard(one) {
  if (one.kind === "samples") return { channel: one.content.samples, rate: one.content.rate, channels: 1 };
  const context = new OfflineAudioContext(1, 1, 44100);
  const found = await context.decodeAudioData(await one.content.arrayBuffer());
  const channel = new Float32Array(found.length);
  for (let c = 0; c < found.numberOfChannels; c += 1) {
    const given = found.getChannelData(c);
    for (let i = 0; i < given.length; i += 1) channel[i] += given[i] / found.numberOfChannels;
  }
  return { channel, rate: found.sampleRate, channels: found.numberOfChannels };
}

export function shape(one) {
  one.shape ??= heard(one)
    .then(({ channel, rate, channels }) => {
      const peaks = Array.from({ length: PULSES }, (_, k) => {
        let peak = 0;
        for (
          let i = Math.floor((k * channel.length) / PULSES);
          i < Math.floor(((k + 1) * channel.length) / PULSES);
          i += 1
        )
          peak = Math.max(peak, Math.abs(channel[i]));
        return peak;
      });
      return { peaks, seconds: channel.length / rate, channels };
    })
    .catch(() => null);
  return one.shape;
}

const seconds = (t) => t.toFixed(1);

// What decided: the spans whose silence lowers the answer by at least half as much as the strongest one.
function decisive({ spans }) {
  const most = Math.max(...spans.map(({ effect }) => effect), 0);
  const strong = spans.filter(({ effect }) => effect >= Math.max(most / 2, 1e-9)).sort((a, b) => a.start - b.start);
  return { most, strong, best: spans.find(({ effect }) => effect === most) };
}

export function exhibit(one) {
  const part = make("div", {}, from("t-sound"));
  const figure = part.firstElementChild;
  const inside = (id) => figure.querySelector(`#${id}`);
  const player = new Audio();
  player.src = address(one);
  let until = Infinity;
  let length = 0;
  const head = drawn("line", { class: "head-at", x1: 0, x2: 0, y1: -4, y2: 104 });
  const clock = () => {
    const t = Math.min(player.currentTime, until, length || Infinity);
    inside("clock").textContent = length ? `${seconds(t)} of ${seconds(length)} s` : `${seconds(t)} s`;
    const x = length ? (t / length) * WIDE : 0;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
  };
  const shown = () => {
    put(inside("play"), icon(player.paused ? "play" : "pause"));
    inside("play").setAttribute("aria-label", player.paused ? "Play" : "Pause");
  };
  const follow = () => {
    if (!figure.isConnected) return player.pause();
    if (player.currentTime >= until) player.pause();
    clock();
    if (!player.paused) requestAnimationFrame(follow);
  };
  const play = (start, end) => {
    silence();
    listening = player;
    until = end;
    player.currentTime = start;
    player
      .play()
      .then(follow)
      .catch(() => {
        inside("clock").textContent = "This browser cannot play it.";
      });
  };
  for (const kind of ["play", "pause", "ended"]) player.addEventListener(kind, shown);
  inside("play").addEventListener("click", () =>
    player.paused
      ? play(player.ended || player.currentTime >= until ? 0 : player.currentTime, Infinity)
      : player.pause(),
  );
  const fill = (explaining) => {
    const why = one.answer?.why;
    inside("only").hidden = true;
    const said = inside("decided");
    if (!why) {
      said.textContent = explaining;
      return;
    }
    const { most, strong, best } = decisive(why);
    const numbers = isNumber(one.answer);
    const now = why.confidence ?? one.answer.confidence;
    if (!best || (!numbers && most < MATTERS))
      put(said, "No moment decides alone: whichever is silenced, the answer hardly changes.");
    else if (numbers)
      put(
        said,
        `From ${seconds(best.start)} to ${seconds(best.end)} s it decided most: silenced, ${near(one.answer.value, one.answer.high - one.answer.value)} becomes ${near(one.answer.value - most, one.answer.high - one.answer.value)}.`,
      );
    else
      put(
        said,
        `From ${seconds(best.start)} to ${seconds(best.end)} s it decided most: silenced, `,
        name(why.label),
        ` goes from ${per100(now)} to ${per100(Math.max(0, now - most))} in 100.`,
      );
    const marked = best && (numbers || most >= MATTERS) ? strong : [];
    if (marked.length) {
      inside("only").hidden = false;
      inside("only").onclick = () => play(best.start, best.end);
    }
    curve(marked);
  };
  let known = null;
  const curve = (marked = []) => {
    const svg = inside("curve");
    if (!known) return;
    const x = (t) => (t / length) * WIDE;
    const within = (t) => marked.some(({ start, end }) => t >= start && t <= end);
    put(
      svg,
      marked.map(({ start, end }) =>
        drawn("rect", {
          class: "beam",
          x: x(start),
          y: -2,
          width: Math.max(1, x(Math.min(end, length)) - x(start)),
          height: 104,
        }),
      ),
      known.peaks.map((peak, i) =>
        drawn("line", {
          class: `pulse ${within(((i + 0.5) / PULSES) * length) ? "in" : ""}`,
          x1: i * 4 + 2,
          x2: i * 4 + 2,
          y1: 50 - Math.max(1, 49 * peak),
          y2: 50 + Math.max(1, 49 * peak),
        }),
      ),
      head,
    );
    svg.setAttribute("viewBox", `0 0 ${WIDE} 100`);
    svg.setAttribute(
      "aria-label",
      marked.length
        ? `Waveform; what decided: ${marked.map(({ start, end }) => `${seconds(start)} to ${seconds(end)} s`).join(", ")}`
        : "Waveform",
    );
    const step = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300].find((s) => length / s <= 8) ?? 600;
    const ticks = [];
    for (let t = 0; t <= length + 1e-6; t += step)
      ticks.push(
        drawn(
          "text",
          {
            x: `${(t / length) * 100}%`,
            y: 14,
            "text-anchor": t === 0 ? "start" : t / length > 0.96 ? "end" : "middle",
          },
          `${seconds(t)} s`,
        ),
      );
    put(inside("axis"), ticks);
  };
  shape(one).then((found) => {
    if (!found) {
      inside("curve").replaceWith(make("p", { class: "quiet" }, "This browser cannot draw it."));
      return;
    }
    [known, length] = [found, found.seconds];
    fill("");
    if (!one.answer?.why) curve();
    clock();
    figure.dispatchEvent(new Event("shaped", { bubbles: true }));
  });
  clock();
  return { figure, fill };
}

// A button that plays a training recording.
export function playButton(src, called) {
  const player = new Audio();
  player.preload = "none";
  player.src = src;
  const press = make(
    "button",
    {
      type: "button",
      class: "button square",
      "aria-label": `Play ${called}`,
      onclick: () => {
        if (!player.paused) return player.pause();
        silence();
        listening = player;
        player.play().catch(() => {});
      },
    },
    icon("play"),
  );
  for (const kind of ["play", "pause", "ended"])
    player.addEventListener(kind, () => put(press, icon(player.paused ? "play" : "pause")));
  return press;
}
