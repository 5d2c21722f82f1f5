// The chat on a clinic's site. One line puts it there:
//   <script src="https://HOST/widget.js" data-clinic="ID" async></script>
// Settings: data-lang="en" (Russian otherwise), data-color="#0b7a4b", data-open="yes" (open at once).
//
// Everything stands in a shadow tree, so that neither page disturbs the other; nothing is loaded from anywhere. The
// conversation is kept by the server, and found again by its key after a reload or a lost connection.
"use strict";

(() => {
  const script = document.currentScript;
  const clinic = script?.dataset.clinic;
  if (!clinic) return console.error("chat: data-clinic is missing in the line that loads widget.js");
  const base = new URL(script.src).origin;
  // Set on the clinic's own desk only, where a version can be rehearsed.
  const door = script.dataset.socket ?? `/chat/${encodeURIComponent(clinic)}/socket`;
  const memory = `chat:${base}:${script.dataset.socket ?? clinic}`;
  const words = {
    ru: {
      open: "Открыть чат с клиникой", close: "Закрыть чат", title: "Чат с клиникой", log: "Сообщения", field: "Сообщение",
      hint: "Напишите сообщение…", send: "Отправить", waiting: "Печатает…", ended: "Разговор окончен.", again: "Начать новый",
      connecting: "Соединяем…", lost: "Нет связи, пробуем снова…", busy: "Сейчас все линии заняты. Напишите через минуту.",
      human: "Позвать сотрудника", wants: "Позовите, пожалуйста, оператора", place: "Зовём сотрудника. Вы в очереди:",
      slow: "Не так быстро: сообщение не отправлено.", you: "Вы", robot: "Клиника", operator: "Сотрудник", answers: "Варианты ответа",
    },
    en: {
      open: "Open the chat with the clinic", close: "Close the chat", title: "Chat with the clinic", log: "Messages", field: "Message",
      hint: "Write a message…", send: "Send", waiting: "Writing…", ended: "The conversation is over.", again: "Start a new one",
      connecting: "Connecting…", lost: "No connection, trying again…", busy: "All lines are busy. Please write in a minute.",
      human: "Ask for a person", wants: "Позовите, пожалуйста, оператора", place: "A person is being called. Your place in the line:",
      slow: "Not so fast: the message was not sent.", you: "You", robot: "Clinic", operator: "Person", answers: "Possible answers",
    },
  };
  const say = words[script.dataset.lang ?? document.documentElement.lang?.slice(0, 2)] ?? words.ru;

  const style = `
    :host { all: initial; --go: #0b7a4b; --ground: #fff; --ink: #18211c; --soft: #5b665f; --line: #d8ded9; --robot: #eef3ef; --on-go: #fff; }
    @media (prefers-color-scheme: dark) {
      :host { --go: #2fa36d; --ground: #1a201c; --ink: #e8eee9; --soft: #9aa69e; --line: #313a34; --robot: #27302a; --on-go: #0c100d; }
    }
    * { box-sizing: border-box; font: 16px/1.45 system-ui, sans-serif; }
    [hidden] { display: none !important; }
    button { cursor: pointer; color: inherit; touch-action: manipulation; }
    :focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
    .bubble {
      position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; width: 60px; height: 60px; border: 0; border-radius: 50%;
      background: var(--go); color: var(--on-go); box-shadow: 0 4px 16px #0005; display: grid; place-items: center;
    }
    .bubble svg { width: 28px; height: 28px; }
    .panel {
      position: fixed; right: 20px; bottom: 92px; z-index: 2147483000; width: 370px; height: min(580px, calc(100dvh - 112px));
      display: flex; flex-direction: column; background: var(--ground); color: var(--ink); border: 1px solid var(--line);
      border-radius: 16px; overflow: hidden; box-shadow: 0 8px 32px #0004;
    }
    header { display: flex; align-items: center; gap: 8px; padding: 12px 8px 12px 16px; border-bottom: 1px solid var(--line); }
    h2 { font-weight: 600; margin: 0; flex: 1; overflow-wrap: anywhere; }
    header button { border: 0; background: none; width: 44px; height: 44px; border-radius: 50%; font-size: 22px; }
    .log { flex: 1; overflow-y: auto; margin: 0; padding: 16px; list-style: none; display: flex; flex-direction: column; gap: 8px; }
    .log li { max-width: 85%; padding: 8px 12px; border-radius: 14px; overflow-wrap: anywhere; white-space: pre-wrap; }
    .robot, .operator { align-self: flex-start; background: var(--robot); border-bottom-left-radius: 4px !important; }
    .caller { align-self: flex-end; background: var(--go); color: var(--on-go); border-bottom-right-radius: 4px !important; }
    .operator { border: 1px solid var(--go); }
    .note { align-self: center; color: var(--soft); font-size: 14px; }
    .human { align-self: flex-start; margin: 0 12px 8px; padding: 6px 10px; min-height: 44px; border: 0; background: none; color: var(--go); text-decoration: underline; }
    .name { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    .choices { display: flex; flex-wrap: wrap; gap: 8px; padding: 0 16px 12px; }
    .choices button { border: 1px solid var(--go); background: none; border-radius: 999px; padding: 8px 14px; min-height: 44px; }
    .state { color: var(--soft); font-size: 14px; padding: 0 16px 8px; min-height: 1.45em; margin: 0; }
    form { display: flex; gap: 8px; padding: 12px; border-top: 1px solid var(--line); }
    textarea { flex: 1; resize: none; height: 46px; padding: 10px 12px; border: 1px solid var(--line); border-radius: 12px; background: var(--ground); color: inherit; }
    form button, .again { border: 0; border-radius: 12px; background: var(--go); color: var(--on-go); min-height: 46px; padding: 0 16px; font-weight: 600; }
    .again { margin: 12px; }
    @media (max-width: 480px) { .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; } .panel:not([hidden]) ~ .bubble { display: none; } }
  `;

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const icon = () => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("fill", "currentColor");
    path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
    svg.append(path);
    return svg;
  };

  const host = make("div");
  const root = host.attachShadow({ mode: "open" });
  // A style that is made by script works under every content policy of the clinic's site.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [sheet];
  const color = script.dataset.color;
  if (color && CSS.supports("color", color)) host.style.setProperty("--go", color);

  const title = make("h2", { id: "title" }, say.title);
  const shut = make("button", { type: "button", "aria-label": say.close }, "×");
  const log = make("ol", { class: "log", role: "log", "aria-live": "polite", "aria-label": say.log, tabindex: "0" });
  const human = make("button", { type: "button", class: "human" }, say.human);
  const choices = make("div", { class: "choices", role: "group", "aria-label": say.answers });
  const state = make("p", { class: "state", role: "status" });
  const field = make("textarea", { "aria-label": say.field, placeholder: say.hint, rows: "1", maxlength: "1000", enterkeyhint: "send" });
  const send = make("button", { type: "submit", "aria-label": say.send }, "➤");
  const form = make("form", {}, field, send);
  const again = make("button", { type: "button", class: "again" }, say.again);
  const panel = make("section", { class: "panel", role: "dialog", "aria-labelledby": "title" },
    make("header", {}, title, shut), log, state, choices, human, form, again);
  const bubble = make("button", { type: "button", class: "bubble", "aria-label": say.open, "aria-expanded": "false" }, icon());
  panel.hidden = true;
  again.hidden = true;
  human.hidden = true;
  root.append(panel, bubble);

  // What is remembered lasts as long as the tab; a site may have switched that off.
  const store = {
    get: () => { try { return JSON.parse(sessionStorage.getItem(memory)) ?? {}; } catch { return {}; } },
    set: (kept) => { try { sessionStorage.setItem(memory, JSON.stringify(kept)); } catch { /* it is a convenience */ } },
  };
  let socket = null, key = store.get().key ?? null, seen = 0, over = false, attempts = 0, timer = 0, holder = "robot";

  const remember = () => store.set({ key, open: !panel.hidden });

  function connect() {
    if (socket || over) return;
    clearTimeout(timer);
    state.textContent = attempts ? say.lost : say.connecting;
    const opened = socket = new WebSocket(base.replace(/^http/, "ws") + door);
    opened.onopen = () => opened.send(JSON.stringify({ kind: "hello", key, seen }));
    opened.onmessage = ({ data }) => take(JSON.parse(data));
    opened.onclose = () => {
      if (socket !== opened) return;
      socket = null;
      send.disabled = true;
      if (over || panel.hidden) return;
      state.textContent = say.lost;
      timer = setTimeout(connect, Math.min(15000, 500 * 2 ** attempts++));
    };
  }

  function take(event) {
    if (event.kind === "conversation") {
      attempts = 0;
      if (event.key !== key || event.seen < seen) {
        log.textContent = "";
        seen = 0;
      }
      key = event.key;
      seen = event.seen;
      if (event.clinic) title.textContent = event.clinic;
      state.textContent = "";
      send.disabled = false;
      return remember();
    }
    switch (event.kind) {
      case "refused": over = true; return finish(say.busy);
      case "slow": field.value ||= event.text; state.textContent = say.slow; return;
      case "state": return holds(event);
      case "message": break;
      default: return;
    }
    // After a lost connection the same message may come twice.
    if (event.seq <= seen) return;
    seen = event.seq;
    const who = { visitor: "caller", robot: "robot", operator: "operator" }[event.who] ?? "note";
    line(who, event.text);
    offer(event.choices);
    state.textContent = who === "caller" && holder === "robot" ? say.waiting : "";
  }

  // Who answers now.
  function holds({ state: now, position }) {
    holder = now;
    human.hidden = now !== "robot";
    if (now === "waiting" && position > 1) state.textContent = `${say.place} ${position}`;
    if (now === "closed") { over = true; finish(say.ended); }
  }

  function line(who, text) {
    const item = make("li", { class: who });
    if (who !== "note") item.append(make("span", { class: "name" }, `${who === "caller" ? say.you : say[who]}: `));
    item.append(text);
    log.append(item);
    log.scrollTop = log.scrollHeight;
  }

  function offer(answers) {
    choices.textContent = "";
    for (const answer of answers) {
      const button = make("button", { type: "button" }, answer);
      button.addEventListener("click", () => write(answer));
      choices.append(button);
    }
    choices.hidden = answers.length === 0;
  }

  function finish(text) {
    offer([]);
    line("note", text);
    state.textContent = "";
    form.hidden = true;
    human.hidden = true;
    again.hidden = false;
    key = null;
    remember();
  }

  function write(text) {
    text = text.trim();
    if (!text || socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify({ kind: "words", text }));
    offer([]);
    return true;
  }

  function open(yes, focus = true) {
    panel.hidden = !yes;
    bubble.setAttribute("aria-expanded", String(yes));
    bubble.setAttribute("aria-label", yes ? say.close : say.open);
    remember();
    if (!yes) return focus && bubble.focus();
    if (focus) field.focus();
    connect();
  }

  human.addEventListener("click", () => { if (write(say.wants)) field.focus(); });
  bubble.addEventListener("click", () => open(panel.hidden));
  shut.addEventListener("click", () => open(false));
  again.addEventListener("click", () => {
    [key, seen, over, attempts] = [null, 0, false, 0];
    log.textContent = "";
    form.hidden = false;
    again.hidden = true;
    field.focus();
    connect();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (write(field.value)) field.value = "";
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  root.addEventListener("keydown", (event) => {
    // The site's own shortcuts must not fire while somebody writes.
    event.stopPropagation();
    if (event.key === "Escape" && !panel.hidden) open(false);
  });
  window.addEventListener("online", () => { attempts = 0; if (!panel.hidden) connect(); });

  offer([]);
  send.disabled = true;
  const attach = () => {
    document.body.append(host);
    if (store.get().open ?? script.dataset.open === "yes") open(true, false);
  };
  if (document.body) attach(); else document.addEventListener("DOMContentLoaded", attach);
})();
