// The Chromium that tests and pictures use: Debian's, headless, with an empty profile that is gone afterwards.

import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const ARGS = [
  "--no-sandbox", // Chromium refuses to run as root with it, and all that it shows here is ours.
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser;

/** The browser of this process, started when it is first asked for. */
export function theBrowser() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find(existsSync);
  browser ??= chromium.launch({ executablePath, args: ARGS, headless: true });
  return browser;
}

/** Ends it, if it runs. */
export async function closeBrowser() {
  const running = browser;
  browser = undefined;
  await (await running)?.close();
}

/** What `page(options)` takes, as Playwright's options of a context. */
export function contextOptions(options) {
  const { theme = "light", width = 1280, height = 800, reducedMotion = "reduce", javaScript = true, ...more } = options;
  return {
    ignoreHTTPSErrors: true, // The certificate is the server's own.
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion,
    javaScriptEnabled: javaScript,
    ...more,
  };
}
