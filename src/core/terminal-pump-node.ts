// Standard input on the main thread: moves what a stream of Node receives into a ring for the program's thread.

import type { Readable } from "node:stream";
import type { ByteRing } from "./ring.ts";

export interface InputPump {
  /** Stops reading. Bytes that are not in the ring yet stay in the stream. */
  stop(): void;
}

/**
 * Moves bytes from `stream` to `ring`, from the moment the program first asks for input (a program that never reads
 * leaves its input to others) until the stream ends. An error of the stream counts as its end.
 *
 * @param wake called after every change of the ring: wakes the waits of the program (`Machine`)
 */
export function pumpInput(stream: Readable, ring: ByteRing, wake: () => void): InputPump {
  let stopped = false;
  let moving = Promise.resolve();
  const done = () => stopped;
  const move = async (chunk: Uint8Array) => {
    let left = chunk;
    while (left.length > 0 && !stopped) {
      left = left.subarray(ring.write(left));
      wake();
      await ring.room(done);
    }
    if (!stopped) stream.resume();
    else if (left.length > 0 && !stream.readableEnded) stream.unshift(left);
  };
  const receive = (chunk: Uint8Array) => {
    stream.pause();
    moving = move(chunk);
  };
  // A stream may end while its last chunk still waits for room.
  const end = () =>
    void moving.then(() => {
      ring.end();
      wake();
    });
  const begin = async () => {
    await ring.wanted(done);
    if (stopped) return;
    stream.on("data", receive).on("end", end).on("error", end).on("close", end);
  };
  void begin();
  return {
    stop: () => {
      stopped = true;
      stream.off("data", receive).off("end", end).off("error", end).off("close", end);
      stream.pause();
    },
  };
}
