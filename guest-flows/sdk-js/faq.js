/** The clinic's questions and answers. */
import * as raw from "gudok:faq/faq@0.1.0";
import { capability } from "./host.js";

export const faq = capability("faq", raw);
