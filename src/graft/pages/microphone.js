// The microphone: raw samples at its own rate, without what browsers add for calls. Resampling is the answerer's.

import { $, button, buttons, from, icon, make, note, put, say } from "./dom.js";
import { end, obstacle, reason, showRefusal } from "./devices.js";

const CALLS = {
  echoCancellation: "echo cancelling",
  noiseSuppression: "noise suppression",
  autoGainControl: "gain control",
};
const LONGEST = 30; // s; less where the model hears less
let run = null;

export const isOn = () => Boolean(run);
export function close() {
  if (!run) return;
  run.over = true;
  end(run.stream);
  run.context?.close();
  run = null;
}

export function refused(why, page) {
  close();
  showRefusal("microphone", why, page, () => start(page), "Choose recordings", {
    accept: "audio/*",
    capture: true,
    sign: "mic",
    label: "Record one",
  });
}

export function offer(page) {
  if (obstacle()) return refused(obstacle(), page);
  put(
    $("main"),
    make(
      "div",
      { class: "empty" },
      make("p", { class: "lead" }, "Record a sound, and it is answered."),
      make("p", { class: "quiet" }, page.stays),
      button([icon("mic"), "Start recording"], () => start(page), "primary"),
    ),
  );
  page.state("microphone-off");
}

export async function start(page) {
  close();
  if (obstacle()) return refused(obstacle(), page);
  const mine = { over: false, stream: null, context: null };
  run = mine;
  put(
    $("main"),
    make(
      "div",
      { class: "empty" },
      make("p", { class: "lead" }, "The browser asks whether this page may use the microphone."),
      buttons(button("Cancel", page.leave, "plain")),
    ),
  );
  page.state("microphone-asking");
  try {
    mine.stream = await navigator.mediaDevices.getUserMedia({
      video: false,
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    if (mine.over) return;
    return refused(reason("microphone", error), page);
  }
  if (mine.over) return end(mine.stream);
  const [track] = mine.stream.getAudioTracks();
  track.addEventListener("ended", () => {
    if (!mine.over) refused("ended", page);
  });
  const settings = track.getSettings();
  const stayed = Object.keys(CALLS)
    .filter((key) => settings[key])
    .map((key) => CALLS[key]);
  mine.context = new AudioContext(); // at the rate of the device: one browser refuses any other
  try {
    await mine.context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
    await mine.context.resume();
  } catch {
    return refused("in-use", page);
  }
  if (mine.over) return;
  record(mine, page, stayed);
}

function record(mine, page, stayed) {
  const longest = Math.min(page.about.input?.seconds ?? LONGEST, LONGEST);
  const rate = mine.context.sampleRate;
  put($("main"), from("t-record"));
  page.state("record");
  if (stayed.length)
    $("main").firstElementChild.prepend(
      note("warning", [
        `This browser kept ${stayed.join(" and ")} on.`,
        "That is made for speech; other sounds may be answered less well than the same sound as a file.",
        "Where it matters, record with another program and choose the file.",
      ]),
    );
  const pieces = [];
  let n = 0;
  let loudest = 0;
  const [level, long, loud] = ["level", "long", "loud"].map($);
  const finish = (answer) => {
    if (mine.over) return;
    close();
    if (!answer || !n) return page.leave();
    const samples = new Float32Array(n);
    let at = 0;
    for (const piece of pieces) {
      samples.set(piece, at);
      at += piece.length;
    }
    page.recorded({ samples, rate });
  };
  const node = new AudioWorkletNode(mine.context, "recorder", { numberOfOutputs: 0 });
  mine.context.createMediaStreamSource(mine.stream).connect(node);
  let told = 0;
  node.port.onmessage = ({ data }) => {
    if (mine.over) return;
    pieces.push(data);
    n += data.length;
    for (const value of data) loudest = Math.max(loudest, Math.abs(value));
    if (n >= longest * rate) return finish(true);
    if (n - told < rate / 12) return;
    told = n;
    const db = 20 * Math.log10(Math.max(loudest, 0.001));
    level.style.setProperty("--p", Math.min(1, Math.max(0, (db + 60) / 60)));
    level.setAttribute("aria-valuenow", String(Math.round(db)));
    const state = loudest >= 0.99 ? "too loud" : db < -45 ? "quiet" : "good";
    level.setAttribute("aria-valuetext", state);
    const text = {
      "too loud": "It is too loud: move away, or speak more softly.",
      quiet: "It is very quiet so far.",
      good: "The level is good.",
    }[state];
    loud.textContent = `${text} It stops by itself after ${longest} s.`;
    long.textContent = `${(n / rate).toFixed(1)} s`;
    loudest *= 0.6;
  };
  $("stop").addEventListener("click", () => finish(true));
  $("discard").addEventListener("click", () => finish(false));
  $("stop").focus({ preventScroll: true });
  say("Recording.");
}
