/**
 * Write a Gudok flow in TypeScript or JavaScript: a conversation as it reads, top to bottom.
 *
 * ```ts
 * import { call, flow } from "./gudok/sdk/js/gudok.js";
 *
 * export const run = flow(() => {
 *     call.say("Здравствуйте! Клиника слушает.");
 *     const answer = call.ask({ id: "name", expects: "person-name", text: "Как вас зовут?" });
 *     if (answer.kind === "speech") call.say(`Очень приятно, ${answer.text}.`);
 * });
 * ```
 *
 * Every call waits until it is done; there are no promises. What is not known is `undefined`.
 * Any function that speaks, books, promises or transfers throws {@link HangUp} once the caller has gone, and may throw
 * {@link HostError}.
 */

/** Make a conversation the program that the host runs: `export const run = flow(() => { … })`. */
export function flow(conversation: () => void): () => void;

/** The caller has gone. Let it fly: `flow` ends the conversation in good order. */
export class HangUp extends Error {}

/**
 * The host could not do what it was asked. Uncaught, it ends the flow, and the host hands the caller to a person.
 *
 * ```ts
 * try {
 *     call.play("greeting");
 * } catch (error) {
 *     if (!(error instanceof HostError && error.code === "unknown-prompt")) throw error;
 *     call.say("Здравствуйте!");
 * }
 * ```
 */
export class HostError extends Error {
    /** The name in the contract: `appointments.find`. */
    readonly function: string;
    /** `timeout`, `denied`, `unavailable`, or a code of the function's own: `bad-argument`. */
    readonly code: string;
    /** One sentence for the flow's author. */
    readonly details: string;
}

/** A day in the clinic's zone: `2026-11-24`. */
export type IsoDate = string;
/** A time of day, 24 hours: `09:30`. */
export type IsoTime = string;
/** A moment in the clinic's zone: `2026-11-24T09:30`. */
export type IsoMoment = string;
/** An amount in kopecks, or what the currency has in their place. */
export interface Money {
    minor: number;
    /** ISO 4217: `RUB`. */
    currency: string;
}

// ---- The conversation ----

export interface CallInfo {
    /** The call's identity in the clinic's records. */
    id: string;
    channel: "phone" | "browser" | "chat" | "script";
    /** The caller's number in E.164, when the line shows it. */
    caller?: string;
    /** The number or line that was called. */
    line: string;
    /** `day`, `night`, `overload`, `reminder`, `chat`. */
    entry: string;
    started: IsoMoment;
}

/** What may stop a prompt while it plays: nothing, a key, or a key and the voice. */
export type BargeIn = "none" | "digits" | "speech";
/** How a prompt ended. What interrupted it answers the next `ask`. */
export type Said = "complete" | "interrupted";
/** What kind of answer is expected; it sets how long a pause ends it, and helps recognition. */
export type AnswerKind =
    | "free"
    | "yes-no"
    | "choice"
    | "phone"
    | "digits"
    | "date-time"
    | "person-name"
    | "animal";

export interface Question {
    /** A short stable name, for traces, tests and replays. */
    id: string;
    /** What is said. Figures, dates and phone numbers are read out as a person would. */
    text: string;
    /** `free` when left out. */
    expects?: AnswerKind;
    /** `speech` when left out. */
    bargeIn?: BargeIn;
    /** How long to wait for the answer to begin, in milliseconds; left out: the clinic's setting. */
    waitMs?: number;
    /** Stop collecting keys after so many; left out: until `#` or a pause. */
    maxDigits?: number;
    /** Words that are likely in the answer. */
    hints?: string[];
}

export type Answer =
    | { kind: "speech"; text: string; /** 0 to 1; below about 0.4 ask again. */ confidence: number }
    | { kind: "digits"; digits: string }
    | { kind: "silence" };

export const call: {
    /** What is known of this call. Never fails, costs nothing. */
    info(): CallInfo;
    /** Say a text; returns when it has been heard, or interrupted. The caller may interrupt unless `"none"` is given. */
    say(text: string, bargeIn?: BargeIn): Said;
    /** Play one of the clinic's recorded prompts. Unknown: `HostError` with the code `unknown-prompt`. */
    play(prompt: string, bargeIn?: BargeIn): Said;
    /** Ask, and wait for one answer. */
    ask(question: Question): Answer;
    /** End the call after what was said has been heard. */
    hangUp(): void;
};

// ---- What the clinic is ----

export interface ClinicInfo {
    id: string;
    name: string;
    kind: "veterinary" | "medical" | "dental";
    /** As a caller should hear it; empty when the clinic has not said. */
    address: string;
    /** The clinic's own number in E.164; empty when not set. */
    phone: string;
    /** `Europe/Moscow`. */
    timezone: string;
}

export interface DayHours {
    date: IsoDate;
    open: boolean;
    opens: IsoTime;
    closes: IsoTime;
    /** Why this day is an exception; empty on ordinary days. */
    note: string;
}

export interface Service {
    id: string;
    name: string;
    minutes: number;
    /** The price, or the lowest one when it depends. */
    price?: Money;
    /** Doctors who give it, by id. */
    doctors: string[];
}

export interface Doctor {
    id: string;
    /** Surname first. */
    name: string;
    speciality: string;
}

export const clinic: {
    info(): ClinicInfo;
    /** The date and time in the clinic's zone. In a replay, the recorded one. */
    now(): IsoMoment;
    /** Hours of one day, exceptions applied. */
    hours(date: IsoDate): DayHours;
    /** Is somebody at the desk now? */
    isOpen(): boolean;
    services(): Service[];
    /** What callers ask for and the clinic does not offer. */
    absentServices(): string[];
    doctors(): Doctor[];
};

