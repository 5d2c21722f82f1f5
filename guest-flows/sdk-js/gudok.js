/**
 * Write a Gudok flow in JavaScript: a conversation as it reads, top to bottom.
 *
 * ```js
 * import { call, flow } from "./gudok/sdk/js/gudok.js";
 *
 * export const run = flow(() => {
 *     call.say("Здравствуйте! Клиника слушает.");
 *     const answer = call.ask({ id: "name", expects: "person-name", text: "Как вас зовут?" });
 *     if (answer.kind === "speech") call.say(`Очень приятно, ${answer.text}.`);
 * });
 * ```
 *
 * Every call waits until it is done; there are no promises. When the caller hangs up, the next call throws `HangUp`:
 * let it fly, `flow` takes it for a normal end. Another error of the host is a `HostError`; uncaught, it ends the flow
 * and the host hands the caller to a person.
 *
 * One line below is one capability. A flow's list of imports is its list of permissions: to ask for less, delete the line
 * here and the `import` of the same name in `gudok/wit/flow.wit`.
 */
export { flow, HangUp, HostError } from "./host.js";
export { call } from "./call.js";
export { clinic } from "./clinic.js";
export { faq } from "./faq.js";
export { appointments } from "./appointments.js";
export { callbacks } from "./callbacks.js";
export { routing } from "./routing.js";
export { understanding } from "./understanding.js";
export { notes } from "./notes.js";
