// Tasks per second of the WebAssembly CPU engine in Chromium: node measure.mjs DIST CONFIG REPEAT

import { launch, open, runInWorker, serve } from "./harness.mjs";

const [dist, config, repeat] = process.argv.slice(2);
const site = await serve(dist);
const browser = await launch({ webgpu: false });
const page = await open(browser, `${site.url}methods.json`);
const rates = [];
for (let i = 0; i < Number(repeat); i++) {
  const request = { method: "prototype-laplacian", config: JSON.parse(config), seed: 1 };
  // A page without a document base of its own resolves against its URL.
  const events = await runInWorker(page, "cpu", request, { artifacts: false });
  const last = events.at(-1).message.event;
  if (last?.event !== "finished") throw new Error(JSON.stringify(events.at(-1).message));
  rates.push(last.report.metrics.episodes_per_second.value);
}
console.log(JSON.stringify({ episodes_per_second: rates }));
await browser.close();
await site.close();
