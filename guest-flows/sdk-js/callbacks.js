/** "We will call you back": a promise that is written down. */
import * as raw from "gudok:callbacks/callbacks@0.1.0";
import { capability } from "./host.js";

const host = capability("callbacks", raw);

export const callbacks = {
    request: ({ phone, person = "", reason, at }) => host.request({ phone, person, reason, at }),
};
