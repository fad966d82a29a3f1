// Random modules of Binaryen's fuzzer (`wasm-opt -ttf`): random bytes in, a valid module out.
//
// The tool is a program for Node in one file of 11 MB; started anew for each module it takes half a second. So its
// JavaScript is compiled once, and every call gets a fresh instance of its one compiled module.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(import.meta.url);

type Tool = (...scope: unknown[]) => void;

/** Makes random modules, one after the other. */
export class RandomModules {
  readonly #folder = mkdtempSync(join(tmpdir(), "rtcr-ttf-"));
  readonly #tool: Tool;
  #module: WebAssembly.Module | undefined;
  /** WebAssembly as the tool sees it when it runs for the first time: what it compiles is kept. */
  readonly #first: object = Object.create(WebAssembly, {
    instantiate: {
      value: async (bytes: Uint8Array, imports: WebAssembly.Imports) => {
        this.#module = new WebAssembly.Module(bytes as BufferSource);
        return { instance: new WebAssembly.Instance(this.#module, imports) };
      },
    },
  });

  constructor() {
    const source = readFileSync(require.resolve("binaryen/bin/wasm-opt"), "utf8").replace(/^#!.*/, "");
    const scope = ["Module", "require", "module", "process", "__filename", "__dirname", "WebAssembly"];
    this.#tool = new Function(...scope, source) as Tool;
  }

  /** How the tool gets an instance afterwards, without decoding its module from text again. */
  readonly #again = (imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void): void =>
    receive(new WebAssembly.Instance(this.#module!, imports));

  /**
   * The module that the fuzzer makes of `input`: the same for the same bytes and features.
   *
   * @param features of WebAssembly (`simd`, `threads`: as in `--enable-simd`)
   * @param more options of wasm-opt
   */
  async make(
    input: Uint8Array,
    features: readonly string[],
    more: readonly string[] = [],
  ): Promise<Uint8Array<ArrayBuffer>> {
    const [from, to] = [join(this.#folder, "in"), join(this.#folder, "out.wasm")];
    writeFileSync(from, input);
    const enabled = features.map((name) => `--enable-${name}`);
    await this.#run([from, "-ttf", "-o", to, "--strip-debug", "--mvp-features", ...enabled, ...more]);
    const bytes = new Uint8Array(readFileSync(to));
    rmSync(to);
    return bytes;
  }

  /** Removes what lies in the temporary directory. */
  close(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #run(args: string[]): Promise<void> {
    const messages: string[] = [];
    return new Promise((resolve, reject) => {
      const status = { exitCode: 0 };
      const host = new Proxy(process, { set: (_, key, value) => Reflect.set(status, key, value) });
      const done = () => (status.exitCode ? reject(new Error(messages.join("\n"))) : resolve());
      const options = {
        arguments: args,
        postRun: [done],
        print: () => {},
        printErr: (text: string) => messages.push(text),
        ...(this.#module ? { instantiateWasm: this.#again } : {}),
      };
      this.#tool(options, require, {}, host, "wasm-opt", this.#folder, this.#first);
    });
  }
}
