// Handing the caller over to a person.

import { Sent, result, wentWell } from "./abi";

@external("gudok:routing/routing@0.1.0", "transfer")
declare function hostTransfer(
  to: i32, line: usize, lineSize: usize, summary: usize, summarySize: usize, result: usize): void;

export enum Destination { Operator, Doctor, Ward, Results, Line }
export enum Outcome { Connected, Nobody, Refused, Over }

// `line` is the name of a line from the clinic file, for Destination.Line. Over: so is the conversation.
export function transfer(to: Destination, summary: string, line: string = ""): Outcome {
  const name = new Sent(line);
  const sent = new Sent(summary);
  hostTransfer(to, name.at, name.size, sent.at, sent.size, result);
  return wentWell("routing.transfer") ? <Outcome>load<u8>(result + 4) : Outcome.Over;
}
