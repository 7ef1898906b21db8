// The page as a visitor uses it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DIST, launch, open, serve, small } from "./harness.mjs";

const METHODS = JSON.parse(readFileSync(join(DIST, "methods.json")));
let site, browser;
before(async () => {
  site = await serve();
  browser = await launch({ webgpu: false });
});
after(async () => {
  await browser.close();
  await site.close();
});

const phase = (page, ...names) =>
  page.waitForFunction((n) => n.includes(document.querySelector("[data-phase]")?.dataset.phase), names, { timeout: 90_000 });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const result = (page) => page.locator("[part=result]");

async function noSideways(page) {
  const [scroll, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(scroll <= width, `the page is ${scroll} px wide in a window of ${width} px`);
}

test("the gallery names every method and leads to it", async () => {
  const page = await open(browser, site.url);
  for (const { card } of METHODS) await page.getByRole("link", { name: card.title }).first().waitFor();
  await page.getByRole("link", { name: METHODS[0].card.title }).first().click();
  await page.getByRole("heading", { name: METHODS[0].card.title }).waitFor();
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

for (const method of METHODS) {
  const { card } = method;
  test(`${card.id}: recorded picture at once, then a live run with every view and download`, async () => {
    const fields = Object.entries(small(method, card.presets[0].config)).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const page = await open(browser, `${site.url}#/${card.id}?${fields.join("&")}&device=cpu`);
    await page.locator("[data-view] svg").first().waitFor();
    await button(page, "Play").click();
    await phase(page, "finished");
    const drawn = await page.locator("[data-view] svg[role=img], [data-view] table").count();
    assert.ok(drawn > 0, "there are pictures");
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, "report.json").click()]);
    const report = JSON.parse(readFileSync(await download.path()));
    assert.equal(report.method, card.id);
    const metrics = Object.entries(report.metrics);
    assert.ok(metrics.length > 0 && metrics.every(([name, { value }]) => Number.isFinite(value) && card.metrics.some((m) => m.name === name)));
    // The one that matters most stands in the result.
    const first = card.metrics.find(({ name }) => name in report.metrics);
    assert.ok((await result(page).innerText()).includes(first.title), first.title);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

test("a control changes the run, and the link brings the same run back", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?episodes=30&normalization=l2n&device=cpu`);
  await button(page, "Play").click();
  await phase(page, "finished");
  const before = await result(page).locator("tbody").first().innerText();
  const shots = page.locator('[data-field="shots"] input[type=number]');
  await shots.fill("5");
  await shots.press("Tab");
  await page.waitForFunction(() => location.hash.includes("shots=5"));
  await button(page, "Play").click();
  await page.waitForFunction((old) => document.querySelector("[data-phase]").dataset.phase === "finished"
    && document.querySelector("[part=result] tbody")?.innerText !== old, before, { timeout: 90_000 });
  const accuracy = async (p) => (await result(p).locator("tbody tr").first().innerText());
  const changed = await accuracy(page);
  const link = await page.evaluate(() => location.href);
  assert.match(await page.locator("[part=share] input").first().inputValue(), /lowshot run prototype-laplacian .*shots=5/);
  const again = await open(browser, link);
  await button(again, "Play").click();
  await phase(again, "finished");
  assert.equal(await accuracy(again), changed);
  assert.deepEqual([...page.problems, ...again.problems], []);
  await page.context().close();
  await again.context().close();
});

test("step, pause, play and reset", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?episodes=4000&normalization=l2n&device=cpu`);
  await button(page, "Step").click();
  await phase(page, "held");
  const picture = () => document.querySelector('[data-view="objective"]').innerHTML;
  const first = await page.evaluate(picture);
  for (let i = 0; i < 3; i++) {
    await button(page, "Step").click();
    await phase(page, "held");
  }
  await page.waitForFunction((old) => document.querySelector('[data-view="objective"]').innerHTML !== old, first);
  await button(page, "Play").click();
  await phase(page, "running");
  await button(page, "Pause").click();
  await phase(page, "held");
  await button(page, "Reset").click();
  await phase(page, "recorded", "empty", "stopped");
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("a wrong value is told beside its field, with the range", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?device=cpu`);
  const shots = page.locator('[data-field="shots"] input[type=number]');
  await shots.fill("0");
  await shots.press("Tab");
  await page.locator('[data-field="shots"]').getByText("from 1 to 100").waitFor();
  await page.context().close();
});

test("a link with a wrong value says which", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?shots=banana`);
  await page.getByText(/shots/).first().waitFor();
  await page.getByText(/from 1 to 100/).first().waitFor();
  await page.context().close();
});

const folder = mkdtempSync(join(tmpdir(), "lowshot-"));
const csv = (rows) => {
  const path = join(folder, `own-${Math.random()}.csv`);
  writeFileSync(path, rows.join("\n"));
  return path;
};
const good = Array.from({ length: 60 }, (_, i) => {
  const [k, j] = [i % 3, Math.floor(i / 3)];
  return `${k + 0.01 * Math.sin(7 * j)},${k * k + 0.01 * Math.cos(5 * j)},${0.02 * Math.sin(j + k)},${k}`;
});

test("an own file is read in the page and never sent anywhere", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?ways=3&queries=5&episodes=20&device=cpu`);
  const posts = [];
  page.on("request", (r) => r.method() !== "GET" && posts.push(r.url()));
  await page.locator('[data-input="features"] input[type=file]').setInputFiles(csv(good));
  await button(page, "Play").click();
  await phase(page, "finished");
  await page.locator(".ls-facts summary").click();
  assert.match(await result(page).innerText(), /60 rows of 3 features, 3 classes/);
  assert.deepEqual(posts, []);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

for (const [name, rows, says] of [
  ["NaN", [...good.slice(0, 10), "NaN,1,2,0", ...good.slice(10)], /row|line/i],
  ["ragged rows", [...good.slice(0, 10), "1,2", ...good.slice(10)], /11/],
  ["one class", good.filter((_, i) => i % 3 === 0), /class/i],
  ["an empty file", [""], /empty|no rows|nothing/i],
]) {
  test(`rubbish is told with a way out: ${name}`, async () => {
    const page = await open(browser, `${site.url}#/prototype-laplacian?ways=3&queries=5&episodes=20&device=cpu`);
    await page.locator('[data-input="features"] input[type=file]').setInputFiles(csv(rows));
    await button(page, "Play").click();
    await phase(page, "failed");
    assert.match(await page.locator("body").innerText(), says);
    // The engine is still good.
    await page.goto(`${site.url}#/prototype-laplacian?episodes=10&normalization=l2n&device=cpu`);
    await page.reload();
    await button(page, "Play").click();
    await phase(page, "finished");
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

test("without WebGPU the page says so and computes on the CPU", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?episodes=20&normalization=l2n`);
  await button(page, "Play").click();
  await phase(page, "finished");
  assert.match(await page.locator(".ls-engine-name").innerText(), /CPU/i);
  await page.locator(".ls-engine summary").click();
  await page.getByText(/WebGPU/).first().waitFor();
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("the visitor takes WebGPU, and the whole page works on it", async () => {
  const capable = await launch();
  const page = await open(capable, `${site.url}#/prototype-laplacian?episodes=4&queries=4&compare=none&normalization=l2n`);
  // An emulated adapter is not taken by itself, and the page says why.
  await page.locator(".ls-engine summary").click();
  await page.getByText(/emulated on the CPU/).waitFor({ timeout: 60_000 });
  await page.getByRole("radio", { name: /WebGPU/ }).check();
  await page.locator(".ls-engine-name", { hasText: /^WebGPU/ }).waitFor({ timeout: 120_000 });
  await button(page, "Play").click();
  await phase(page, "finished");
  assert.match(await result(page).innerText(), /Accuracy/);
  assert.deepEqual(page.problems, []);
  await capable.close();
});

for (const { card } of METHODS) {
  test(`${card.id}: the demo in its page of the book runs`, async () => {
    const page = await open(browser, `${site.url}docs/methods/${card.id}.html`);
    const demo = page.locator("lowshot-demo").first();
    await demo.scrollIntoViewIfNeeded();
    const report = demo.evaluate(async (element) => {
      const heard = new Promise((done) => element.addEventListener("lowshot-result", (e) => done(e.detail), { once: true }));
      await element.run();
      return heard;
    });
    assert.match(JSON.stringify(await report), new RegExp(card.id));
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`320 px, ${colorScheme}, by keyboard alone`, async () => {
    const page = await open(browser, site.url, { viewport: { width: 320, height: 640 }, colorScheme });
    await page.getByRole("link", { name: METHODS[0].card.title }).first().waitFor();
    await noSideways(page);
    await page.goto(`${site.url}#/prototype-laplacian?episodes=20&normalization=l2n&device=cpu`);
    await page.reload();
    await button(page, "Play").waitFor();
    await noSideways(page);
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement?.innerText?.trim() === "Play")) break;
    }
    await page.keyboard.press("Enter");
    await phase(page, "finished");
    await noSideways(page);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

test("every control has a name, and pictures have text", async () => {
  const page = await open(browser, `${site.url}#/prototype-laplacian?episodes=20&normalization=l2n&device=cpu`);
  await button(page, "Play").click();
  await phase(page, "finished");
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, select, summary, a")].filter((e) => {
      const labels = e.labels ? [...e.labels].map((l) => l.textContent).join("") : "";
      return !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || labels || e.textContent?.trim() || e.title);
    }).map((e) => e.outerHTML.slice(0, 120)));
  assert.deepEqual(nameless, []);
  const silent = await page.evaluate(() => [...document.querySelectorAll("[data-view] svg[role=img]")].filter((s) => !s.querySelector("title, desc")).length);
  assert.equal(silent, 0);
  await page.context().close();
});
