// What every layer may use.
export { type Attempt, type Refusal, refusal, success } from "./attempt.ts";
export type { ByteSink } from "./byte-sink.ts";
export {
  allZero,
  ByteReader,
  BytesFault,
  ByteWriter,
  clearBytes,
  copyWords,
  equalBytes,
  joinBytes,
  toHex,
  zeroWords,
} from "./bytes.ts";
export { Chain, type Linked } from "./chain.ts";
export { assert, Bug, Fault, messageOf, required } from "./fault.ts";
export { PlainReader, plainOf } from "./plain-reader.ts";
export { type NumberType, type Plain, PlainWriter } from "./plain-writer.ts";
export { type Placed, Row } from "./row.ts";
export { type RefuseState, StateReader } from "./state-reader.ts";
