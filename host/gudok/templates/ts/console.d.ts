/** Writes to the flow's log. Never put names, numbers or callers' words there. */
declare const console: Record<"debug" | "log" | "info" | "warn" | "error", (...values: unknown[]) => void>;
