/** The conversation itself. */
import * as raw from "gudok:voice/voice@0.1.0";
import { capability } from "./host.js";

const voice = capability("voice", raw);

export const call = {
    info: voice.call,
    say: (text, bargeIn = "speech") => voice.say(String(text), bargeIn),
    play: (prompt, bargeIn = "speech") => voice.play(prompt, bargeIn),
    ask(question) {
        const { id, text, expects = "free", bargeIn = "speech", waitMs = 0, maxDigits = 0, hints = [] } = question;
        return answer(voice.ask({ id, text, expects, bargeIn, answerTimeoutMs: waitMs, maxDigits, hints, extra: [] }));
    },
    hangUp: voice.hangUp,
};

function answer({ tag, val }) {
    switch (tag) {
        case "speech":
            return { kind: "speech", text: val.text, confidence: val.confidence };
        case "digits":
            return { kind: "digits", digits: val };
        default:
            return { kind: "silence" };
    }
}
