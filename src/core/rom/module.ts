// ROM modules: named contents. Those that the system was booted with never change, others get new contents.
import { type Capability, type Dataspace, INVALID } from "../../session/index.ts";
import { assert } from "../../util/index.ts";
import type { MakeDataspace } from "../service/dataspaces.ts";
import { BootRom, CoreRom } from "./session.ts";
import { type RomSource, Watched } from "./source.ts";

/** A module whose content is set by its owner. */
export class RomModule extends Watched implements RomSource {
  #content: Uint8Array | undefined;

  constructor(content?: Uint8Array) {
    super();
    this.#content = content;
  }

  content(): Uint8Array | undefined {
    return this.#content;
  }

  /** @param content belongs to the module from now on; undefined: there is none any more */
  change(content: Uint8Array | undefined): void {
    this.#content = content;
    this.changed();
  }
}

/** Core's modules by name. */
export class RomModules {
  readonly #make: MakeDataspace;
  readonly #modules = new Map<string, BootModule | RomModule>();

  /** @param make pays for one dataspace for each boot module in use, and one for each session of another module */
  constructor(make: MakeDataspace) {
    this.#make = make;
  }

  /** Adds a module of the boot image. @param content belongs to the module from now on and never changes */
  boot(name: string, content: Uint8Array): void {
    this.#add(name, { content, dataspace: INVALID });
  }

  /** Adds a module that its owner changes. */
  dynamic(name: string, content?: Uint8Array): RomModule {
    const module = new RomModule(content);
    this.#add(name, module);
    return module;
  }

  /** A session of a module; undefined: there is none of that name. */
  open(name: string): BootRom | CoreRom | undefined {
    const module = this.#modules.get(name);
    if (!module) return undefined;
    return module instanceof RomModule ? new CoreRom(module, this.#make) : new BootRom(() => this.#shared(module));
  }

  names(): readonly string[] {
    return [...this.#modules.keys()];
  }

  #shared(module: BootModule): Capability<Dataspace> {
    if (module.dataspace.valid) return module.dataspace;
    const made = this.#make(module.content.length);
    if (!made.ok) return INVALID;
    made.value.fill(module.content);
    module.dataspace = made.value.capability;
    return module.dataspace;
  }

  #add(name: string, module: BootModule | RomModule): void {
    assert(!this.#modules.has(name), `module ${name} exists once`);
    this.#modules.set(name, module);
  }
}

interface BootModule {
  readonly content: Uint8Array;
  /** INVALID until the first session asks for it. */
  dataspace: Capability<Dataspace>;
}
