// The sound of a call: microphone to 8 kHz frames of 20 ms, and back to the loudspeaker.
//
// Frames are Int16Array of 160 samples. From the page: an ArrayBuffer is what the other side says; "flush" drops what
// waits to be heard; "mute" and "unmute". To the page: an ArrayBuffer is what the microphone heard.
"use strict";

const LINE_RATE = 8000;
const FRAME = 160;
// Frames that must wait before sound begins, and more than which is delay: quiet ones are left out then.
const CUSHION = 3, LATE = 7, HOPELESS = 50;
const QUIET = 256;
// The sinc kernel: zero crossings on each side, and table entries per input sample.
const ZEROS = 10, FINE = 64;

// Converts a stream between rates with a windowed sinc, so that neither hiss nor whistles are added to a voice.
class Resampler {
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from) * 0.94;
    this.half = Math.ceil(ZEROS / cutoff);
    this.table = new Float32Array(this.half * FINE + 2);
    for (let i = 0; i < this.table.length; i++) {
      const x = i / FINE, angle = Math.PI * x * cutoff;
      const sinc = i === 0 ? 1 : Math.sin(angle) / angle;
      const window = x >= this.half ? 0 : 0.5 + 0.5 * Math.cos(Math.PI * x / this.half);
      this.table[i] = cutoff * sinc * window;
    }
    this.buffer = new Float32Array(8192);
    this.length = this.half;
    this.position = this.half;
  }

  push(samples, emit) {
    if (this.length + samples.length > this.buffer.length) {
      const grown = new Float32Array(2 * (this.length + samples.length));
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
    }
    this.buffer.set(samples, this.length);
    this.length += samples.length;
    while (this.position + this.half < this.length) {
      const first = Math.ceil(this.position - this.half), last = Math.floor(this.position + this.half);
      let sum = 0;
      for (let i = first; i <= last; i++) {
        sum += this.buffer[i] * this.table[Math.round(Math.abs(i - this.position) * FINE)];
      }
      emit(sum);
      this.position += this.step;
    }
    const done = Math.floor(this.position) - this.half;
    if (done > 0) {
      this.buffer.copyWithin(0, done, this.length);
      this.length -= done;
      this.position -= done;
    }
  }
}

class Line extends AudioWorkletProcessor {
  constructor() {
    super();
    this.down = new Resampler(sampleRate, LINE_RATE);
    this.up = new Resampler(LINE_RATE, sampleRate);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.muted = false;
    this.waiting = [];
    this.ready = [];
    this.flowing = false;
    this.port.onmessage = ({ data }) => {
      if (data === "flush") {
        this.waiting.length = 0;
        this.ready.length = 0;
        this.flowing = false;
      } else if (data === "mute" || data === "unmute") {
        this.muted = data === "mute";
      } else if (data instanceof ArrayBuffer) {
        this.waiting.push(new Int16Array(data));
        while (this.waiting.length > HOPELESS) this.waiting.shift();
      }
    };
  }

  process([input], [output]) {
    this.listen(input[0]);
    this.speak(output[0]);
    for (let channel = 1; channel < output.length; channel++) output[channel].set(output[0]);
    return true;
  }

  // A microphone that gives nothing is silent, and silence is sent, too.
  listen(samples) {
    this.down.push(samples ?? new Float32Array(128), (sample) => {
      const whole = this.muted ? 0 : Math.round(sample * 32767);
      this.frame[this.filled++] = Math.max(-32768, Math.min(32767, whole));
      if (this.filled === FRAME) {
        const frame = this.frame;
        this.port.postMessage(frame.buffer, [frame.buffer]);
        this.frame = new Int16Array(FRAME);
        this.filled = 0;
      }
    });
  }

  speak(output) {
    if (!output) return;
    if (!this.flowing && this.waiting.length >= CUSHION) this.flowing = true;
    while (this.flowing && this.ready.length < output.length) {
      while (this.waiting.length > LATE && this.waiting[0].every((sample) => Math.abs(sample) < QUIET)) {
        this.waiting.shift();
      }
      const frame = this.waiting.shift();
      if (!frame) {
        this.flowing = false;
        break;
      }
      this.up.push(Float32Array.from(frame, (sample) => sample / 32768), (sample) => this.ready.push(sample));
    }
    const taken = this.ready.splice(0, output.length);
    for (let i = 0; i < taken.length; i++) output[i] = taken[i];
  }
}

registerProcessor("line", Line);
