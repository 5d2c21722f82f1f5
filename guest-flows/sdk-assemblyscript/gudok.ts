// Write a Gudok flow in AssemblyScript: a conversation as it reads, top to bottom.
//
// Every call waits until it is done. AssemblyScript has no exceptions to catch, so a call that may fail returns null or
// false when the conversation is over (the caller hung up, or the call failed): return then. What failed is remembered
// and told to the host, which hands the caller to a person.

import { reallocate, storeText, whyItFailed } from "./abi";

export { reallocate as cabi_realloc };

const outcome: usize = memory.data(12, 4);

// What `run` returns to the host: export function run(): usize { conversation(); return end(); }
export function end(): usize {
  const failed = whyItFailed().length > 0;
  store<u8>(outcome, failed ? 1 : 0);
  if (failed) storeText(outcome + 4, whyItFailed());
  return outcome;
}
