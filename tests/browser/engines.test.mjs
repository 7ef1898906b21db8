// The engines themselves: the same run in WebAssembly, on WebGPU and natively.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DIST, launch, open, runInWorker, serve } from "./harness.mjs";

const METHODS = JSON.parse(readFileSync(join(DIST, "methods.json")));
// A software WebGPU adapter compiles each kernel for a second or so; these are the presets that it can finish.
const EPISODES = 24;
let site, browser, page;
before(async () => {
  site = await serve();
  browser = await launch();
  page = await open(browser, `${site.url}methods.json`);
});
after(async () => {
  await browser.close();
  await site.close();
});

function native(request) {
  const out = mkdtempSync(join(tmpdir(), "lowshot-"));
  const line = ["run", request.method, "--quiet", "--seed", String(request.seed), "--out", join(out, "run")];
  for (const [name, value] of Object.entries(request.config)) line.push("--set", `${name}=${value}`);
  for (const [name, source] of Object.entries(request.inputs)) line.push("--input", `${name}=builtin:${source.name}`);
  execFileSync(process.env.LOWSHOT_BIN, line, { stdio: ["ignore", "ignore", "inherit"] });
  return {
    predictions: JSON.parse(readFileSync(join(out, "run", "predictions.json"))),
    z: tensor(readFileSync(join(out, "run", "assignments.safetensors")), "z"),
  };
}

function tensor(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + 8, length).toString());
  const [start, end] = header[name].data_offsets.map((o) => o + 8 + length);
  return Float32Array.from({ length: (end - start) / 4 }, (_, i) => view.getFloat32(start + 4 * i, true));
}

async function worker(engine, request) {
  const events = await runInWorker(page, engine, request);
  const last = events.at(-1).message;
  assert.equal(last.event?.event, "finished", JSON.stringify(last));
  const artifact = (name) => Buffer.from(events.find((e) => e.message.event?.name === name).buffers[0]);
  return { predictions: JSON.parse(artifact("predictions.json")), z: tensor(artifact("assignments.safetensors"), "z"), hello: events[0].message };
}

function agree(a, b, what) {
  let same = 0, all = 0;
  a.predictions.forEach((task, i) => task.predicted.forEach((label, j) => (all++, (same += label === b.predictions[i].predicted[j]))));
  assert.ok(all > 0 && same / all >= 0.999, `${what}: ${same} of ${all} labels agree`);
  const far = a.z.filter((value, i) => Math.abs(value - b.z[i]) > 1e-4).length;
  assert.ok(far <= (same === all ? 0 : 0.01 * a.z.length), `${what}: ${far} of ${a.z.length} assignments differ by more than 1e-4`);
}

for (const { card } of METHODS) {
  const preset = card.presets[0];
  const request = {
    method: card.id, seed: 5, config: { ...preset.config, episodes: EPISODES, compare: "none" },
    inputs: Object.fromEntries(Object.entries(preset.inputs).map(([k, v]) => [k, { source: "builtin", name: v.replace("builtin:", "") }])),
  };
  test(`${card.id}: WebAssembly on the CPU agrees with the native binary`, async () => {
    agree(await worker("cpu", request), native(request), card.id);
  });
  test(`${card.id}: WebGPU agrees with the native binary`, { timeout: 600_000 }, async () => {
    const gpu = await worker("webgpu", request);
    assert.equal(gpu.hello.engine.kind, "wasm-webgpu");
    agree(gpu, native(request), card.id);
  });
}

test("an engine answers rubbish with a reason and goes on", async () => {
  const answers = await page.evaluate(async () => {
    const worker = new Worker(new URL("engine/worker.js?engine=cpu", document.baseURI), { type: "module" });
    const next = () => new Promise((done) => (worker.onmessage = ({ data }) => data instanceof ArrayBuffer && done(new TextDecoder().decode(data))));
    const said = [await next()];
    for (const rubbish of [new ArrayBuffer(0), new Uint8Array(100).fill(255).buffer, new TextEncoder().encode("LSF1aaaabbbb{}").buffer]) {
      const answer = next();
      worker.postMessage(rubbish);
      said.push(await answer);
    }
    worker.terminate();
    return said;
  });
  assert.match(answers[0], /"hello"/);
  for (const answer of answers.slice(1)) assert.match(answer, /"rejected"/);
});
