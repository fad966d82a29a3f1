// Components in TypeScript.
export { createEnv, type EnvOptions, NativeFault, type OwnedEnv, type SavedSignals, writeLine } from "./env.ts";
export {
  type NativeComponent,
  type NativeProgram,
  type NativePrograms,
  nativeBinary,
  nativeProgramName,
} from "./programs.ts";
export { TaskQueue } from "./task-queue.ts";
