/** Finding, booking, moving and cancelling visits. */
import * as raw from "gudok:appointments/appointments@0.1.0";
import { capability } from "./host.js";

const host = capability("appointments", raw);

export const appointments = {
    find: (query = {}) => host.find({ limit: 0, ...query }),
    book: (slotId, { phone, person = "", animal = "", reason = "" }) =>
        booking(host.book(slotId, { phone, person, animal, reason })),
    reschedule: (appointmentId, slotId) => booking(host.reschedule(appointmentId, slotId)),
    cancel: (appointmentId, reason = "") => host.cancel(appointmentId, reason),
    mine: host.mine,
};

function booking({ tag, val }) {
    return tag === "booked" ? { kind: "booked", appointment: val } : { kind: "taken" };
}
