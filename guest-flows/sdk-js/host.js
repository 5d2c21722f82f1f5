/** What stands between a flow and the host: names for errors, `undefined` for what is not known, and the way in. */
import * as raw from "gudok:notes/notes@0.1.0";

/** The caller has gone. Let it fly: `flow` ends the conversation in good order. */
export class HangUp extends Error {
    constructor() {
        super("the caller hung up");
        this.name = "HangUp";
    }
}

/** The host could not do what it was asked. */
export class HostError extends Error {
    constructor(where, code, details) {
        super(`${where}: ${code}`);
        this.name = "HostError";
        this.function = where;
        this.code = code;
        this.details = details;
    }
}

/** Make a conversation the program that the host runs: `export const run = flow(() => { … })`. */
export function flow(conversation) {
    return () => {
        try {
            conversation();
        } catch (error) {
            if (error instanceof HangUp) return;
            if (!(error instanceof HostError)) raw.log(error?.stack ? `${error}\n${error.stack}` : String(error));
            // A string is what the contract calls the reason.
            throw error instanceof HostError ? error.message : String(error);
        }
    };
}

/** All functions of a capability, with errors by the names of the contract. */
export function capability(name, functions) {
    const known = Object.entries(functions).filter(([, member]) => typeof member === "function");
    return Object.fromEntries(known.map(([key, member]) => [key, guarded(`${name}.${dashed(key)}`, member)]));
}

function guarded(where, member) {
    return (...values) => {
        try {
            return plain(member(...values));
        } catch (error) {
            throw named(where, error);
        }
    };
}

/** An error of the contract comes as `{ payload: { tag, val } }`; anything else is a mistake in the flow itself. */
function named(where, error) {
    const cause = error?.payload;
    switch (cause?.tag) {
        case undefined:
            return error;
        case "hangup":
            return new HangUp();
        case "other":
            return new HostError(where, cause.val.code, cause.val.message);
        default:
            return new HostError(where, cause.tag, cause.val ?? "");
    }
}

/** One engine says `null` for what is not known, another leaves it out: always leave it out. */
function plain(value) {
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value ?? undefined;
    const known = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
    return Object.fromEntries(known.map(([key, inner]) => [key, plain(inner)]));
}

function dashed(key) {
    return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

// QuickJS has no console; StarlingMonkey's own writes to the flow's log as this one does.
globalThis.console ??= Object.fromEntries(
    ["debug", "log", "info", "warn", "error"].map((level) => [level, (...values) => raw.log(values.map(String).join(" "))]),
);
