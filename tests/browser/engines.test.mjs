// The engines themselves: the same run in WebAssembly, on WebGPU and natively.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DIST, launch, open, runInWorker, serve, small } from "./harness.mjs";

const METHODS = JSON.parse(readFileSync(join(DIST, "methods.json")));
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

/** What a run in the native binary leaves. */
function native(request) {
  const out = join(mkdtempSync(join(tmpdir(), "lowshot-")), "run");
  const line = ["run", request.method, "--quiet", "--seed", String(request.seed), "--out", out];
  for (const [name, value] of Object.entries(request.config)) line.push("--set", `${name}=${value}`);
  for (const [name, source] of Object.entries(request.inputs)) line.push("--input", `${name}=builtin:${source.name}`);
  execFileSync(process.env.LOWSHOT_BIN, line, { stdio: ["ignore", "ignore", "inherit"] });
  return { file: (name) => readFileSync(join(out, name)) };
}

/** What a run in a worker leaves. */
async function worker(engine, request) {
  const events = await runInWorker(page, engine, request);
  const last = events.at(-1).message;
  assert.equal(last.event?.event, "finished", JSON.stringify(last));
  const artifacts = events.filter((e) => e.message.event?.event === "artifact");
  const files = new Map(artifacts.map((e) => [e.message.event.name, Buffer.from(e.buffers[0])]));
  return { names: [...files.keys()], file: (name) => files.get(name), hello: events[0].message };
}

/** The `f32` tensors of a safetensors file. */
function tensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const floats = Object.entries(header).filter(([, t]) => t.dtype === "F32");
  return Object.fromEntries(floats.map(([name, { data_offsets }]) => {
    const [start, end] = data_offsets.map((o) => o + 8 + length);
    return [name, Array.from({ length: (end - start) / 4 }, (_, i) => view.getFloat32(start + 4 * i, true))];
  }));
}

/** As `Agreement` of tests/parity: labels and chosen rows are equal on 99.9 %, numbers differ by 1e-4 at most. */
function agree(a, b, what) {
  let [discrete, equal, numbers, far] = [0, 0, 0, 0];
  const number = (x, y) => (numbers++, (far += Math.abs(x - y) > 1e-4 * Math.max(Math.abs(x), Math.abs(y), 1)));
  const walk = (x, y) => {
    const lists = Array.isArray(x) && Array.isArray(y) && x.length === y.length;
    const objects = x && y && typeof x === "object" && typeof y === "object" && !Array.isArray(x) && !Array.isArray(y);
    if (lists) x.forEach((value, i) => walk(value, y[i]));
    else if (objects) Object.keys(x).filter((key) => key !== "iterations").forEach((key) => walk(x[key], y[key]));
    else if (typeof x === "number" && typeof y === "number" && !(Number.isInteger(x) && Number.isInteger(y))) number(x, y);
    else (discrete++, (equal += x === y));
  };
  for (const name of a.names) {
    const [left, right] = [a.file(name), b.file(name)];
    if (name.endsWith(".json")) walk(JSON.parse(left), JSON.parse(right));
    else if (name.endsWith(".safetensors")) {
      const [x, y] = [tensors(left), tensors(right)];
      for (const key of Object.keys(x)) x[key].forEach((value, i) => number(value, y[key][i]));
    }
  }
  assert.ok(discrete + numbers > 0, `${what}: there is nothing to compare`);
  assert.ok(equal / Math.max(discrete, 1) >= 0.999, `${what}: ${equal} of ${discrete} labels agree`);
  assert.ok(far <= (equal === discrete ? 0 : numbers / 100), `${what}: ${far} of ${numbers} numbers differ by more than 1e-4`);
}

for (const method of METHODS) {
  const { card } = method;
  const preset = card.presets[0];
  const request = {
    method: card.id, seed: 5, config: small(method, preset.config),
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
