// Real browsers, each in a fresh profile: Chromium through playwright-core, Firefox (whose distribution build no
// driver is needed for) as a process that is given an address.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export interface Browser {
  readonly name: string;
  /** Shows a page until `close` is called. */
  show(url: string): Promise<{ close(): Promise<void> }>;
}

const CHROMIUM = "/usr/bin/chromium";
const FIREFOX = "/usr/bin/firefox-esr";
/** For whatever a browser is asked to do. */
export const STAGE_TIMEOUT_MS = 600_000;
/** In seconds: it ends by itself after this time, should the test be killed before it can. */
const FIREFOX_LIFE = `${(2 * STAGE_TIMEOUT_MS) / 1000}`;

const CHROMIUM_ARGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

/** Nothing of a first run, no request but ours. */
const FIREFOX_PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.getAddons.cache.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

/** The browsers that are installed (scripts/install-browsers.sh). */
export function installedBrowsers(): readonly Browser[] {
  return [
    ...(existsSync(CHROMIUM) ? [{ name: "Chromium", show: showChromium }] : []),
    ...(existsSync(FIREFOX) ? [{ name: "Firefox", show: showFirefox }] : []),
  ];
}

async function showChromium(url: string): Promise<{ close(): Promise<void> }> {
  const args = CHROMIUM_ARGS.split(" ");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args, timeout: STAGE_TIMEOUT_MS });
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") console.error(`Chromium: ${message.text()}`);
  });
  page.on("pageerror", (error) => console.error(`Chromium: ${error}`));
  await page.goto(url, { timeout: STAGE_TIMEOUT_MS });
  return { close: () => browser.close() };
}

async function showFirefox(url: string): Promise<{ close(): Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), "rtcr-firefox-"));
  const lines = Object.entries(FIREFOX_PREFERENCES).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  writeFileSync(join(profile, "user.js"), lines.join("\n"));
  const firefox = spawn("timeout", [FIREFOX_LIFE, FIREFOX, "--headless", "--no-remote", "--profile", profile, url], {
    stdio: "ignore",
    detached: true,
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
  });
  const end = () => endGroup(firefox);
  process.once("exit", end); // should the test be stopped
  return {
    close: async () => {
      process.off("exit", end);
      await ended(firefox);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Ends a process and those that it has started. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  endGroup(child);
  await gone;
}

function endGroup({ pid, exitCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null) process.kill(-pid, "SIGKILL");
}
