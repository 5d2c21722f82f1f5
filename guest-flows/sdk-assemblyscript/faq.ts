// The clinic's questions and answers.

import { Sent, result, text, wentWell } from "./abi";

@external("gudok:faq/faq@0.1.0", "find")
declare function hostFind(question: usize, size: usize, result: usize): void;

export class Hit {
  id: string = "";
  question: string = "";
  answer: string = "";
  confidence: f64 = 0;
}

// The entries that answer what was asked, best first; null when the conversation is over.
export function find(question: string): Hit[] | null {
  const sent = new Sent(question);
  hostFind(sent.at, sent.size, result);
  if (!wentWell("faq.find")) return null;
  const list = load<usize>(result + 4);
  const hits: Hit[] = [];
  for (let index: usize = 0; index < load<usize>(result + 8); index++) {
    const at = list + 32 * index;
    const hit = new Hit();
    hit.id = text(at);
    hit.question = text(at + 8);
    hit.answer = text(at + 16);
    hit.confidence = load<f64>(at + 24);
    hits.push(hit);
  }
  return hits;
}
