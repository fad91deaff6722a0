// Camera and microphone: asked for by a tap, and each reason why there is none in its own words.

import { $, button, icon, make, note, put, say } from "./dom.js";

const WORDS = {
  camera: {
    denied: [
      "The camera may not be used here.",
      "This browser was told to refuse it for this page.",
      "Allow it in the page's settings, beside the address, and try again.",
    ],
    none: ["No camera was found.", "This device reports none.", "Connect one and try again, or choose a photo."],
    "in-use": [
      "The camera does not start.",
      "Another program is using it.",
      "Close that program, often a video call, and try again.",
    ],
    "no-https": [
      "The camera cannot be used at this address.",
      `Browsers allow it on https and on localhost only; this page came over ${location.protocol.slice(0, -1)} from ${location.hostname}.`,
      "Open it with https or on the same computer. Taking a single photo works here too.",
    ],
    frame: [
      "The camera cannot be used inside this frame.",
      "The page that shows it has not passed the permission on.",
      "Open it in a tab of its own.",
    ],
    ended: ["The camera has stopped.", "It was unplugged, or the browser took it away.", "Try again."],
    black: [
      "The camera gives a black picture.",
      "Nothing but black has come for ten seconds.",
      "Is its cover closed, or is it switched off? Try again, or choose a photo.",
    ],
  },
  microphone: {
    denied: [
      "The microphone may not be used here.",
      "This browser was told to refuse it for this page.",
      "Allow it in the page's settings, beside the address, and try again.",
    ],
    none: [
      "No microphone was found.",
      "This device reports none.",
      "Connect one and try again, or choose a recording.",
    ],
    "in-use": [
      "The microphone does not start.",
      "Another program is using it.",
      "Close that program, often a video call, and try again.",
    ],
    "no-https": [
      "The microphone cannot be used at this address.",
      `Browsers allow it on https and on localhost only; this page came over ${location.protocol.slice(0, -1)} from ${location.hostname}.`,
      "Open it with https or on the same computer. A recording made elsewhere can be chosen here too.",
    ],
    frame: [
      "The microphone cannot be used inside this frame.",
      "The page that shows it has not passed the permission on.",
      "Open it in a tab of its own.",
    ],
    ended: ["The microphone has stopped.", "It was unplugged, or the browser took it away.", "Try again."],
  },
};


const framed = () => {
  try {
    return window.top !== window;
  } catch {
    return true;
  }
};

// Why asking would be in vain; null: it can be asked.
export const obstacle = () => (window.isSecureContext && navigator.mediaDevices?.getUserMedia ? null : "no-https");

export function reason(device, error) {
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "none";
  if (error.name === "NotReadableError" || error.name === "AbortError") return "in-use";
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  if (framed() && policy?.allowsFeature?.(device) !== true) return "frame";
  return "denied";
}

export function end(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

// In the place of a device that cannot be used: why, and the ways round it. `recorder` says how the system's own camera
// or recorder is offered: {accept, capture, sign, label}, and whether it is where asking again may help (`always`).
export function showRefusal(device, why, page, start, choose, recorder) {
  const again =
    why === "frame"
      ? button("Open in a tab", () => window.open(location.href, "_blank", "noopener"), "primary")
      : why === "no-https"
        ? null
        : button("Try again", start, "primary");
  const { accept, capture, sign, label, always } = recorder;
  const own = always || !again;
  const taken = make("input", {
    class: "hidden",
    type: "file",
    accept,
    capture,
    id: "capture",
    onchange: (event) => page.give([...event.target.files]),
  });
  const take = make("label", { class: again ? "button" : "button primary", for: "capture" }, icon(sign), label);
  const ways = [again, own && taken, own && take, button(choose, page.choose)];
  put($("main"), make("div", { class: "refused" }, note("error", WORDS[device][why], ...ways)));
  page.state(`${device}-${why}`);
  say(WORDS[device][why].join(" "));
}
