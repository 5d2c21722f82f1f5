// Finding, booking and cancelling visits.

import { Sent, result, storeOptionalText, text, wentWell } from "./abi";

@external("gudok:appointments/appointments@0.1.0", "find")
declare function hostFind(query: usize, result: usize): void;
@external("gudok:appointments/appointments@0.1.0", "book")
declare function hostBook(
  slot: usize, slotSize: usize, phone: usize, phoneSize: usize, person: usize, personSize: usize, animal: usize,
  animalSize: usize, reason: usize, reasonSize: usize, result: usize): void;
@external("gudok:appointments/appointments@0.1.0", "reschedule")
declare function hostReschedule(id: usize, idSize: usize, slot: usize, slotSize: usize, result: usize): void;
@external("gudok:appointments/appointments@0.1.0", "cancel")
declare function hostCancel(id: usize, idSize: usize, reason: usize, reasonSize: usize, result: usize): void;
@external("gudok:appointments/appointments@0.1.0", "mine")
declare function hostMine(phone: usize, size: usize, result: usize): void;

// What to look for; what is null is open.
export class Query {
  service: string | null = null;
  doctor: string | null = null;
  dateFrom: string | null = null;
  dateTo: string | null = null;
  timeFrom: string | null = null;
  timeTo: string | null = null;
  limit: u32 = 0;
}

export class Slot {
  id: string;
  start: string;
  minutes: u32;
  doctorId: string;
  doctorName: string;
  serviceId: string;
  serviceName: string;

  constructor(at: usize) {
    this.id = text(at);
    this.start = text(at + 8);
    this.minutes = load<u32>(at + 16);
    this.doctorId = text(at + 20);
    this.doctorName = text(at + 28);
    this.serviceId = text(at + 36);
    this.serviceName = text(at + 44);
  }
}

export enum Status { Booked, Confirmed, Arrived, Done, Moved, Cancelled, NoShow }

export class Appointment {
  id: string;
  slot: Slot;
  phone: string;
  person: string;
  animal: string;
  reason: string;
  status: Status;

  constructor(at: usize) {
    this.id = text(at);
    this.slot = new Slot(at + 8);
    this.phone = text(at + 60);
    this.person = text(at + 68);
    this.animal = text(at + 76);
    this.reason = text(at + 84);
    this.status = load<u8>(at + 92);
  }
}

// Free times that fit; null when the conversation is over.
export function find(query: Query): Slot[] | null {
  const asked = heap.alloc(76);
  storeOptionalText(asked, query.service);
  storeOptionalText(asked + 12, query.doctor);
  storeOptionalText(asked + 24, query.dateFrom);
  storeOptionalText(asked + 36, query.dateTo);
  storeOptionalText(asked + 48, query.timeFrom);
  storeOptionalText(asked + 60, query.timeTo);
  store<u32>(asked + 72, query.limit);
  hostFind(asked, result);
  if (!wentWell("appointments.find")) return null;
  const list = load<usize>(result + 4);
  const slots: Slot[] = [];
  for (let index: usize = 0; index < load<usize>(result + 8); index++) slots.push(new Slot(list + 52 * index));
  return slots;
}

export class Booking {
  // Somebody was quicker: look for other times.
  taken: bool = false;
  booked: Appointment | null = null;
}

// null when the conversation is over.
export function book(slotId: string, phone: string, person: string, animal: string, reason: string): Booking | null {
  const slot = new Sent(slotId);
  const number = new Sent(phone);
  const name = new Sent(person);
  const pet = new Sent(animal);
  const why = new Sent(reason);
  hostBook(slot.at, slot.size, number.at, number.size, name.at, name.size, pet.at, pet.size, why.at, why.size, result);
  return wentWell("appointments.book") ? booking() : null;
}

// The old time is released only when the new one is taken; null when the conversation is over.
export function reschedule(id: string, slotId: string): Booking | null {
  const visit = new Sent(id);
  const slot = new Sent(slotId);
  hostReschedule(visit.at, visit.size, slot.at, slot.size, result);
  return wentWell("appointments.reschedule") ? booking() : null;
}

function booking(): Booking {
  const booking = new Booking();
  booking.taken = load<u8>(result + 4) != 0;
  if (!booking.taken) booking.booked = new Appointment(result + 8);
  return booking;
}

// False when the conversation is over.
export function cancel(id: string, reason: string): bool {
  const visit = new Sent(id);
  const why = new Sent(reason);
  hostCancel(visit.at, visit.size, why.at, why.size, result);
  return wentWell("appointments.cancel");
}

// Coming visits under a phone number, earliest first; null when the conversation is over.
export function mine(phone: string): Appointment[] | null {
  const sent = new Sent(phone);
  hostMine(sent.at, sent.size, result);
  if (!wentWell("appointments.mine")) return null;
  const list = load<usize>(result + 4);
  const visits: Appointment[] = [];
  for (let index: usize = 0; index < load<usize>(result + 8); index++) visits.push(new Appointment(list + 96 * index));
  return visits;
}
