// Systems of components: core, init and components in TypeScript, the package's entry "rtcr/systems". Runs under Node and in
// browsers, where "@rgrove/parse-xml" must be found besides.
export {
  type AlarmClock,
  Core,
  CoreFault,
  type CoreOptions,
  createRealClock,
  type Device,
  type First,
  type FirstOptions,
  InterruptLine,
  type NativeComponent,
  type NativeProgram,
  type NativePrograms,
  nativeBinary,
  Serial16550,
  SharedMemoryDevice,
  VirtualClock,
} from "./core/index.ts";
export { componentWasi, deterministicWasi } from "./machine/component-wasi.ts";
export { Connections, NATIVE_PROGRAMS, Server } from "./native/index.ts";
export * from "./session/index.ts";
