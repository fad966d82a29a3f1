// Scopes: how long named pieces of a component's work take. The component exports `rtcr_profiling` for them:
//
//   export { rtcr_profiling } from ".../guest/assemblyscript/index";
//   const scope = beginScope("parse", Color.Blue);
//   parse();
//   endScope(scope);
//
// While nobody records, each is one test of a word.
import { kernelScopeBegin, kernelScopeEnd } from "../../build/guest-abi/assemblyscript/abi";
import { stackAlloc, stackFree, stackPointer } from "./thread-block";

/** Address of a word that is not 0 while scopes are recorded; the kernel writes it. */
export const rtcr_profiling: usize = memory.data(4, 4);

export enum Color { Red, Blue, Violet, Green, Gray }

@lazy const LIMIT: i32 = 64;

/** @param name ASCII, at most 64 characters of it are kept. @returns what `endScope` is given, in the same thread */
// @ts-ignore: decorator
@inline
export function beginScope(name: string, color: Color): u32 {
  return load<u32>(rtcr_profiling) ? recorded(name, color) : 0;
}

// @ts-ignore: decorator
@inline
export function endScope(scope: u32): void {
  if (scope) kernelScopeEnd(scope);
}

function recorded(name: string, color: Color): u32 {
  const length = min(name.length, LIMIT);
  const before = stackPointer;
  const bytes = stackAlloc(LIMIT);
  for (let i = 0; i < length; i++) store<u8>(bytes + i, <u8>name.charCodeAt(i));
  const scope = kernelScopeBegin(bytes, length, color);
  stackFree(before);
  return scope;
}
