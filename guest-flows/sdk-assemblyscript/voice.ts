// Speaking with the caller.

import { Sent, optionalText, result, storeTexts, text, wentWell } from "./abi";

@external("gudok:voice/voice@0.1.0", "call")
declare function hostCall(result: usize): void;
@external("gudok:voice/voice@0.1.0", "say")
declare function hostSay(text: usize, size: usize, bargeIn: i32, result: usize): void;
@external("gudok:voice/voice@0.1.0", "play")
declare function hostPlay(prompt: usize, size: usize, bargeIn: i32, result: usize): void;
@external("gudok:voice/voice@0.1.0", "ask")
declare function hostAsk(
  id: usize, idSize: usize, text: usize, textSize: usize, expects: i32, bargeIn: i32, timeout: u32, maxDigits: u32,
  hints: usize, hintCount: usize, extra: usize, extraCount: usize, result: usize): void;
@external("gudok:voice/voice@0.1.0", "hang-up")
declare function hostHangUp(result: usize): void;

export enum Channel { Phone, Browser, Chat, Script }
export enum BargeIn { None, Digits, Speech }
export enum Expects { Free, YesNo, Choice, Phone, Digits, DateTime, PersonName, Animal }
export enum Kind { Speech, Digits, Silence }

export class CallInfo {
  id: string = "";
  channel: Channel = Channel.Phone;
  // null when the line does not show it.
  caller: string | null = null;
  line: string = "";
  entry: string = "";
  started: string = "";
}

// What is known of this call.
export function call(): CallInfo {
  hostCall(result);
  const info = new CallInfo();
  info.id = text(result);
  info.channel = load<u8>(result + 8);
  info.caller = optionalText(result + 12);
  info.line = text(result + 24);
  info.entry = text(result + 32);
  info.started = text(result + 40);
  return info;
}

// Say a text; false when the conversation is over.
export function say(words: string, bargeIn: BargeIn = BargeIn.Speech): bool {
  const sent = new Sent(words);
  hostSay(sent.at, sent.size, bargeIn, result);
  return wentWell("voice.say");
}

// Play one of the clinic's recorded prompts; false when the conversation is over.
export function play(prompt: string, bargeIn: BargeIn = BargeIn.Speech): bool {
  const sent = new Sent(prompt);
  hostPlay(sent.at, sent.size, bargeIn, result);
  return wentWell("voice.play");
}

export class Answer {
  kind: Kind = Kind.Silence;
  // What was said, or the keys.
  text: string = "";
  confidence: f64 = 0;

  isKey(key: string): bool {
    return this.kind == Kind.Digits && this.text == key;
  }
}

// One question. Set what differs, then `ask`.
export class Question {
  expects: Expects = Expects.Free;
  bargeIn: BargeIn = BargeIn.Speech;
  answerTimeoutMs: u32 = 0;
  maxDigits: u32 = 0;
  hints: string[] = [];

  // `id` is a short stable name for traces, tests and replays.
  constructor(public id: string, public text: string) {}

  // null when the conversation is over.
  ask(): Answer | null {
    const id = new Sent(this.id);
    const words = new Sent(this.text);
    hostAsk(id.at, id.size, words.at, words.size, this.expects, this.bargeIn, this.answerTimeoutMs, this.maxDigits,
      storeTexts(this.hints), this.hints.length, 8, 0, result);
    if (!wentWell("voice.ask", 8)) return null;
    const answer = new Answer();
    answer.kind = load<u8>(result + 8);
    if (answer.kind != Kind.Silence) answer.text = text(result + 16);
    if (answer.kind == Kind.Speech) answer.confidence = load<f64>(result + 24);
    return answer;
  }
}

// End the call after what was said has been heard; false when it is over already.
export function hangUp(): bool {
  hostHangUp(result);
  return wentWell("voice.hang-up");
}
