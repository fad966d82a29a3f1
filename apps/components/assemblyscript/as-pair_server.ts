// The twin of pair_server: each session has a dataspace that it shares with its client. Needs windows.
// biome-ignore lint/style/useImportType: AssemblyScript has no type imports
import { allocRam, attach, print, Request, Root, RpcObject, Status, start } from "../../../guest/assemblyscript/index";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

const WORDS: u32 = 4096;

class PairSession extends RpcObject {
  private dataspace: u32 = allocRam(WORDS * 4);
  private words: usize = attach(this.dataspace);

  dispatch(opcode: u32, request: Request): u32 {
    if (opcode === 0) return request.ok().putSlot(this.dataspace).done;
    const count = request.u32();
    if (opcode === 1) {
      if (count > WORDS) return request.fail(0);
      let sum: u32 = 0;
      for (let i: u32 = 0; i < count; i++) sum += load<u32>(this.words + i * 4);
      return request.ok().put(sum).done;
    }
    if (opcode !== 2) return Status.InvalidOpcode;
    const first = request.u32();
    if (count > WORDS) return request.fail(0);
    for (let i: u32 = 0; i < count; i++) store<u32>(this.words + i * 4, first + i);
    return request.ok().done;
  }
}

class PairRoot extends Root {
  create(label: string, _args: string): RpcObject | null {
    print().text('session for "').text(label).text('"').end();
    return new PairSession();
  }
  destroy(_session: RpcObject): void {
    print().text("session closed").end();
  }
}

function construct(): void {
  new PairRoot("Pair").announce();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
