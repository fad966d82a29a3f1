// A web server for the browser test: the built package as it is (ES modules, no bundler), the page, and one image that
// goes in and comes back. Cross-origin isolated, because shared memory asks for it.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import type { PageReport } from "./page.ts";

const ROOT = join(import.meta.dirname, "../..");
const DIST = join(ROOT, "build/browser-dist");
const NOBLE = join(ROOT, "node_modules/@noble/hashes");

/** The one package that browsers need; the import map stands for a bundler. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>rtcr</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "@noble/hashes/": "/noble/" } }</script>
<script type="module" src="/page.js"></script>
`;

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

export interface Visit {
  readonly report: PageReport;
  /** The image that the page has sent back. */
  readonly image: Uint8Array | undefined;
}

export interface BrowserServer {
  readonly url: string;
  /** Modules that pages may ask for, by their SHA-256. */
  readonly modules: Map<string, Uint8Array>;
  /** Serves `image` to the next page; resolves when that has reported. */
  visit(image: Uint8Array): Promise<Visit>;
  close(): void;
}

/** Builds the package into build/browser-dist and serves it on a free port of this machine. */
export async function openBrowserServer(): Promise<BrowserServer> {
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", DIST], {
    stdio: "inherit",
  });
  let given: Uint8Array = new Uint8Array(0);
  let image: Uint8Array | undefined;
  const modules = new Map<string, Uint8Array>();
  let reported = (_report: PageReport) => {};
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, "http://localhost").pathname;
    if (path === "/image" && request.method === "GET") return send(response, given, "application/octet-stream");
    if (path.startsWith("/modules/")) {
      return send(response, modules.get(path.slice("/modules/".length)) ?? "", "application/wasm");
    }
    if (path === "/image") image = await received(request);
    else if (path === "/report") reported(JSON.parse(new TextDecoder().decode(await received(request))) as PageReport);
    else return sendFile(response, path);
    send(response, "", "text/plain");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    modules,
    visit: (bytes) => {
      given = bytes;
      image = undefined;
      return new Promise((resolve) => {
        reported = (report) => resolve({ report, image });
      });
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function sendFile(response: ServerResponse, path: string): void {
  try {
    if (path === "/") return send(response, PAGE, "text/html");
    if (path === "/page.js") return send(response, pageScript(), "text/javascript");
    const [, folder, ...rest] = normalize(path).split("/");
    const root = folder === "dist" ? DIST : folder === "noble" ? NOBLE : undefined;
    if (root && path.endsWith(".js")) return send(response, readFileSync(join(root, ...rest)), "text/javascript");
  } catch (thrown) {
    console.error(`browser test: ${path}: ${thrown}`);
  }
  response.writeHead(404, HEADERS).end();
}

/** The page's script, importing the built package in place of the sources. */
function pageScript(): string {
  const source = readFileSync(join(import.meta.dirname, "page.ts"), "utf8");
  return stripTypeScriptTypes(source).replaceAll(/"\.\.\/\.\.\/src\/([^"]+)\.ts"/g, '"/dist/$1.js"');
}

function send(response: ServerResponse, body: string | Uint8Array, type: string): void {
  response.writeHead(200, { ...HEADERS, "content-type": type }).end(body);
}

async function received(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}
