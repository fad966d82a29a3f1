// Device models and the sessions that reach them.
export { type Device, DeviceBus, type MemoryRange, overlap, type PortRange } from "./device.ts";
export { InterruptLine, type Trigger } from "./interrupt-line.ts";
export { Serial16550, SerialFault, type SerialOptions } from "./serial-16550.ts";
export { CoreIoMem, CoreIoPort, CoreIrq } from "./sessions.ts";
