// The assembly of core.
export { Core, type CoreOptions, type DeviceParts, type Grid } from "./core.ts";
export { CoreFault, type First, type FirstOptions } from "./first.ts";
export { type ComponentInfo, inspectComponents, type ThreadInfo } from "./inspect.ts";
