// How texts, options, lists and errors of the contract lie in memory: the canonical ABI of components, for 32-bit memories.
//
// Nothing is freed: an instance serves one call and is thrown away with its memory.

// Where results of host calls are written. A call is over before the next one begins, so one place serves all; the
// largest result is `appointments.book`, 104 bytes.
export const result: usize = memory.data(128, 8);

// Why the flow gave up; empty while it has not.
let failure: string = "";

export function whyItFailed(): string {
  return failure;
}

// A host call that returned `result<…, error>` at `result`: true when it went well. `at` is where the payload begins.
// A hang-up is no failure. False means: the conversation is over.
export function wentWell(call: string, at: usize = 4): bool {
  if (load<u8>(result) == 0) return true;
  const error = result + at;
  const tag = load<u8>(error);
  if (tag == 1) failure = call + ": timeout";
  else if (tag == 2) failure = call + ": denied";
  else if (tag == 3) failure = call + ": unavailable";
  else if (tag == 4) failure = call + ": " + text(error + 4);
  return false;
}

// A text on its way to the host.
export class Sent {
  bytes: ArrayBuffer;
  constructor(text: string) {
    this.bytes = String.UTF8.encode(text);
  }
  get at(): usize {
    return changetype<usize>(this.bytes);
  }
  get size(): usize {
    return <usize>this.bytes.byteLength;
  }
}

export function text(at: usize): string {
  return String.UTF8.decodeUnsafe(load<usize>(at), load<usize>(at + 4));
}

export function optionalText(at: usize): string | null {
  return load<u8>(at) == 0 ? null : text(at + 4);
}

export function storeText(at: usize, value: string): void {
  const sent = new Sent(value);
  store<usize>(at, sent.at);
  store<usize>(at + 4, sent.size);
}

export function storeOptionalText(at: usize, value: string | null): void {
  store<u8>(at, value === null ? 0 : 1);
  if (value !== null) storeText(at + 4, value);
}

// Texts as the host reads a list of them; returns where it begins.
export function storeTexts(texts: string[]): usize {
  const list = heap.alloc(8 * texts.length + 8);
  for (let index = 0; index < texts.length; index++) storeText(list + 8 * index, texts[index]);
  return list;
}

// For the host, when it hands over what does not fit a register.
export function reallocate(old: usize, oldSize: usize, align: usize, size: usize): usize {
  // An address that is never read, but aligned.
  if (size == 0) return align;
  // heap.alloc aligns to 16, which is enough for everything in the contract.
  const fresh = heap.alloc(size);
  if (oldSize > 0) memory.copy(fresh, old, min(oldSize, size));
  return fresh;
}
