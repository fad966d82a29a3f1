// The module as bytes and as data; knows nothing of checkpoints.
export { BLOCK_EMPTY, BLOCK_VALUE, type CatchClause } from "./block-type.ts";
export { type Body, BodyDecoder } from "./body.ts";
export { canonicalTypes, plainFunctionTypes, signatureKey } from "./canonical-types.ts";
export {
  type ConstantReference,
  type ConstantVisitor,
  constantReferences,
  walkConstantExpression,
} from "./constant-expression.ts";
export { decodeModule } from "./decode.ts";
export { encodeModule } from "./encode.ts";
export { WasmFault, type WasmFaultCode, type WasmFaultDetail } from "./faults.ts";
export {
  functionType,
  functionTypeIndex,
  globalType,
  type IndexSpaces,
  importedCount,
  importsOf,
  indexSpaces,
  memoryType,
  tableType,
  tagType,
} from "./index-space.ts";
export { LIMITS } from "./limits.ts";
export { emptyModule, requireSupported } from "./module.ts";
export { functionName, type NameSection, nameSection } from "./names.ts";
export { OP, opcodeBytes, opcodeDefined, opcodeName, operandsOf, resultOf } from "./opcode.ts";
export { blockSignature, calleeType, pushedTypes } from "./signatures.ts";
export * from "./types.ts";
export { Typing } from "./typing.ts";
export { describeType, readHeapType, readValueType, writeHeapType, writeValueType } from "./value-type.ts";
