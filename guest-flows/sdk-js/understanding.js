/** What the caller meant. */
import * as raw from "gudok:understanding/understanding@0.1.0";
import { capability } from "./host.js";

const host = capability("understanding", raw);

/** What the contract calls the value of a case. */
const VALUES = { resolved: "wish", ambiguous: "wishes", invalid: "why" };

export const understanding = {
    ...host,
    parseDateTime(text) {
        const { tag, val } = host.parseDateTime(text);
        return tag in VALUES ? { kind: tag, [VALUES[tag]]: val } : { kind: tag };
    },
};
