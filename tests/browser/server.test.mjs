// The page driving the native binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { DIST, launch, open } from "./harness.mjs";

let server, url, browser;
before(async () => {
  server = spawn(process.env.LOWSHOT_BIN, ["serve", "--bind", "127.0.0.1:0", "--site", DIST], { stdio: ["ignore", "pipe", "pipe"] });
  url = await new Promise((found, failed) => {
    let text = "";
    const read = (chunk) => {
      text += chunk;
      const match = /http:\/\/\S+token=\S+/.exec(text);
      if (match) found(match[0]);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.on("exit", (code) => failed(new Error(`serve ended with ${code}: ${text}`)));
    setTimeout(() => failed(new Error(`serve printed no address: ${text}`)), 20_000).unref();
  });
  browser = await launch({ webgpu: false });
});
after(async () => {
  await browser.close();
  server.kill();
});

const finished = (page) =>
  page.waitForFunction(() => document.querySelector("[data-phase]")?.dataset.phase === "finished", undefined, { timeout: 60_000 });
const RUN = "#/prototype-laplacian?episodes=50&normalization=l2n";

test("the page takes the native engine, and the token leaves the address bar", async () => {
  const page = await open(browser, url + RUN);
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await finished(page);
  assert.match(await page.locator(".ls-engine").innerText(), /server|native/i);
  assert.doesNotMatch(page.url(), /token/);
  assert.equal(page.workers().length, 0);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("a second tab runs beside the first, and a closed one harms nothing", async () => {
  const [first, second] = [await open(browser, url + RUN), await open(browser, url + RUN)];
  await first.getByRole("button", { name: "Play", exact: true }).click();
  await first.context().close();
  await second.getByRole("button", { name: "Play", exact: true }).click();
  await finished(second);
  assert.deepEqual(second.problems, []);
  await second.context().close();
});

test("without the token the page computes in the browser", async () => {
  const page = await open(browser, url.replace(/\?token=.*/, "") + RUN, { expect404: ["server.json", "engine?token", "/engine"] });
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await finished(page);
  assert.match(await page.locator(".ls-engine-name").innerText(), /CPU/);
  await page.context().close();
});
