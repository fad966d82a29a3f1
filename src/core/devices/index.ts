// Device models and the sessions that reach them.
export { createDevice, DEVICE_MODELS, DeviceFault, type DeviceHost, type DeviceSpec } from "./catalog.ts";
export { type Device, DeviceBus, type MemoryRange, overlap, type PortRange } from "./device.ts";
export { InterruptLine, type Trigger } from "./interrupt-line.ts";
export { Serial16550, SerialFault, type SerialOptions } from "./serial-16550.ts";
export { CoreIoMem, CoreIoPort, CoreIrq } from "./sessions.ts";
export { SharedMemoryDevice, type SharedMemoryOptions } from "./shared-memory.ts";
