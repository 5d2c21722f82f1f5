// What the clinic is.

import { Sent, result, text, wentWell } from "./abi";

@external("gudok:clinic/clinic@0.1.0", "info")
declare function hostInfo(result: usize): void;
@external("gudok:clinic/clinic@0.1.0", "now")
declare function hostNow(result: usize): void;
@external("gudok:clinic/clinic@0.1.0", "hours")
declare function hostHours(date: usize, size: usize, result: usize): void;
@external("gudok:clinic/clinic@0.1.0", "is-open")
declare function hostIsOpen(): i32;

export enum Kind { Veterinary, Medical, Dental }

export class Info {
  id: string = "";
  name: string = "";
  kind: Kind = Kind.Veterinary;
  address: string = "";
  phone: string = "";
  timezone: string = "";
}

export function info(): Info {
  hostInfo(result);
  const info = new Info();
  info.id = text(result);
  info.name = text(result + 8);
  info.kind = load<u8>(result + 16);
  info.address = text(result + 20);
  info.phone = text(result + 28);
  info.timezone = text(result + 36);
  return info;
}

// 2026-11-24T10:30, in the clinic's zone.
export function now(): string {
  hostNow(result);
  return text(result);
}

// Is somebody at the desk now?
export function isOpen(): bool {
  return hostIsOpen() != 0;
}

export class DayHours {
  date: string = "";
  open: bool = false;
  opens: string = "";
  closes: string = "";
  note: string = "";
}

// Hours of one day; null when the conversation is over.
export function hours(date: string): DayHours | null {
  const sent = new Sent(date);
  hostHours(sent.at, sent.size, result);
  if (!wentWell("clinic.hours")) return null;
  const hours = new DayHours();
  hours.date = text(result + 4);
  hours.open = load<u8>(result + 12) != 0;
  hours.opens = text(result + 16);
  hours.closes = text(result + 24);
  hours.note = text(result + 32);
  return hours;
}
