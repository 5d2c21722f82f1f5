// What the caller meant.

import { Sent, optionalText, result, storeTexts, text } from "./abi";

@external("gudok:understanding/understanding@0.1.0", "parse-date-time")
declare function hostDateTime(text: usize, size: usize, result: usize): void;
@external("gudok:understanding/understanding@0.1.0", "parse-yes-no")
declare function hostYesNo(text: usize, size: usize): i32;
@external("gudok:understanding/understanding@0.1.0", "parse-phone")
declare function hostPhone(text: usize, size: usize, result: usize): void;
@external("gudok:understanding/understanding@0.1.0", "parse-name")
declare function hostName(text: usize, size: usize, result: usize): void;
@external("gudok:understanding/understanding@0.1.0", "parse-intent")
declare function hostIntent(text: usize, size: usize, result: usize): void;
@external("gudok:understanding/understanding@0.1.0", "parse-choice")
declare function hostChoice(text: usize, size: usize, options: usize, count: usize, result: usize): void;

export class Wish {
  date: string | null = null;
  dateFrom: string | null = null;
  dateTo: string | null = null;
  timeFrom: string | null = null;
  timeTo: string | null = null;
  asap: bool = false;
}

// The one reading of a day and a time; null when there is none, or several.
export function parseDateTime(said: string): Wish | null {
  const sent = new Sent(said);
  hostDateTime(sent.at, sent.size, result);
  if (load<u8>(result) != 1) return null;
  const at = result + 4;
  const wish = new Wish();
  wish.date = optionalText(at);
  wish.dateFrom = optionalText(at + 12);
  wish.dateTo = optionalText(at + 24);
  wish.timeFrom = optionalText(at + 36);
  wish.timeTo = optionalText(at + 48);
  wish.asap = load<u8>(at + 60) != 0;
  return wish;
}

export enum YesNo { Yes, No, Unknown }

export function parseYesNo(said: string): YesNo {
  const sent = new Sent(said);
  return hostYesNo(sent.at, sent.size);
}

// E.164 of a Russian number said in words or figures.
export function parsePhone(said: string): string | null {
  const sent = new Sent(said);
  hostPhone(sent.at, sent.size, result);
  return optionalText(result);
}

// The given parts of last name, first name, patronymic, in this order; empty when there is no name.
export function parseName(said: string): string[] {
  const sent = new Sent(said);
  hostName(sent.at, sent.size, result);
  const parts: string[] = [];
  if (load<u8>(result) == 0) return parts;
  for (let index: usize = 0; index < 3; index++) {
    const part = optionalText(result + 4 + 12 * index);
    if (part !== null) parts.push(part);
  }
  return parts;
}

export enum Kind {
  Book, Reschedule, Cancel, MyVisit, Results, Ward, Doctor, Feed, Price, Hours, Address, Question, Operator,
  CallbackMissed, Advertising, Goodbye, Unknown
}
export enum Offered { Offered, Absent, Unlisted }

export class Service {
  name: string = "";
  offered: Offered = Offered.Unlisted;
  id: string | null = null;
}

export class Intent {
  kind: Kind = Kind.Unknown;
  confidence: f64 = 0;
  services: Service[] = [];
  doctor: string | null = null;
  urgent: bool = false;
}

export function parseIntent(said: string): Intent {
  const sent = new Sent(said);
  hostIntent(sent.at, sent.size, result);
  const intent = new Intent();
  intent.kind = load<u8>(result);
  intent.confidence = load<f64>(result + 8);
  const list = load<usize>(result + 16);
  for (let index: usize = 0; index < load<usize>(result + 20); index++) {
    const at = list + 24 * index;
    const service = new Service();
    service.name = text(at);
    service.offered = load<u8>(at + 8);
    service.id = optionalText(at + 12);
    intent.services.push(service);
  }
  intent.doctor = optionalText(result + 24);
  intent.urgent = load<u8>(result + 36) != 0;
  return intent;
}

// Which of `options` was meant; −1 when none.
export function parseChoice(said: string, options: string[]): i32 {
  const sent = new Sent(said);
  hostChoice(sent.at, sent.size, storeTexts(options), options.length, result);
  return load<u8>(result) == 0 ? -1 : load<i32>(result + 4);
}
