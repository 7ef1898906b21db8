// The engine's worker, a module. Its address says which engine: ?engine=cpu|webgpu; with &software=no an adapter that is
// emulated on the CPU is turned down before the large engine is fetched.
//
// To the page it posts: {loaded: bytes} while fetching, a plain string when it cannot work at all, and from then on
// whatever the engine posts.
const here = new URL(import.meta.url);
const engine = here.searchParams.get("engine") === "webgpu" ? "webgpu" : "cpu";

/** Fetches the engine and tells how far it is, so that a slow line is not taken for a dead engine. */
async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}`);
  let loaded = 0;
  let told = 0;
  const counted = response.body.pipeThrough(
    new TransformStream({
      transform(chunk, out) {
        loaded += chunk.byteLength;
        if (loaded - told > 200000) {
          told = loaded;
          self.postMessage({ loaded });
        }
        out.enqueue(chunk);
      },
    }),
  );
  return new Response(counted, { headers: { "content-type": "application/wasm" } });
}

async function main() {
  if (engine === "webgpu") {
    // Asked here because a worker may have no WebGPU where the page has it.
    const adapter = await self.navigator.gpu?.requestAdapter();
    if (!adapter) throw new Error("WebGPU finds no adapter here.");
    const info = adapter.info;
    if (here.searchParams.get("software") === "no" && (info?.isFallbackAdapter ?? adapter.isFallbackAdapter)) {
      throw new Error(`Its adapter (${info?.description || info?.architecture || "unnamed"}) is emulated on the CPU.`);
    }
  }
  const glue = await import(new URL(`./${engine}/lowshot_engine.js`, here).href);
  const wasm = new URL(`./${engine}/lowshot_engine_bg.wasm`, here);
  await glue.default({ module_or_path: fetched(wasm) });
  await glue.start(new URL("../", here).href);
}

main().catch((error) => self.postMessage(String(error?.message ?? error)));
