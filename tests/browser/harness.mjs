// Chromium with a software WebGPU adapter, a static server for the built site, and the wire format.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

export const DIST = process.env.LOWSHOT_DIST ?? new URL("../../dist", import.meta.url).pathname;

const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json",
  ".wasm": "application/wasm", ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2",
};

// What a careful host sends; the site has to work under it.
const CSP =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; connect-src 'self' ws: wss:";

/** A configuration with few items, which a software WebGPU adapter can finish too. */
export function small(method, config) {
  const few = { episodes: 24, trials: 2, compare: "none" };
  const known = Object.entries(few).filter(([name]) => name in method.schema.properties);
  return { ...config, ...Object.fromEntries(known) };
}

/** Serves a folder under a path that is not the root; `extra` maps further paths to [type, body]. */
export async function serve(folder = DIST, prefix = "/some/path", extra = {}) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    const own = extra[path];
    if (own) return response.writeHead(200, { "content-type": own[0], "content-security-policy": own[2] ?? CSP }).end(own[1]);
    if (!path.startsWith(`${prefix}/`)) return response.writeHead(404).end();
    let file = normalize(path.slice(prefix.length));
    if (file.endsWith("/")) file += "index.html";
    try {
      const body = await readFile(join(folder, file));
      const type = TYPES[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-security-policy": CSP, "cache-control": "no-cache" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, url: `${origin}${prefix}/`, close: () => new Promise((done) => server.close(done)) };
}

/** Starts Chromium; without `webgpu` the page finds no adapter. */
export function launch({ webgpu = true } = {}) {
  const gpu = webgpu
    ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    : ["--disable-gpu", "--disable-features=WebGPU", "--disable-blink-features=WebGPU"];
  return chromium.launch({
    executablePath: process.env.LOWSHOT_CHROMIUM ?? "/usr/bin/chromium",
    headless: false,
    args: ["--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-sync",
      "--disable-component-update", "--disable-quic", ...gpu],
  });
}

/** A page that keeps every console error and every failed request; `expect404` are paths that may be missing. */
export async function open(browser, url, { expect404 = ["server.json"], ...options } = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.problems = [];
  const allowed = (text) => expect404.some((path) => text.includes(path));
  page.on("console", (m) => {
    const where = m.location()?.url ?? "";
    if (m.type() === "error" && !allowed(m.text() + where)) page.problems.push(`${m.text()} (${where})`);
  });
  page.on("pageerror", (e) => page.problems.push(`page error: ${e.message}`));
  await page.goto(url);
  return page;
}

/** Starts an engine in a worker of the page and runs a request; gives all messages, attachments as byte lengths. */
export async function runInWorker(page, engine, request, { attachments = [], artifacts = true } = {}) {
  return page.evaluate(async ({ engine, request, attachments, artifacts }) => {
    const encode = (message, buffers) => {
      const json = new TextEncoder().encode(JSON.stringify(message));
      const head = new Uint32Array([json.length, buffers.length, ...buffers.map((b) => b.length)]);
      const parts = [new TextEncoder().encode("LSF1"), new Uint8Array(head.buffer), json, ...buffers];
      const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
      parts.reduce((at, p) => (out.set(p, at), at + p.length), 0);
      return out.buffer;
    };
    const decode = (buffer) => {
      const view = new DataView(buffer);
      const [json, count] = [view.getUint32(4, true), view.getUint32(8, true)];
      let at = 12 + 4 * count;
      const message = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, at, json)));
      at += json;
      const buffers = [];
      for (let i = 0; i < count; i++) {
        const length = view.getUint32(12 + 4 * i, true);
        buffers.push(artifacts ? Array.from(new Uint8Array(buffer, at, length)) : []);
        at += length;
      }
      return { message, buffers };
    };
    const worker = new Worker(new URL(`engine/worker.js?engine=${engine}`, document.baseURI), { type: "module" });
    return new Promise((resolve, reject) => {
      const events = [];
      worker.onerror = (e) => reject(new Error(`worker: ${e.message}`));
      worker.onmessage = ({ data }) => {
        if (typeof data === "string") return reject(new Error(data));
        if (!(data instanceof ArrayBuffer)) return; // how much is loaded
        const { message, buffers } = decode(data);
        events.push({ message, buffers: artifacts ? buffers : [] });
        if (message.message === "hello" && request) {
          const bytes = attachments.map((a) => new Uint8Array(a));
          worker.postMessage(encode({ command: "run", run: 1, request }, bytes));
        }
        const last = ["finished", "failed"].includes(message.event?.event) || ["unavailable", "rejected"].includes(message.message);
        if (last || (message.message === "hello" && !request)) {
          worker.terminate();
          resolve(events);
        }
      };
    });
  }, { engine, request, attachments, artifacts });
}
