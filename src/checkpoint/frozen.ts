// Checkpoint information that nobody can change (S70, S74). Bytes cannot be frozen by the language: they are copies in
// storage of the checkpoint's own (a data provider's lease), which neither children nor services can reach.

/** Freezes a value of plain data with everything in it but bytes. @returns the value */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) frozen(part);
  return value;
}
