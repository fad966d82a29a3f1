// A supervisor with one child, in this process.
import { Core, nativeBinary } from "../src/core/index.ts";
import { NATIVE_PROGRAMS } from "../src/native/index.ts";
import { Rtcr, RtcrFault, type RtcrOptions } from "../src/rtcr/index.ts";
import type { Env } from "../src/session/index.ts";
import { nodeSha256 } from "../src/store/index-node.ts";
import { componentFile } from "./evaluation/run-benchmark.ts";

/** A system whose supervisor has one child, which is not begun yet. */
export class OneChild {
  readonly env: Promise<Env>;
  readonly #core: Core;
  #said: (() => void) | undefined;

  /** @param inside of its start node */
  constructor(name: string, inside: string) {
    const { promise, resolve, reject } = Promise.withResolvers<Env>();
    this.env = promise;
    const supervisor = (env: Env) => {
      resolve(env);
      return { dispose: () => {} };
    };
    const services = ["PD", "CPU", "ROM", "LOG", "RM", "Timer"].map((name) => `<service name="${name}"/>`).join("");
    const routes = `<parent-provides>${services}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;
    const child = `<start name="${name}" caps="1000" ram="300M">${inside}</start>`;
    const config = `<config>${routes}<start name="rtcr" caps="5000" ram="400M"><config>${routes}${child}</config></start></config>`;
    const programs = new Map([...NATIVE_PROGRAMS, ["rtcr", supervisor] as const]);
    const modules = new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)]));
    modules.set(name, componentFile(name)).set("config", new TextEncoder().encode(config));
    this.#core = new Core({
      ...{ quota: { ram: 1 << 30, caps: 50_000 }, modules, programs, hash: nodeSha256 },
      output: (line) => (line.includes(`-> ${name}]`) ? this.#said?.() : reject(new Error(line))),
      kernel: { failed: reject },
    });
    this.#core.start({ name: "init", binary: "init" });
  }

  /** Starts the child. @returns when it has said its first line */
  async begin(options: RtcrOptions = {}): Promise<Rtcr> {
    const env = await this.env;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#said = resolve;
    const restored: RtcrOptions["restored"] = (outcome) => {
      if (outcome instanceof RtcrFault) reject(outcome);
    };
    const rtcr = new Rtcr(env, { ...options, restored });
    await promise;
    return rtcr;
  }

  /**
   * Restores the child, which stands by.
   *
   * @returns when all is ready: tells it to go on, and is over when it has said a line
   */
  async standBy(options: RtcrOptions): Promise<() => Promise<void>> {
    const env = await this.env;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const restored: RtcrOptions["restored"] = (outcome) => {
      if (outcome instanceof RtcrFault) reject(outcome);
    };
    const rtcr = new Rtcr(env, { ...options, standby: () => true, standingBy: resolve, restored });
    await promise;
    await new Promise((resolve) => setImmediate(resolve)); // no component is on the JavaScript stack then
    return () => {
      const said = this.said();
      rtcr.proceed();
      return said;
    };
  }

  /** @returns when the child has said something more */
  said(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#said = resolve;
    return promise;
  }

  dispose(): void {
    this.#core.dispose();
  }
}
