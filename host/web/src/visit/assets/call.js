// The call page: asks for the microphone, opens the socket, carries sound, keys and captions, and says what went wrong.
"use strict";

(() => {
  const words = {
    ru: {
      asking: "Разрешите доступ к микрофону…",
      calling: "Соединяем…",
      talking: "Идёт разговор",
      muted: "Микрофон выключен",
      person: "Соединяем с сотрудником…",
      over: "Разговор окончен",
      again: "Позвонить ещё раз",
      robot: "Клиника",
      caller: "Вы",
      keys: "Вы нажали",
      denied: "Доступ к микрофону запрещён. Разрешите его: значок слева от адреса страницы, «Микрофон», «Разрешить», и позвоните снова.",
      missing: "Микрофон не найден. Подключите его или наушники с микрофоном и позвоните снова.",
      taken: "Микрофон занят другой программой. Закройте её и позвоните снова.",
      insecure: "Браузер даёт микрофон только защищённым страницам. Откройте эту страницу по адресу, который начинается с https://.",
      old: "Этот браузер не умеет звонить. Обновите его или откройте страницу в другом.",
      unreachable: "Не получилось соединиться: все линии заняты или нет связи. Попробуйте через минуту.",
      lost: "Связь прервалась. Позвоните снова.",
      unplugged: "Микрофон отключился, вас не слышно.",
    },
    en: {
      asking: "Please allow the microphone…",
      calling: "Connecting…",
      talking: "You are talking",
      muted: "The microphone is off",
      person: "Putting you through to a person…",
      over: "The call is over",
      again: "Call again",
      robot: "Clinic",
      caller: "You",
      keys: "You pressed",
      denied: "The microphone is not allowed. Allow it with the icon beside the address, then call again.",
      missing: "There is no microphone. Plug one in, then call again.",
      taken: "Another program uses the microphone. Close it, then call again.",
      insecure: "Browsers give the microphone to secure pages only. Open this page by an address that begins with https://.",
      old: "This browser cannot call. Update it, or use another one.",
      unreachable: "No connection: all lines are busy, or the network is down. Try again in a minute.",
      lost: "The connection was lost. Please call again.",
      unplugged: "The microphone was unplugged; nobody hears you.",
    },
  };
  const say = words[document.documentElement.lang] ?? words.ru;
  const element = (id) => document.getElementById(id);
  const [button, hangup, mute, status, problem, talk, captions] =
    ["call", "hangup", "mute", "status", "problem", "talk", "captions"].map(element);
  let call = null;

  // One call, from the click to the end of everything it opened.
  class Call {
    constructor() {
      this.ended = false;
      this.opened = false;
      // Made within the click: some browsers keep one that is made later silent.
      this.context = new AudioContext({ latencyHint: "interactive" });
    }

    async start() {
      show("asking");
      this.microphone = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      if (this.ended) return this.close();
      this.microphone.getTracks().forEach((track) => { track.onended = () => complain("unplugged"); });
      await this.context.audioWorklet.addModule("/assets/sound.js");
      await this.context.resume();
      if (this.ended) return this.close();
      this.line = new AudioWorkletNode(this.context, "line", { outputChannelCount: [1] });
      this.context.createMediaStreamSource(this.microphone).connect(this.line).connect(this.context.destination);
      show("calling");
      this.socket = new WebSocket(location.origin.replace(/^http/, "ws") + (button.dataset.socket ?? location.pathname.replace(/\/$/, "") + "/socket"));
      this.socket.binaryType = "arraybuffer";
      this.socket.onopen = () => { this.opened = true; show("talking"); this.stayAwake(); };
      this.socket.onmessage = ({ data }) => this.take(data);
      this.socket.onclose = () => this.end(this.opened ? (this.over ? null : "lost") : "unreachable");
      this.line.port.onmessage = ({ data }) => {
        // A network that cannot keep up loses sound rather than gathering delay.
        if (this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount < 32000) this.socket.send(data);
      };
    }

    take(data) {
      if (data instanceof ArrayBuffer) return this.line.port.postMessage(data, [data]);
      const event = JSON.parse(data);
      switch (event.kind) {
        case "robot": return caption("robot", event.text);
        case "caller": return caption("caller", event.text);
        case "keys": return caption("keys", event.keys);
        case "person": return show("person");
        case "flush": return this.line.port.postMessage("flush");
        case "ended": case "over": this.over = true;
      }
    }

    key(key) {
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ kind: "key", key }));
    }

    hangUp() {
      this.over = true;
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ kind: "hang-up" }));
      this.end(null);
    }

    // A telephone's screen that goes dark would stop the microphone.
    async stayAwake() {
      try { this.lock = await navigator.wakeLock?.request("screen"); } catch { /* only a convenience */ }
    }

    end(reason) {
      if (this.ended) return;
      this.ended = true;
      this.close();
      if (call === this) call = null;
      show("over");
      if (reason) complain(reason);
    }

    close() {
      this.socket?.close();
      this.microphone?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
      // The last words are still on their way to the loudspeaker.
      setTimeout(() => this.context.close().catch(() => {}), this.over ? 400 : 0);
      this.lock?.release().catch(() => {});
    }
  }

  function show(state) {
    const talking = state === "talking" || state === "person";
    const going = talking || state === "asking" || state === "calling";
    status.textContent = say[state];
    document.body.dataset.state = state;
    button.hidden = going;
    hangup.hidden = !going;
    mute.hidden = !talking;
    if (talking) talk.hidden = false;
    document.querySelectorAll("#keys button").forEach((key) => { key.disabled = !talking; });
    if (state === "talking") hangup.focus();
    if (state === "over") {
      button.textContent = say.again;
      button.focus();
    }
  }

  function complain(reason) {
    problem.textContent = say[reason];
    problem.hidden = false;
  }

  function caption(who, text) {
    const line = document.createElement("li");
    line.className = who;
    const name = document.createElement("b");
    name.textContent = say[who];
    const said = document.createElement("span");
    said.textContent = text;
    line.append(name, " ", said);
    captions.append(line);
    captions.scrollTop = captions.scrollHeight;
  }

  function why(error) {
    switch (error?.name) {
      case "NotAllowedError": case "SecurityError": return "denied";
      case "NotFoundError": case "OverconstrainedError": return "missing";
      case "NotReadableError": case "AbortError": return "taken";
      default: return "unreachable";
    }
  }

  button.addEventListener("click", async () => {
    problem.hidden = true;
    captions.textContent = "";
    mute.setAttribute("aria-pressed", "false");
    if (!window.isSecureContext) return complain("insecure");
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) return complain("old");
    const started = call = new Call();
    try {
      await started.start();
    } catch (error) {
      started.end(why(error));
    }
  });
  hangup.addEventListener("click", () => call?.hangUp());
  mute.addEventListener("click", () => {
    const muted = mute.getAttribute("aria-pressed") !== "true";
    mute.setAttribute("aria-pressed", String(muted));
    call?.line?.port.postMessage(muted ? "mute" : "unmute");
    status.textContent = muted ? say.muted : say.talking;
  });
  element("keys").addEventListener("click", (event) => {
    const key = event.target.closest("button")?.dataset.key;
    if (key) call?.key(key);
  });
  document.addEventListener("keydown", (event) => {
    if (!call || event.repeat || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9*#]$/.test(event.key)) return;
    const pressed = document.querySelector(`#keys button[data-key="${event.key}"]`);
    pressed?.classList.add("pressed");
    setTimeout(() => pressed?.classList.remove("pressed"), 150);
    call.key(event.key);
  });
  window.addEventListener("pagehide", () => call?.hangUp());
})();
