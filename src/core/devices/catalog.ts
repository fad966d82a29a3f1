// Device models by name, as a configuration names them:
//
//   <serial-16550 name="com1" base="0x3f8" irq="4"/>
//   <shared-memory name="frames" base="0xa0000" size="64K" doorbell="0x510" irq="9"/>
//
// What a device says to the outside goes to `DeviceHost`; the outside reaches a device by the object that it is.
import { readNumber } from "../../session/index.ts";
import { Fault } from "../../util/index.ts";
import type { MakeDataspace } from "../service/dataspaces.ts";
import type { Alarms } from "../timer/index.ts";
import type { Device } from "./device.ts";
import { Serial16550 } from "./serial-16550.ts";
import { SharedMemoryDevice } from "./shared-memory.ts";

/** A device cannot be made as its configuration says; the message names device and attribute. */
export class DeviceFault extends Fault<"unknown-model" | "unknown-attribute" | "bad-attribute" | "out-of-memory"> {}

/** One element of a configuration. */
export interface DeviceSpec {
  readonly model: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** What devices are made with. */
export interface DeviceHost {
  readonly alarms: Alarms;
  readonly make: MakeDataspace;
  /** Bytes that a device has sent: characters of a serial port, values of a doorbell. */
  readonly sent: (device: string, byte: number) => void;
}

interface Attribute {
  readonly otherwise?: number;
  readonly most: number;
}

interface Model {
  /** Numbers, besides `name`; those without `otherwise` must be given. */
  readonly numbers: Readonly<Record<string, Attribute>>;
  make(name: string, numbers: Readonly<Record<string, number>>, host: DeviceHost): Device;
}

const PORT_MOST = 0xffff;
const IRQ_MOST = 255;
const MEMORY_MOST = 2 ** 32 - 1;

export const DEVICE_MODELS: Readonly<Record<string, Model>> = {
  "serial-16550": {
    numbers: { base: { otherwise: 0x3f8, most: PORT_MOST - 7 }, irq: { otherwise: 4, most: IRQ_MOST } },
    make: (name, { base, irq }, { alarms, sent }) =>
      new Serial16550({ name, base: base!, irq: irq!, alarms, transmitted: (byte) => sent(name, byte) }),
  },
  "shared-memory": {
    numbers: {
      base: { most: MEMORY_MOST },
      size: { most: 1 << 30 },
      doorbell: { most: PORT_MOST },
      irq: { most: IRQ_MOST },
    },
    make: (name, { base, size, doorbell, irq }, { make, sent }) => {
      const memory = make(size!);
      if (!memory.ok)
        throw new DeviceFault("out-of-memory", `device ${name}: no room for ${size} bytes`, { name, size });
      const rang = (value: number) => sent(name, value);
      return new SharedMemoryDevice({ name, base: base!, memory: memory.value, doorbell: doorbell!, irq: irq!, rang });
    },
  },
};

/** @throws DeviceFault that says what was found and what is allowed */
export function createDevice({ model, attributes }: DeviceSpec, host: DeviceHost): Device {
  const known = Object.hasOwn(DEVICE_MODELS, model) ? DEVICE_MODELS[model] : undefined;
  if (!known) {
    const all = Object.keys(DEVICE_MODELS).join(", ");
    throw new DeviceFault("unknown-model", `device model "${model}": expected one of ${all}`, { model });
  }
  const name = attributes.get("name") ?? model;
  for (const key of attributes.keys()) {
    if (key === "name" || Object.hasOwn(known.numbers, key)) continue;
    const all = ["name", ...Object.keys(known.numbers)].join(", ");
    throw new DeviceFault("unknown-attribute", `device ${name}: attribute ${key}, expected ${all}`, { name, key });
  }
  const numbers = Object.entries(known.numbers).map(([key, attribute]) => [
    key,
    numberOf(name, key, attributes.get(key), attribute),
  ]);
  return known.make(name, Object.fromEntries(numbers), host);
}

function numberOf(device: string, key: string, text: string | undefined, { otherwise, most }: Attribute): number {
  const value = text === undefined ? otherwise : readNumber(text);
  if (value !== undefined && value <= most) return value;
  const found = text === undefined ? "nothing" : `"${text}"`;
  const message = `device ${device}: ${key} is ${found}, expected a number from 0 to ${most}`;
  throw new DeviceFault("bad-attribute", message, { device, key });
}
