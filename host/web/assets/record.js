// Records a prompt: the browser's microphone, made a WAV of 16 bits and 16 kHz here, sent as it is.
'use strict';
(() => {
  const room = document.querySelector('[data-record]');
  if (!room) return;
  const problem = room.querySelector('[data-problem]');
  const csrf = document.querySelector('meta[name=csrf]').content;
  const RATE = 16000;
  let running = null;

  const complain = (text) => { problem.textContent = text; problem.hidden = false; };

  // What was recorded, as samples of one channel at our rate.
  const samples = async (blob) => {
    const context = new AudioContext();
    const heard = await context.decodeAudioData(await blob.arrayBuffer());
    context.close();
    const offline = new OfflineAudioContext(1, Math.ceil(heard.duration * RATE), RATE);
    const source = offline.createBufferSource();
    source.buffer = heard;
    source.connect(offline.destination);
    source.start();
    return (await offline.startRendering()).getChannelData(0);
  };

  const wav = (sound) => {
    const view = new DataView(new ArrayBuffer(44 + sound.length * 2));
    const text = (at, word) => [...word].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
    text(0, 'RIFF'); view.setUint32(4, 36 + sound.length * 2, true); text(8, 'WAVEfmt ');
    view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, RATE, true); view.setUint32(28, RATE * 2, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
    text(36, 'data'); view.setUint32(40, sound.length * 2, true);
    sound.forEach((one, n) => view.setInt16(44 + n * 2, Math.max(-1, Math.min(1, one)) * 32767, true));
    return view.buffer;
  };

  const send = async (button, blob) => {
    try {
      const answer = await fetch(button.dataset.url, {
        method: 'POST', headers: { 'Content-Type': 'audio/wav', 'X-CSRF-Token': csrf }, body: wav(await samples(blob)),
      });
      if (answer.ok) return location.reload();
      const why = await answer.json().catch(() => ({}));
      complain(`${room.dataset.failed} ${why.detail ?? answer.status}`);
    } catch (error) {
      complain(`${room.dataset.failed} ${error.message}`);
    }
    button.textContent = button.dataset.label;
  };

  const start = async (button) => {
    problem.hidden = true;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: true } });
    } catch {
      return complain(room.dataset.denied);
    }
    const recorder = new MediaRecorder(stream);
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      running = null;
      button.removeAttribute('aria-pressed');
      send(button, new Blob(pieces, { type: recorder.mimeType }));
    };
    recorder.start();
    running = { button, recorder };
    button.dataset.label = button.textContent;
    button.textContent = `${room.dataset.say} ${room.dataset.stop}`;
    button.setAttribute('aria-pressed', 'true');
  };

  room.querySelectorAll('[data-prompt]').forEach((button) => {
    button.hidden = false;
    button.addEventListener('click', () => {
      if (running?.button === button) return running.recorder.stop();
      if (!running) start(button);
    });
  });
})();
