// Runs beside the sound: hands on the samples as they come, all channels read as one.

class Recorder extends AudioWorkletProcessor {
  process([input]) {
    if (!input.length) return true;
    const samples = new Float32Array(input[0].length);
    for (const channel of input) for (let i = 0; i < samples.length; i += 1) samples[i] += channel[i] / input.length;
    this.port.postMessage(samples, [samples.buffer]);
    return true;
  }
}

registerProcessor("recorder", Recorder);
