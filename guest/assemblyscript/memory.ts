// RAM and the address space, with retries when the quota runs out (spec 2.12). No objects are made here, because the
// heap of objects stands on it.
import { cpu, kernelParent, parent, pd, regionMap, Status } from "../../build/guest-abi/assemblyscript/abi";
import { begin, getSlot, getU32, getU64, invoke, putBytes, release } from "./message";
import { stackAlloc, stackFree, stackPointer } from "./thread-block";

@lazy const ATTEMPTS: u32 = 10;

/** Slots of the environment; set by startup.ts. */
@lazy export let parentSlot: u32 = 0;
@lazy export let pdSlot: u32 = 0;
@lazy export let cpuSlot: u32 = 0;
@lazy export let spaceSlot: u32 = 0;
@lazy export let stackAreaSlot: u32 = 0;
@lazy export let linkerAreaSlot: u32 = 0;
/** Waits until the parent has given more; replaced once the component can wait. */
let afterRequest: (seen: u32) => void = (seen: u32) => {};
let countRequests: () => u32 = () => 0;

export function initMemory(): void {
  parentSlot = kernelParent();
  pdSlot = sessionCap(1);
  cpuSlot = sessionCap(2);
  pd.addressSpace(pdSlot);
  spaceSlot = getSlot();
  pd.stackArea(pdSlot);
  stackAreaSlot = getSlot();
  pd.linkerArea(pdSlot);
  linkerAreaSlot = getSlot();
}

export function sessionCap(id: u32): u32 {
  return parent.sessionCap(parentSlot, id) == Status.Ok ? getSlot() : 0;
}

export function setResourceWait(count: () => u32, wait: (seen: u32) => void): void {
  countRequests = count;
  afterRequest = wait;
}

/** From now on this context is told of more resources, and requests do not wait. */
export function resourceAvailSigh(context: u32): void {
  setResourceWait(
    () => 0,
    (seen: u32) => {},
  );
  parent.resourceAvailSigh(parentSlot, context);
}

/**
 * Asks the parent for more and waits until it has given some. Nothing is allocated: the heap may be what asks.
 *
 * @param key `ram_quota=` or `cap_quota=`
 */
export function resourceRequest(key: string, amount: u64): void {
  const seen = countRequests();
  const before = stackPointer;
  const text = stackAlloc(48);
  let length: usize = 0;
  for (; length < <usize>key.length; length++) store<u8>(text + length, <u8>key.charCodeAt(<i32>length));
  let divisor: u64 = 1;
  while (amount / divisor >= 10) divisor *= 10;
  for (; divisor; divisor /= 10) store<u8>(text + length++, <u8>(48 + ((amount / divisor) % 10)));
  begin();
  putBytes(text, <u32>length);
  invoke(parentSlot, parent.RESOURCE_REQUEST, 0, 0);
  stackFree(before);
  afterRequest(seen);
}

/** Asks for what a call was refused for. @returns false if it was refused for something else */
export function requestFor(status: Status, bytes: usize, caps: u32): bool {
  if (status == Status.OutOfCaps) resourceRequest("cap_quota=", caps);
  else if (status == Status.OutOfRam) resourceRequest("ram_quota=", bytes);
  else return false;
  return true;
}

/** Allocates; retried up to 10 times. @returns the dataspace's slot; 0 and `lastStatus` if that fails */
export function allocRam(bytes: usize): u32 {
  let attempt: u32 = 0;
  while (true) {
    lastStatus = pd.alloc(pdSlot, bytes, 2);
    if (lastStatus == Status.Ok) return getSlot();
    if (attempt++ == ATTEMPTS || !requestFor(lastStatus, bytes + 4096, 4)) return 0;
  }
}

/** Why the last function of this file failed, for the thread that called it. */
@lazy export let lastStatus: Status = Status.Ok;

/** Gives another PD of the component some of its RAM; retried twice. */
export function transferRam(to: u32, bytes: u64): Status {
  for (let attempt = 0; true; attempt++) {
    const status = pd.transferRamQuota(pdSlot, to, bytes);
    if (status != Status.OutOfRam || attempt == 2) return status;
    resourceRequest("ram_quota=", bytes);
  }
}

export function transferCaps(to: u32, caps: u64): Status {
  for (let attempt = 0; true; attempt++) {
    const status = pd.transferCapQuota(pdSlot, to, caps);
    if (status != Status.OutOfCaps || attempt == 2) return status;
    resourceRequest("cap_quota=", caps);
  }
}

/** Ends the dataspace, and gives back its slot. */
export function freeRam(dataspace: u32): void {
  pd.free_(pdSlot, dataspace);
  release(dataspace);
}

/** Attaches all of a dataspace anywhere in the address space. @returns 0 if that fails */
export function attach(dataspace: u32): usize {
  return attachIn(spaceSlot, dataspace, 0, 0, false, 0);
}

/** @param size 0: all from `offset` on @param address that it must have, if `useAddress` says so @returns 0 if that fails */
export function attachIn(
  map: u32,
  dataspace: u32,
  size: usize,
  offset: usize,
  useAddress: bool,
  address: usize,
  executable: bool = false,
  writeable: bool = true,
): usize {
  let attempt: u32 = 0;
  while (true) {
    lastStatus = regionMap.attach(map, dataspace, size, offset, useAddress, address, executable, writeable);
    if (lastStatus == Status.Ok) return getU32();
    if (attempt++ == ATTEMPTS || !requestFor(lastStatus, 8192, 2)) return 0;
  }
}

export function detach(address: usize): void {
  regionMap.detach(spaceSlot, address);
}

export function mapDataspace(map: u32): u32 {
  return regionMap.dataspace(map) == Status.Ok ? getSlot() : 0;
}

/** Allocates and attaches; the slot is stored in the second word. @returns 0 if that fails */
export function attachRam(bytes: usize): usize {
  const dataspace = allocRam(bytes);
  if (!dataspace) return 0;
  const address = attach(dataspace);
  if (address) store<u32>(address, dataspace, 4);
  else freeRam(dataspace);
  return address;
}

/** Quota and use of the component's PD. */
export function ramQuota(): u64 {
  return pd.ramQuota(pdSlot) == Status.Ok ? getU64() : 0;
}
export function usedRam(): u64 {
  return pd.usedRam(pdSlot) == Status.Ok ? getU64() : 0;
}
export function capQuota(): u64 {
  return pd.capQuota(pdSlot) == Status.Ok ? getU64() : 0;
}
export function usedCaps(): u64 {
  return pd.usedCaps(pdSlot) == Status.Ok ? getU64() : 0;
}

/** Upgrades the CPU session when it has no room for another thread. @returns the thread's slot; 0 if that fails */
export function createThread(name: string, weight: u32): u32 {
  let attempt: u32 = 0;
  while (true) {
    lastStatus = cpu.createThread(cpuSlot, pdSlot, name, 0, weight, 0);
    if (lastStatus == Status.Ok) return getSlot();
    if (attempt++ == ATTEMPTS) return 0;
    if (lastStatus == Status.OutOfCaps) parent.upgrade(parentSlot, 2, "cap_quota=2");
    else if (lastStatus == Status.OutOfRam) parent.upgrade(parentSlot, 2, "ram_quota=8K");
    else return 0;
  }
}
