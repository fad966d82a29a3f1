// Listening sockets that the user gives to a program.

import { type AddressInfo, createServer, type Server } from "node:net";
import { messageOf } from "../util/index.ts";
import { CliFailure, EXIT, usageError } from "./failure.ts";

/** Listens on every `HOST:PORT`; port 0 takes a free one. */
export async function listenAll(addresses: readonly string[]): Promise<{ servers: readonly Server[]; close(): void }> {
  const servers: Server[] = [];
  const close = () => {
    for (const server of servers) server.close();
  };
  for (const address of addresses) {
    const { host, port } = readAddress(address);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, resolve);
      });
    } catch (thrown) {
      close();
      throw new CliFailure(EXIT.failed, `cannot listen on ${address}: ${messageOf(thrown)}`, undefined, thrown);
    }
    servers.push(server);
  }
  return { servers, close };
}

/** Where a server listens. */
export function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

/** @throws CliFailure (usage) */
export function readAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) return { host: (match[1] ?? match[2])!, port };
  throw usageError(`--listen is ${JSON.stringify(address)}, expected HOST:PORT, as 127.0.0.1:8080`, "run");
}
