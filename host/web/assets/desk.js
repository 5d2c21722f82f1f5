// The pages work without this; it makes them quicker: keys, and a transcript that runs along with the sound.
'use strict';
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const one = (what, within = document) => within.querySelector(what);
  const typing = (event) => event.target.closest('input, textarea, select, [contenteditable]');

  // The place one is at, in sight on a phone.
  one('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  // Help.
  const help = one('#help');
  all('[data-help]').forEach((button) => { button.hidden = false; button.onclick = () => help.showModal(); });

  // Paper.
  all('[data-print]').forEach((button) => { button.hidden = false; button.onclick = () => window.print(); });

  // Something is being worked on: look again.
  const again = one('[data-again]');
  if (again) setTimeout(() => location.reload(), again.dataset.again * 1000);

  // What goes on right now.
  const stream = one('[data-stream]');
  if (stream) {
    // The server's clock counts, not the one of this machine.
    const ahead = Number(stream.dataset.now) - Date.now();
    const tick = () => all('[data-since]').forEach((span) => {
      const s = Math.max(0, Math.floor((Date.now() + ahead - span.dataset.since) / 1000));
      if (s < 36000) span.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
    });
    const source = new EventSource(stream.dataset.stream);
    // Listening in to a call: samples of 16 bits at 8 kHz, as they come.
    let heard = null;
    const show = () => all('[data-listen]').forEach((button) => {
      button.hidden = false;
      button.setAttribute('aria-pressed', String(heard?.path === button.dataset.listen));
    });
    const hush = () => { heard?.socket.close(); heard?.sound.close(); heard = null; show(); };
    document.addEventListener('click', (event) => {
      const button = event.target.closest('[data-listen]');
      if (!button) return;
      const path = button.dataset.listen;
      const again = heard?.path === path;
      hush();
      button.blur();
      if (again) return;
      const sound = new AudioContext();
      const socket = new WebSocket(new URL(path, location.href.replace(/^http/, 'ws')));
      socket.binaryType = 'arraybuffer';
      heard = { path, socket, sound };
      let at = 0;
      socket.onmessage = ({ data }) => {
        if (heard?.socket !== socket) return;
        const samples = Float32Array.from(new Int16Array(data), (sample) => sample / 32768);
        const piece = sound.createBuffer(1, samples.length, 8000);
        piece.copyToChannel(samples, 0);
        const player = Object.assign(sound.createBufferSource(), { buffer: piece });
        player.connect(sound.destination);
        // A little ahead, so that a piece that is late leaves no gap; what was held up is not caught up with.
        if (at < sound.currentTime || at > sound.currentTime + 1) at = sound.currentTime + 0.15;
        player.start(at);
        at += piece.duration;
      };
      socket.onclose = () => { if (heard?.socket === socket) hush(); };
      show();
    });
    all('[data-part]', stream).forEach((part) => source.addEventListener(part.dataset.part, (event) => {
      // Ours, and escaped by the server; whoever is in the middle of it is not interrupted.
      if (part.contains(document.activeElement) && part !== document.activeElement) return;
      const low = part.scrollHeight - part.scrollTop - part.clientHeight < 80;
      part.innerHTML = event.data;
      if (low) end(part);
      tick();
      call();
      show();
    }));
    // The last words of a conversation are in sight.
    const end = (part) => { if (part.hasAttribute('data-follow')) part.scrollTop = part.scrollHeight; };
    all('[data-follow]').forEach(end);
    // Whoever waits is seen from another tab, too.
    const title = document.title;
    const call = () => { const n = all('[data-waits]').length; document.title = n ? `(${n}) ${title}` : title; };
    call();
    setInterval(tick, 1000);
    tick();
    show();
  }

  // An answer is sent without leaving the page; where that fails, or something has to be said of it, by leaving it.
  all('form[data-quick]').forEach((form) => form.addEventListener('submit', async (event) => {
    if (!stream) return;
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form, event.submitter));
    const buttons = all('button', form);
    buttons.forEach((button) => { button.disabled = true; });
    const answer = await fetch(form.action, { method: 'POST', body: data }).catch(() => null);
    buttons.forEach((button) => { button.disabled = false; });
    if (!answer) return;
    if (!answer.ok || answer.url.includes('refused=')) { location.href = answer.ok ? answer.url : location.href; return; }
    const field = one('textarea', form);
    if (field) field.value = '';
    one('[data-enter]')?.focus();
  }));
  all('[data-enter]').forEach((field) => field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (field.value.trim()) field.form.requestSubmit();
  }));

  // A day is shown when it is chosen.
  all('[data-submit]').forEach((field) => { field.onchange = () => field.value && field.form.requestSubmit(); });

  // Visits are moved by dragging; whoever does not drag has a form.
  const schedule = one('[data-schedule]');
  if (schedule) {
    one('[data-drag-hint]')?.removeAttribute('hidden');
    let held = null;
    const cell = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest('td[data-start]');
    const end = () => { held?.visit.classList.remove('held'); one('.over', schedule)?.classList.remove('over'); held = null; };
    schedule.addEventListener('pointerdown', (event) => {
      const visit = event.target.closest('[data-visit]');
      if (visit && event.button === 0 && event.pointerType !== 'touch') held = { visit, x: event.clientX, y: event.clientY, moved: false };
    });
    schedule.addEventListener('dragstart', (event) => event.preventDefault());
    document.addEventListener('pointermove', (event) => {
      if (!held) return;
      if (!held.moved && Math.hypot(event.clientX - held.x, event.clientY - held.y) < 8) return;
      held.moved = true;
      held.visit.classList.add('held');
      getSelection()?.removeAllRanges();
      one('.over', schedule)?.classList.remove('over');
      cell(event)?.classList.add('over');
    });
    document.addEventListener('pointerup', (event) => {
      const there = held?.moved ? cell(event) : null;
      const visit = held?.visit.dataset.visit;
      if (held?.moved) addEventListener('click', (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
      end();
      if (!there) return;
      const form = document.createElement('form');
      form.method = 'post';
      form.action = `${location.pathname}/${encodeURIComponent(visit)}/move`;
      const values = { csrf: schedule.dataset.csrf, doctor: there.dataset.doctor, start: there.dataset.start, back: location.pathname + location.search };
      for (const [name, value] of Object.entries(values)) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
      document.body.append(form);
      form.submit();
    });
    document.addEventListener('pointercancel', end);
  }

  // Lists: j and k.
  const step = (by) => {
    const lines = all('[data-list] a.row, [data-line]');
    if (!lines.length) return;
    const at = lines.indexOf(document.activeElement);
    const next = lines[at < 0 ? (by > 0 ? 0 : lines.length - 1) : Math.min(Math.max(at + by, 0), lines.length - 1)];
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  };

  // Sound and transcript.
  const audio = one('[data-player] audio');
  const turns = all('[data-turns] li');
  if (audio) {
    const wave = one('[data-wave]');
    const played = one('.w-played');
    const whole = () => (Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : wave.dataset.ms / 1000);
    let now = null;
    const follow = () => {
      const ms = audio.currentTime * 1000;
      played.setAttribute('width', String(wave.viewBox.baseVal.width * Math.min(1, audio.currentTime / whole())));
      let found = null;
      for (const turn of turns) if (turn.dataset.from <= ms) found = turn;
      if (found === now || (audio.paused && ms === 0)) return;
      now?.classList.remove('now');
      now?.removeAttribute('aria-current');
      now = found;
      if (!now) return;
      now.classList.add('now');
      now.setAttribute('aria-current', 'true');
      if (!audio.paused) now.scrollIntoView({ block: 'nearest' });
    };
    const run = () => { follow(); if (!audio.paused) requestAnimationFrame(run); };
    audio.addEventListener('play', run);
    ['timeupdate', 'seeked', 'loadedmetadata'].forEach((name) => audio.addEventListener(name, follow));
    const seek = (ms) => { audio.currentTime = ms / 1000; audio.play().catch(() => {}); };
    all('[data-seek]').forEach((button) => { button.onclick = () => seek(Number(button.dataset.seek)); });
    wave.addEventListener('click', (event) => {
      const box = wave.getBoundingClientRect();
      seek(((event.clientX - box.left) / box.width) * whole() * 1000);
    });
  }

  // Keys.
  let went = 0;
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
    if (typing(event)) { if (event.key === 'Escape') event.target.blur(); return; }
    const key = event.key;
    if (Date.now() - went < 1200) {
      went = 0;
      const link = one(`nav a[data-go="${CSS.escape(key)}"]`);
      if (link) { link.click(); event.preventDefault(); }
      return;
    }
    const press = (what) => { const found = one(what); if (found) { found.click(); event.preventDefault(); } };
    if (key === 'g') went = Date.now();
    else if (key === '?') { help.showModal(); event.preventDefault(); }
    else if (key === '/') { const field = one('[data-search]'); if (field) { field.focus(); field.select(); event.preventDefault(); } }
    else if (key === 'j') step(1);
    else if (key === 'k') step(-1);
    else if (key === 'n') press('[data-next]');
    else if (key === 'c') press('[data-call]');
    else if (/^[tbx]$/.test(key) && one(`[data-press="${key}"]`)) press(`[data-press="${key}"]`);
    else if (key === 'Enter' && event.target.matches('[data-line]:not(a)')) one('a', event.target)?.click();
    else if (/^[0-9]$/.test(key)) press(`[data-key="${key}"]`);
    else if (audio && key === ' ' && !event.target.closest('button, a, audio, summary')) { audio.paused ? audio.play() : audio.pause(); event.preventDefault(); }
    else if (audio && (key === 'ArrowLeft' || key === 'ArrowRight') && !event.target.closest('audio')) { audio.currentTime += key === 'ArrowLeft' ? -5 : 5; event.preventDefault(); }
  });
})();
