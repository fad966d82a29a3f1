// What programs that serve by their configuration have in common: connections, the configuration, a server that begins when
// the configuration is there; and their state.
import type { NativeComponent } from "../core/index.ts";
import type { XmlNode } from "../init/index.ts";
import type { Env, SavedComponent, SessionState } from "../session/index.ts";
import { type SavedConfig, watchConfig } from "./config.ts";
import { Connections, type SavedConnections } from "./connections.ts";
import { type SavedServer, Server, type Service } from "./server.ts";

/** Another one is refused. */
const VERSION = 1;

export interface SavedServing {
  readonly version: number;
  readonly connections: SavedConnections;
  readonly config: SavedConfig;
  /** Absent: it has not begun. */
  readonly server?: SavedServer | undefined;
  /** Names of what it serves. */
  readonly services: readonly string[];
}

/** A state as its program knows it. */
export interface SavedAs<State> extends Omit<SavedComponent, "state"> {
  readonly state: State;
}

export interface ServingProgram {
  /** The configuration has changed. @returns names of what is to be served; they count when the server begins */
  configured(config: XmlNode): readonly string[];
  /** Makes a service's sessions. */
  service(name: string, connections: Connections): Service;
  /** The program's own state, beside what is saved of its sessions. */
  capture(): { readonly [name: string]: SessionState };
}

export function serving(env: Env, again: SavedAs<SavedServing> | undefined, program: ServingProgram): NativeComponent {
  const { state, slots } = again ?? {};
  if (state && state.version !== VERSION) {
    throw new TypeError(`the state of a server: expected version ${VERSION}, found ${state.version}`);
  }
  const with_ = <T>(saved: T | undefined) => (saved && slots ? { saved, slots } : undefined);
  const connections = new Connections(env, with_(state?.connections));
  let services = state?.services ?? [];
  let server: Server | undefined;
  const changed = (config: XmlNode) => {
    const wanted = program.configured(config);
    if (server) return;
    if (!state?.server) services = wanted;
    const made = new Map(services.map((name) => [name, program.service(name, connections)]));
    server = new Server(env, connections, made, with_(state?.server));
  };
  const captureConfig = watchConfig({ env, connections, changed }, with_(state?.config));
  return {
    capture: (writer) => {
      const saved: SavedServing = {
        version: VERSION,
        connections: connections.state(writer),
        config: captureConfig(writer),
        server: server?.capture(writer),
        services,
      };
      return { ...program.capture(), ...(saved as unknown as { readonly [name: string]: SessionState }) };
    },
    dispose: () => {
      server?.dispose();
      connections.dispose();
    },
  };
}
