// The configuration of an init: what it last read in its module `config`, and what of that is in force.
import {
  type Capability,
  INVALID,
  objectOf,
  type RomSession,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import { checkConfig, describeFinding } from "./config/check-config.ts";
import type { InitConfig } from "./config/types.ts";
import { XmlFault } from "./config/xml.ts";
import type { OwnEvents } from "./own-sessions.ts";
import { readRom } from "./rom-text.ts";
import { CONFIG_MODULE } from "./routing/route.ts";

export interface ConfigurationParts {
  /** The text that the module's stands for. */
  readonly textOf: (text: string) => string;
  /** The context whose signals lead to `read`. */
  readonly sigh: () => Capability<SignalContext>;
  readonly warn: (message: string) => void;
  /** Another one is in force. */
  readonly changed: () => void;
}

export interface SavedConfiguration {
  /** The text of the one in force; undefined: there was none yet. */
  readonly config: string | undefined;
  /** A slot. */
  readonly configRom: number;
}

export class Configuration {
  readonly #parts: ConfigurationParts;
  #inForce: InitConfig = checkConfig("<config/>").config;
  #text: string | undefined;
  #rom: Capability<RomSession> = INVALID;

  constructor(parts: ConfigurationParts) {
    this.#parts = parts;
  }

  /** An empty one before the first is there. */
  get inForce(): InitConfig {
    return this.#inForce;
  }

  /** Whether there was one. */
  get known(): boolean {
    return this.#text !== undefined;
  }

  /** What becomes of the session that gives the module. */
  events(): OwnEvents {
    return {
      ready: (capability) => {
        this.#rom = capability as Capability<RomSession>;
        objectOf<RomSession>(capability, "rom")?.sigh(this.#parts.sigh());
        this.read();
      },
      refused: (reason) => this.#parts.warn(`no configuration: ${reason}`),
    };
  }

  /** Takes the module's present content. A configuration that cannot be read leaves the one before in force. */
  read(): void {
    const rom = objectOf<RomSession>(this.#rom, "rom");
    if (!rom) return;
    const text = readRom(rom);
    if (text === undefined || text === this.#text) return;
    const { textOf, warn, changed } = this.#parts;
    try {
      const { config, findings } = checkConfig(textOf(text));
      this.#text = text;
      for (const finding of findings) warn(describeFinding(CONFIG_MODULE, finding));
      this.#inForce = config;
    } catch (error) {
      if (!(error instanceof XmlFault)) throw error;
      return warn(`${describeFinding(CONFIG_MODULE, error)}; the configuration before stays in force`);
    }
    changed();
  }

  capture(slots: SlotWriter): SavedConfiguration {
    return { config: this.#text, configRom: slots.held(this.#rom) };
  }

  restore({ config, configRom }: SavedConfiguration, slots: SlotReader): void {
    if (config !== undefined) this.#inForce = checkConfig(this.#parts.textOf(config)).config;
    this.#text = config;
    this.#rom = slots.held<RomSession>(configRom, "rom");
  }
}
