// RAM and the address space, with retries when the quota runs out (spec 2.12). No objects are made here, because the
// heap of objects stands on it.
import { kernelFutexWait, kernelParent, parent, pd, regionMap, Status } from "../../build/guest-abi/assemblyscript/abi";
import { begin, getSlot, getU32, getU64, invoke, putBytes, release } from "./message";
import { BLOCK_STATUS, stackAlloc, stackFree, stackPointer, threadBlock } from "./thread-block";

@lazy const ATTEMPTS: u32 = 10;

/** Slots of the environment; set by startup.ts. */
@lazy export let parentSlot: u32 = 0;
@lazy export let pdSlot: u32 = 0;
@lazy export let cpuSlot: u32 = 0;
@lazy export let spaceSlot: u32 = 0;
@lazy export let stackAreaSlot: u32 = 0;
@lazy export let linkerAreaSlot: u32 = 0;
@lazy const moment: usize = memory.data(4);
/** Waits until the parent has given more; a millisecond, until the component can be told. */
let afterRequest: (seen: u32) => void = (seen: u32) => {
  kernelFutexWait(moment, 0, 1_000_000);
};
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

/** Allocates; retried up to 10 times. @returns the dataspace's slot; 0, and `lastStatus()` says why, if that fails */
export function allocRam(bytes: usize): u32 {
  let attempt: u32 = 0;
  while (true) {
    const status = pd.alloc(pdSlot, bytes, 2);
    setLastStatus(status);
    if (status == Status.Ok) return getSlot();
    if (attempt++ == ATTEMPTS || !requestFor(status, bytes + 4096, 4)) return 0;
  }
}

/** How the calling thread's last allocation, attachment or creation of a thread ended. */
export function lastStatus(): Status {
  return <Status>load<u32>(threadBlock() + BLOCK_STATUS);
}

export function setLastStatus(status: Status): void {
  store<u32>(threadBlock() + BLOCK_STATUS, status);
}

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
    const status = regionMap.attach(map, dataspace, size, offset, useAddress, address, executable, writeable);
    setLastStatus(status);
    if (status == Status.Ok) return getU32();
    if (attempt++ == ATTEMPTS || !requestFor(status, 8192, 2)) return 0;
  }
}

export function detach(address: usize): void {
  regionMap.detach(spaceSlot, address);
}

export function mapDataspace(map: u32): u32 {
  return regionMap.dataspace(map) == Status.Ok ? getSlot() : 0;
}

/** The second half of what a dataspace says of itself in its first 16 bytes, "rtcr:heap chunk" (docs/GUEST-ABI.md). */
@lazy export const CHUNK_ROLE: u64 = 0x006b6e7568632070; // "p chunk\0"
@lazy export const BLOCK_ROLE: u64 = 0x006b636f6c622070; // "p block\0"
@lazy const ROLE: u64 = 0x6165683a72637472; // "rtcr:hea"

/** Allocates for a heap and attaches; what it is for comes first, the slot is stored at 20. @returns 0 if that fails */
export function attachRam(bytes: usize, role: u64): usize {
  const dataspace = allocRam(bytes);
  if (!dataspace) return 0;
  const address = attach(dataspace);
  if (!address) {
    freeRam(dataspace);
    return 0;
  }
  store<u64>(address, ROLE);
  store<u64>(address, role, 8);
  store<u32>(address, dataspace, 20);
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
