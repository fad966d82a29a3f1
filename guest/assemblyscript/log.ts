// Lines for the LOG session, cut at 230 bytes. `print()` builds one without allocating:
//
//   print().text("turn ").num(turn).end();
import { log as logStub, nameOfStatus, Status } from "../../build/guest-abi/assemblyscript/abi";
import { begin, invoke, putBytes } from "./message";
import { BLOCK_LINE, threadBlock } from "./thread-block";

@lazy const LIMIT: u32 = 230;
@lazy let logSlot: u32 = 0;

export function setLog(slot: u32): void {
  logSlot = slot;
}

/** The calling thread's line. */
export class Line {
  private put(byte: u32): void {
    const at = threadBlock() + BLOCK_LINE;
    const length = load<u32>(at);
    if (length >= LIMIT) return;
    store<u8>(at + 4 + length, <u8>byte);
    store<u32>(at, length + 1);
  }
  /** Characters beyond ASCII become `?`. */
  text(value: string): Line {
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      this.put(code < 128 ? code : 63);
    }
    return this;
  }
  num(value: u64): Line {
    let divisor: u64 = 1;
    while (value / divisor >= 10) divisor *= 10;
    for (; divisor; divisor /= 10) this.put(<u32>(48 + ((value / divisor) % 10)));
    return this;
  }
  signed(value: i64): Line {
    if (value < 0) this.put(45);
    return this.num(<u64>(value < 0 ? -value : value));
  }
  hex(value: u64): Line {
    this.text("0x");
    let shift: u64 = 60;
    while (shift && !((value >> shift) & 15)) shift -= 4;
    while (true) {
      const digit = <u32>((value >> shift) & 15);
      this.put(digit < 10 ? 48 + digit : 87 + digit);
      if (!shift) return this;
      shift -= 4;
    }
  }
  status(value: Status): Line {
    return this.text(nameOfStatus(value));
  }
  /** Writes the line. */
  end(): void {
    const at = threadBlock() + BLOCK_LINE;
    begin();
    putBytes(at + 4, load<u32>(at));
    invoke(logSlot, 0, 0, 0);
  }
}

@lazy const line = new Line();

/** Begins a line. */
export function print(): Line {
  store<u32>(threadBlock() + BLOCK_LINE, 0);
  return line;
}

export function log(text: string): void {
  print().text(text).end();
}

export function warning(text: string): void {
  print().text("Warning: ").text(text).end();
}

export function error(text: string): void {
  print().text("Error: ").text(text).end();
}

/** Another LOG session than the component's own. @returns the number of characters written */
export function writeTo(session: u32, text: string): u32 {
  return logStub.write(session, text) == Status.Ok ? load<u32>(threadBlock() + 44) : 0;
}
