// Module -> module: instrumented code, and the continuations of frozen frames.
export { type ContinuationModule, continuations } from "./continuation.ts";
export { CONTINUATION_NAME } from "./function-names.ts";
export { type GlobalAccessor, globalAccessor } from "./globals.ts";
export { type FrameLayout, FrameLayouts, type LayoutSite } from "./layouts.ts";
export { payloadAccessor } from "./payloads.ts";
export { type ImportKind, Program, type RewriteOptions, type WindowOptions } from "./program.ts";
export { referenceModule } from "./reference-module.ts";
export { type RewriteResult, type RewriteStatistics, rewrite } from "./rewrite.ts";
export { type ContinuationRequest, SIDE_IMPORT } from "./side-module.ts";
