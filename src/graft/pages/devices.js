// Camera and microphone: asked for by a tap, and each reason why there is none in its own words.

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

export const words = (device, reason) => WORDS[device][reason];

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
