/** Handing the caller over to a person. */
import * as raw from "gudok:routing/routing@0.1.0";
import { capability } from "./host.js";

const host = capability("routing", raw);

export const routing = {
    transfer(to, summary) {
        const { tag, val } = host.transfer(destination(to), summary);
        return tag === "refused" ? { kind: "refused", why: val } : { kind: tag };
    },
    queue: (to) => host.queue(destination(to)),
};

/** `"operator"`, or `{ line: "name" }`. */
function destination(to) {
    return typeof to === "string" ? { tag: to } : { tag: "line", val: to.line };
}
