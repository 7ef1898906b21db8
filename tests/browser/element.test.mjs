// <lowshot-demo> in somebody else's page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, serve } from "./harness.mjs";

const host = (body, origin = "") => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title><link rel="icon" href="data:,">
<script src="${origin}/some/path/lowshot.js"></script></head><body>${body}</body></html>`;
const DEMO = `<lowshot-demo id="a" method="prototype-laplacian" device="cpu" config='{"episodes":20,"normalization":"l2n"}' seed="7"><p>fallback</p></lowshot-demo>`;
let site, browser;
before(async () => {
  site = await serve(undefined, "/some/path", {
    "/one": ["text/html", host(DEMO)],
    "/two": ["text/html", host(`${DEMO}<div style="height:4000px"></div>${DEMO.replace('id="a"', 'id="b"')}`)],
    "/again": ["text/html", host(`<script src="/some/path/lowshot.js"></script>${DEMO}`)],
    "/wrong": ["text/html", host(`<lowshot-demo id="a" method="no-such-method" loading="eager"></lowshot-demo>`)],
  });
  browser = await launch({ webgpu: false });
});
after(async () => {
  await browser.close();
  await site.close();
});

test("it runs, and tells its page", async () => {
  const page = await open(browser, `${site.origin}/one`);
  const heard = await page.evaluate(async () => {
    const names = [];
    for (const name of ["ready", "progress", "result", "error", "config"]) document.addEventListener(`lowshot-${name}`, (e) => names.push([name, e.detail]));
    const demo = document.getElementById("a");
    const result = new Promise((done) => document.addEventListener("lowshot-result", (e) => done(e.detail), { once: true }));
    await demo.run();
    const report = await result;
    const config = await demo.getConfig();
    await demo.setConfig({ shots: 3 });
    const changed = await demo.getConfig();
    return { names: names.map(([n]) => n), report, config, changed, height: demo.getBoundingClientRect().height };
  });
  assert.ok(heard.names.includes("ready") && heard.names.includes("progress"), heard.names.join());
  assert.ok(!heard.names.includes("error"));
  assert.match(JSON.stringify(heard.report), /accuracy/);
  assert.match(JSON.stringify(heard.config), /"episodes":20/);
  assert.match(JSON.stringify(heard.changed), /"shots":3/);
  assert.ok(heard.height > 200);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("attributes that the page changes later count", async () => {
  const page = await open(browser, `${site.origin}/one`);
  const seen = await page.evaluate(async () => {
    const demo = document.getElementById("a");
    const before = [await demo.getConfig(), demo.shadowRoot.querySelectorAll("[data-phase]").length];
    demo.setAttribute("shots", "4");
    demo.setAttribute("seed", "8");
    await new Promise((done) => setTimeout(done));
    const after = [await demo.getConfig(), demo.shadowRoot.querySelectorAll("[data-phase]").length];
    const report = new Promise((done) => demo.addEventListener("lowshot-result", (e) => done(e.detail), { once: true }));
    await demo.run();
    return { before, after, report: await report };
  });
  assert.match(JSON.stringify(seen.before), /"shots":1/);
  assert.match(JSON.stringify(seen.after), /"shots":4/);
  assert.equal(seen.after[1], seen.before[1], "the demo before is gone");
  assert.match(JSON.stringify(seen.report), /"seed":8/);
  assert.equal(page.workers().length, 1);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("two on a page share one worker, and one taken off the page harms nothing", async () => {
  const page = await open(browser, `${site.origin}/two`);
  await page.evaluate(async () => {
    const once = (id) => new Promise((done) => document.getElementById(id).addEventListener("lowshot-result", done, { once: true }));
    const first = once("a");
    await document.getElementById("a").run();
    await first;
  });
  await page.locator("#b").scrollIntoViewIfNeeded();
  await page.evaluate(async () => {
    document.getElementById("a").remove();
    const second = new Promise((done) => document.getElementById("b").addEventListener("lowshot-result", done, { once: true }));
    await document.getElementById("b").run();
    await second;
  });
  assert.equal(page.workers().length, 1);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("loaded twice it warns and works", async () => {
  const page = await open(browser, `${site.origin}/again`);
  await page.evaluate(() => document.getElementById("a").run());
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("nothing large is fetched before it is in sight", async () => {
  const page = await open(browser, "about:blank");
  const fetched = [];
  page.on("request", (r) => fetched.push(r.url()));
  await page.setViewportSize({ width: 800, height: 600 });
  await page.goto(`${site.origin}/two`);
  await page.waitForTimeout(1500);
  assert.ok(!fetched.some((u) => u.includes("engine/cpu/lowshot_engine_bg.wasm")), "the engine waits for interest");
  await page.context().close();
});

test("a wrong method says so", async () => {
  const page = await open(browser, `${site.origin}/wrong`, { expect404: ["server.json", "no-such-method"] });
  await page.waitForFunction(() => /no-such-method/.test(document.getElementById("a").shadowRoot.textContent), undefined, { timeout: 30_000 });
  await page.context().close();
});

test("embed.html is the same as an iframe page", async () => {
  const page = await open(browser, `${site.url}embed.html?method=prototype-laplacian&episodes=20&normalization=l2n&device=cpu&hide=header`);
  await page.evaluate(async () => {
    await customElements.whenDefined("lowshot-demo");
    const demo = document.querySelector("lowshot-demo");
    const result = new Promise((done) => demo.addEventListener("lowshot-result", done, { once: true }));
    await demo.run();
    await result;
  });
  assert.deepEqual(page.problems, []);
  await page.context().close();
});
