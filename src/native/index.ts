// Components in TypeScript that a system can be made of, by the names that modules have (`rtcr-native:NAME`).
import type { NativeProgram, NativePrograms } from "../core/index.ts";
import { init } from "../init/index.ts";
import { interposer } from "./interposer.ts";
import { logServer } from "./log-server.ts";
import { reportRom } from "./report-rom.ts";

export { type ConnectionEvents, type ConnectionRequest, Connections } from "./connections.ts";
export { interposer } from "./interposer.ts";
export { logServer } from "./log-server.ts";
export { reportRom } from "./report-rom.ts";
export {
  type Answer,
  type CaptureSession,
  type ServedRequest,
  type ServedSession,
  Server,
  type Service,
} from "./server.ts";

export const NATIVE_PROGRAMS: NativePrograms = new Map<string, NativeProgram>([
  ["init", init],
  ["report_rom", reportRom],
  ["log_server", logServer],
  ["interposer", interposer],
]);