export interface FaqEntry {
    id: string;
    question: string;
    /** Written to be heard. */
    answer: string;
}

export const faq: {
    /** The entries that answer what was asked, best first; none when the question is not in the FAQ. */
    find(question: string): { entry: FaqEntry; confidence: number }[];
    entries(): FaqEntry[];
};

// ---- Visits ----

/** What to look for. What is left out is open. */
export interface SlotQuery {
    /** Service id. */
    service?: string;
    /** Doctor id. */
    doctor?: string;
    /** First day, included; left out: today. */
    dateFrom?: IsoDate;
    /** Last day, included. */
    dateTo?: IsoDate;
    /** Earliest start within a day. */
    timeFrom?: IsoTime;
    /** Latest start within a day. */
    timeTo?: IsoTime;
    /** At most so many; left out: 3. */
    limit?: number;
}

/** A free time. It is not held: booking decides. */
export interface Slot {
    id: string;
    start: IsoMoment;
    minutes: number;
    doctorId: string;
    doctorName: string;
    serviceId: string;
    serviceName: string;
}

export interface Visitor {
    /** E.164. */
    phone: string;
    /** Who brings the animal, or the patient. */
    person: string;
    /** Nickname and kind; empty in human medicine. */
    animal: string;
    /** In the caller's words. */
    reason: string;
}

export interface Appointment {
    id: string;
    slot: Slot;
    visitor: Visitor;
    status: "booked" | "confirmed" | "arrived" | "done" | "moved" | "cancelled" | "no-show";
}

/** Booked may be told to the caller; taken means that somebody was quicker. */
export type Booking = { kind: "booked"; appointment: Appointment } | { kind: "taken" };

export const appointments: {
    /** Free times that fit, earliest first. */
    find(query?: SlotQuery): Slot[];
    book(slotId: string, visitor: Pick<Visitor, "phone"> & Partial<Visitor>): Booking;
    /** The old time is released only when the new one is taken. */
    reschedule(appointmentId: string, slotId: string): Booking;
    cancel(appointmentId: string, reason?: string): void;
    /** Coming visits under a phone number, earliest first. */
    mine(phone: string): Appointment[];
};

// ---- People ----

/** Who a caller can be handed to; a line of the clinic file is given by its name. */
export type Destination = "operator" | "doctor" | "ward" | "results" | { line: string };

export type Transfer =
    | { kind: "connected" }
    | { kind: "nobody" }
    | { kind: "refused"; /** What the line answered. */ why: string };

export const routing: {
    /** `summary` is one line for the person who takes over. After `connected` the flow may end. */
    transfer(to: Destination, summary: string): Transfer;
    queue(to: Destination): { open: boolean; waiting: number; /** In seconds. */ expectedWaitS: number };
};

export const callbacks: {
    /** Promise to call back. Committed when it returns; `due` is the latest moment. */
    request(callback: {
        /** E.164. */
        phone: string;
        person?: string;
        /** In the caller's words. */
        reason: string;
        /** When the caller asked for it; left out: by the clinic's rule. */
        at?: IsoMoment;
    }): { id: string; due: IsoMoment };
};

// ---- What the caller meant ----

/** A wish for a day and a time: one day or a range. An exact time has `timeFrom` = `timeTo`. */
export interface Wish {
    date?: IsoDate;
    dateFrom?: IsoDate;
    dateTo?: IsoDate;
    timeFrom?: IsoTime;
    timeTo?: IsoTime;
    /** "As soon as possible". */
    asap: boolean;
}

export type DateTime =
    | { kind: "nothing" }
    | { kind: "resolved"; wish: Wish }
    | { kind: "ambiguous"; wishes: Wish[] }
    | { kind: "vague" }
    | { kind: "invalid"; /** To be told to the caller. */ why: string };

export type IntentKind =
    | "book"
    | "reschedule"
    | "cancel"
    | "my-visit"
    | "results"
    | "ward"
    | "doctor"
    | "feed"
    | "price"
    | "hours"
    | "address"
    | "question"
    | "operator"
    | "callback-missed"
    | "advertising"
    | "goodbye"
    | "unknown";

export interface ServiceMention {
    name: string;
    offered: "offered" | "absent" | "unlisted";
    /** When offered. */
    serviceId?: string;
}

export interface Intent {
    kind: IntentKind;
    confidence: number;
    services: ServiceMention[];
    /** Doctor id, when one was named. */
    doctor?: string;
    /** A danger to life was named: a person is needed at once. */
    urgent: boolean;
}

export const understanding: {
    parseDateTime(text: string): DateTime;
    parseYesNo(text: string): "yes" | "no" | "unknown";
    /** E.164 of a Russian number said in words or figures. */
    parsePhone(text: string): string | undefined;
    parseName(text: string): { last?: string; first?: string; patronymic?: string } | undefined;
    parseAnimal(text: string): { species?: string; breed?: string; name?: string } | undefined;
    parseIntent(text: string): Intent;
    /** Which option was meant (by word, by number, "the second one"): its index. */
    parseChoice(text: string, options: string[]): number | undefined;
};

// ---- What is written down ----

export type Outcome =
    | "booked"
    | "moved"
    | "cancelled"
    | "answered"
    | "transferred"
    | "callback"
    | "not-offered"
    | "nothing";

export const notes: {
    /** Tag the call with a category of the clinic's taxonomy. */
    tag(category: string): void;
    /** A fact worth keeping. The last value of a name stands. */
    note(name: string, value: string): void;
    /** How the call ended, for the reports. */
    setOutcome(outcome: Outcome): void;
    /** A line in the flow's log, for its author. Never put personal data here. `console.log` writes there too. */
    log(line: string): void;
};
