// The configuration of a native component: its ROM module "config", read again whenever it changes.
import { writeLine } from "../core/index.ts";
import { textOfModule, tryXml, type XmlNode } from "../init/index.ts";
import {
  type Capability,
  contentOf,
  type Dataspace,
  DONATION,
  type Env,
  INVALID,
  objectOf,
  type RomSession,
  type SignalContext,
  type SignalHandler,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import type { ConnectionEvents, Connections } from "./connections.ts";

/** What is used until there is a configuration, or when there is none. */
const EMPTY = "<config/>";

/** The configuration as plain data: what was read last, the connection of the module, and slots. */
export interface SavedConfig {
  readonly text: string | undefined;
  readonly connection: number;
  readonly rom: number;
  readonly handler: number;
}

export interface ConfigWatch {
  readonly env: Env;
  readonly connections: Connections;
  /**
   * Called with the root element: once at least, with an empty one if there is no module, and at each change. What cannot be
   * read leaves the configuration before in force.
   */
  readonly changed: (config: XmlNode) => void;
}

/** Watches it. @returns what captures it */
export function watchConfig(
  watch: ConfigWatch,
  again?: { readonly saved: SavedConfig; readonly slots: SlotReader },
): (slots: SlotWriter) => SavedConfig {
  const watched = new WatchedConfig(watch);
  if (again) watched.resume(again.saved, again.slots);
  else watched.open();
  return (slots) => watched.capture(slots);
}

class WatchedConfig {
  readonly #watch: ConfigWatch;
  #text: string | undefined;
  #connection = 0;
  #rom: Capability<RomSession> = INVALID;
  #handler: SignalHandler | undefined;

  constructor(watch: ConfigWatch) {
    this.#watch = watch;
  }

  open(): void {
    const request = { service: "ROM", label: "config", donation: DONATION.ROM };
    this.#connection = this.#watch.connections.open(request, this.#events());
  }

  resume({ text, connection, rom, handler }: SavedConfig, slots: SlotReader): void {
    const { env, connections } = this.#watch;
    this.#connection = connection;
    this.#rom = slots.held<RomSession>(rom, "rom");
    if (handler !== 0)
      this.#handler = env.signalHandlerAgain(slots.held<SignalContext>(handler, "signal-context"), () => this.#read());
    if (rom !== 0) connections.resume(connection, this.#events());
    if (text !== undefined) this.#take(text);
  }

  capture(slots: SlotWriter): SavedConfig {
    const handler = slots.held(this.#handler?.context ?? INVALID);
    return { text: this.#text, connection: this.#connection, rom: slots.held(this.#rom), handler };
  }

  #events(): ConnectionEvents {
    return {
      ready: (capability) => {
        this.#rom = capability as Capability<RomSession>;
        const rom = objectOf<RomSession>(capability, "rom");
        if (!rom) return this.#take(EMPTY);
        this.#handler = this.#watch.env.signalHandler(() => this.#read());
        rom.sigh(this.#handler.context);
        this.#read();
      },
      refused: () => this.#take(EMPTY),
    };
  }

  #read(): void {
    const rom = objectOf<RomSession>(this.#rom, "rom");
    rom?.update();
    const module = rom && objectOf<Dataspace>(rom.dataspace(), "dataspace");
    this.#take(module ? textOfModule(contentOf(module)) : EMPTY);
  }

  #take(text: string): void {
    const { env, changed } = this.#watch;
    const root = tryXml(text);
    if (!root.ok) return writeLine(env.log, "warning: the configuration is no XML, the one before stays in force");
    this.#text = text;
    changed(root.value);
  }
}

/** A flag of an element: yes, true and 1, or no, false and 0. */
export function flagOf(node: XmlNode, name: string, otherwise = false): boolean {
  const value = node.attributes.get(name)?.toLowerCase();
  if (value === undefined) return otherwise;
  return value === "yes" || value === "true" || value === "1";
}

/** Whether the label conditions of a policy hold: `label`, `label_prefix`, `label_suffix`, those that are there. */
export function labelMatches({ attributes }: XmlNode, label: string): boolean {
  const equal = attributes.get("label") ?? label;
  const prefix = attributes.get("label_prefix") ?? "";
  const suffix = attributes.get("label_suffix") ?? "";
  const conditions = ["label", "label_prefix", "label_suffix"].some((name) => attributes.has(name));
  return conditions && equal === label && label.startsWith(prefix) && label.endsWith(suffix);
}
