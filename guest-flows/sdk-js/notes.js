/** What the flow writes down about the call. */
import * as raw from "gudok:notes/notes@0.1.0";
import { capability } from "./host.js";

export const notes = capability("notes", raw);
