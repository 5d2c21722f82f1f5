/** What the clinic is: hours, address, services, doctors, prices. */
import * as raw from "gudok:clinic/clinic@0.1.0";
import { capability } from "./host.js";

export const clinic = capability("clinic", raw);
