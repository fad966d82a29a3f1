// What of the SDK no other component in AssemblyScript uses: XML, the sliced heap, region maps and the ways to attach,
// reports, another log, threads, an entrypoint of one's own with signals of both levels, and a resource handler.
// biome-ignore lint/style/useImportType: AssemblyScript has no type imports
import {
  AttachedRom,
  allocRam,
  attach,
  attachIn,
  begin,
  detach,
  Entrypoint,
  ep,
  exit,
  freeRam,
  getU32,
  invoke,
  kernelYield,
  LogSession,
  lastStatus,
  Mutex,
  mapDataspace,
  print,
  putU32,
  Report,
  Request,
  Rm,
  RpcObject,
  resourceAvailSigh,
  Semaphore,
  SignalContext,
  SlicedHeap,
  Status,
  spaceSlot,
  start,
  submit,
  Thread,
  usedRam,
  XmlNode,
} from "../../../guest/assemblyscript/index";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

const PAGE: usize = 4096;
const MUCH: usize = 24 << 20;

function readConfig(): void {
  const rom = new AttachedRom("config");
  const config = new XmlNode(rom.text);
  print()
    .text(config.type)
    .text(" limit ")
    .num(config.number("limit", 0))
    .text(", mask ")
    .hex(config.number("mask", 0))
    .end();
  for (let item = config.first; item.valid; item = item.next) {
    const on = item.flag("on", false) ? " on" : " off";
    print()
      .text(item.type)
      .text(" ")
      .text(item.attribute("name", "without a name"))
      .text(on)
      .text(": ")
      .text(item.text)
      .end();
  }
  rom.close();
}

function slices(): void {
  const before = usedRam();
  const heap = new SlicedHeap();
  const small = heap.alloc(100);
  store<u8>(heap.alloc(5000) + 4999, 1);
  const both = usedRam() - before;
  const role = String.UTF8.decodeUnsafe(small & ~(PAGE - 1), 16, true);
  heap.free(small);
  heap.free(small + 16);
  const one = heap.consumed;
  heap.destroy();
  print()
    .text("sliced: ")
    .num(both)
    .text(", ")
    .num(one)
    .text(", ")
    .num(usedRam() - before)
    .text(", ")
    .text(role)
    .end();
}

/** Pages of a dataspace in other places, read through a map of one's own. */
function maps(): void {
  const rm = new Rm();
  const map = rm.create(<u32>(4 * PAGE));
  const ram = allocRam(2 * PAGE);
  const own = attach(ram);
  store<u32>(own, 11);
  store<u32>(own + PAGE, 22);
  attachIn(map, ram, PAGE, PAGE, true, 0);
  attachIn(map, ram, PAGE, 0, true, 2 * PAGE, true);
  const seen = attach(mapDataspace(map));
  const fixed = attachIn(spaceSlot, ram, 0, 0, false, 0, false, false);
  print()
    .text("mapped ")
    .num(load<u32>(seen))
    .text(" ")
    .num(load<u32>(seen + 2 * PAGE))
    .end();
  store<u32>(seen, 33);
  print()
    .text("read-only ")
    .num(load<u32>(fixed + PAGE))
    .end();
  detach(fixed);
  detach(seen);
  rm.destroy(map);
  rm.close();
  freeRam(ram);
}

function tell(): void {
  const report = new Report("news", 16);
  const fits = report.submit("<news/>");
  const long = report.submit("<news about='much'/>");
  print()
    .text("reported ")
    .text(fits ? "yes" : "no")
    .text(", too long ")
    .text(long ? "yes" : "no")
    .end();
  new LogSession("side").write("aside");
}

const mutex = new Mutex();
let inside: u32 = 0;
let collisions: u32 = 0;
let turns: u32 = 0;

class Turner extends Thread {
  run(): void {
    for (let turn = 0; turn < 20; turn++) {
      mutex.acquire();
      if (inside++) collisions++;
      kernelYield();
      turns++;
      inside--;
      mutex.release();
    }
  }
}

function threads(): void {
  const turners = [new Turner("one"), new Turner("two"), new Turner("three")];
  for (let i = 0; i < turners.length; i++) turners[i].start();
  for (let i = 0; i < turners.length; i++) {
    turners[i].join();
    turners[i].destroy();
  }
  print().text("threads: ").num(turns).text(" turns, ").num(collisions).text(" collisions").end();
}

let wrong: u32 = 0;

/** What attaching its dataspace comes to is the thread's own, whatever others have done by the time that it looks. */
class Attacher extends Thread {
  constructor(
    name: string,
    private dataspace: u32,
    private expected: Status,
  ) {
    super(name);
  }
  run(): void {
    for (let turn = 0; turn < 20; turn++) {
      const at = attach(this.dataspace);
      kernelYield();
      if (lastStatus() !== this.expected) wrong++;
      if (at) detach(at);
    }
  }
}

function statuses(): void {
  const ram = allocRam(PAGE);
  const attachers = [new Attacher("none", 0, Status.InvalidDataspace), new Attacher("some", ram, Status.Ok)];
  for (let i = 0; i < attachers.length; i++) attachers[i].start();
  for (let i = 0; i < attachers.length; i++) {
    attachers[i].join();
    attachers[i].destroy();
  }
  freeRam(ram);
  print().text("statuses: ").num(wrong).text(" of another thread").end();
}

class Doubler extends RpcObject {
  dispatch(opcode: u32, request: Request): u32 {
    if (opcode) return Status.InvalidOpcode;
    const value = request.u32();
    return request.ok().put(2 * value).done;
  }
}

const done = new Semaphore();
let runs: u32 = 0;
let ioRuns: u32 = 0;

class Io extends SignalContext {
  io: bool = true;
  handle(_count: u32): void {
    ioRuns++;
  }
}

/** Waits in its first run, in which its second signal is held back. */
class Application extends SignalContext {
  constructor(
    private entrypoint: Entrypoint,
    private other: Io,
  ) {
    super();
  }
  handle(count: u32): void {
    runs++;
    print().text("application run ").num(runs).text(", ").num(count).text(" signals").end();
    if (runs > 1) return done.up();
    submit(this.capability);
    submit(this.other.capability);
    this.entrypoint.waitAndDispatchOneIoSignal();
    print().text("waited: ").num(runs).text(" application, ").num(ioRuns).text(" I/O").end();
  }
}

function serve(): void {
  const entrypoint = new Entrypoint("own", 16 << 10);
  const doubler = entrypoint.manageObject(new Doubler());
  begin();
  putU32(21);
  invoke(doubler, 0, 0, 0);
  print().text("doubled ").num(getU32()).end();
  const io = new Io();
  entrypoint.manage(io);
  const application = new Application(entrypoint, io);
  entrypoint.manage(application);
  submit(application.capability, 3);
  done.down();
}

/** Told when there is more. */
class More extends SignalContext {
  handle(_count: u32): void {
    const got = allocRam(MUCH);
    print().text("with more: ").status(lastStatus()).end();
    if (got) exit(0);
  }
}

function construct(): void {
  readConfig();
  slices();
  maps();
  tell();
  threads();
  statuses();
  serve();
  resourceAvailSigh(ep().manage(new More()));
  allocRam(MUCH);
  print().text("too much: ").status(lastStatus()).end();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
