// A web server for the browser tests: the built package as it is (ES modules, no bundler), pages, modules, and one
// image that goes in and comes back. Cross-origin isolated, because shared memory asks for it.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { assemble, assembleWithBinaryen } from "../assemble.ts";
import { browserScript, workerScript } from "./scripts.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Of this process: tests run beside each other. */
const DIST = join(ROOT, `build/browser-dist-${process.pid}`);
const FOLDERS: Readonly<Record<string, string>> = { dist: DIST, noble: join(ROOT, "node_modules/@noble/hashes") };

const HEAD = `<!doctype html><meta charset="utf-8"><title>rtcr</title><link rel="icon" href="data:,">`;

/** By path. Their import map names the one package that browsers need, in place of a bundler. */
const PAGES: Readonly<Record<string, string>> = {
  "/life": page("page.ts"),
  "/copy": page("copy-page.ts"),
  "/suite": `${HEAD}<script>
    new Worker("/test/browser/suite-worker.ts" + location.search, { type: "module" }).onerror = ({ message }) =>
      fetch("/report", { method: "POST", body: JSON.stringify({ passed: 0, failures: [{ name: "worker", message }] }) });
    </script>`,
};

function page(script: string): string {
  return `${HEAD}<script type="importmap">{ "imports": { "@noble/hashes/": "/noble/" } }</script>
    <script type="module" src="/test/browser/${script}"></script>`;
}

const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

export interface Visit<Report> {
  readonly report: Report;
  /** The image that the page has sent back. */
  readonly image: Uint8Array | undefined;
}

export class BrowserServer {
  /** Modules that pages may ask for. */
  readonly modules = new Map<string, Uint8Array>();
  #given: Uint8Array = new Uint8Array(0);
  #received: Uint8Array | undefined;
  #reported: (report: unknown) => void = () => {};
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((thrown) => {
      console.error(`browser test: ${request.url}: ${thrown}`);
      response.writeHead(500, ISOLATION).end(String(thrown));
    });
  });

  /** Builds the package into a folder of build/ and serves it on a free port of this machine. */
  static async open(): Promise<BrowserServer> {
    rmSync(DIST, { recursive: true, force: true });
    mkdirSync(DIST, { recursive: true });
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const args = [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", DIST];
    execFileSync(process.execPath, args, { stdio: "inherit" });
    const server = new BrowserServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Serves `image` to the next page; resolves when that has reported. */
  visit<Report>(image: Uint8Array = new Uint8Array(0)): Promise<Visit<Report>> {
    this.#given = image;
    this.#received = undefined;
    return new Promise((resolve) => {
      this.#reported = (report) => resolve({ report: report as Report, image: this.#received });
    });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(DIST, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url!, "http://localhost");
    const [, folder = "", ...rest] = normalize(pathname).split("/");
    if (request.method === "POST") return this.#post(pathname, await received(request), response);
    if (PAGES[pathname]) return send(response, PAGES[pathname], "text/html");
    if (folder === "image") return send(response, this.#given, "application/octet-stream");
    if (folder === "modules") return send(response, this.modules.get(rest[0]!) ?? "", "application/wasm");
    if (folder === "test" || folder === "src") return send(response, browserScript(pathname), "text/javascript");
    if (folder === "dist-for-workers") {
      return send(response, workerScript(readFileSync(join(DIST, ...rest), "utf8")), "text/javascript");
    }
    const root = FOLDERS[folder];
    if (root) return send(response, readFileSync(join(root, ...rest)), "text/javascript");
    response.writeHead(404, ISOLATION).end();
  }

  #post(path: string, body: Uint8Array, response: ServerResponse): void {
    const text = () => new TextDecoder().decode(body);
    if (path === "/image") this.#received = body;
    else if (path === "/report") this.#reported(JSON.parse(text()));
    else if (path === "/assemble/wabt") return send(response, assemble(text()), "application/wasm");
    else if (path === "/assemble/binaryen") return send(response, assembleWithBinaryen(text()), "application/wasm");
    send(response, "", "text/plain");
  }
}

function send(response: ServerResponse, body: string | Uint8Array, type: string): void {
  response.writeHead(200, { ...ISOLATION, "cache-control": "no-store", "content-type": type }).end(body);
}

async function received(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}
