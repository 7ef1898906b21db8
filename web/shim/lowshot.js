// <lowshot-demo>: a method's demo in any page. One small classic script, also usable as a module; the user interface
// (WebAssembly) is fetched when a demo comes into sight, the engine when somebody shows interest.
// Nothing happens on a server.
(() => {
  if (typeof window === "undefined" || typeof customElements === "undefined") return;
  const TAG = "lowshot-demo";
  if (customElements.get(TAG)) {
    console.warn("lowshot.js was loaded twice; the first one stays.");
    return;
  }

  // Where the site lies: next to this script, however it was loaded.
  const own = document.currentScript?.src || /https?:[^\s)]*?lowshot[^\s)/]*\.js/.exec(new Error().stack ?? "")?.[0];
  const site = new URL(".", own || document.baseURI).href;
  const loaded = new Map();
  /** The user interface, once per page. A failed try is forgotten, so that the next one is a fresh one. */
  const ui = (base) => {
    if (!loaded.has(base)) {
      const module = import(`${base}ui/lowshot_web.js`).then(async (glue) => {
        await glue.default({ module_or_path: `${base}ui/lowshot_web_bg.wasm` });
        return glue;
      });
      module.catch(() => loaded.delete(base));
      loaded.set(base, module);
    }
    return loaded.get(base);
  };

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  // Attributes that belong to the page, not to the demo.
  const PAGE = /^(class|id|style|slot|part|title|lang|dir|role|tabindex|hidden|is|base|height|from-url|data-.*|aria-.*|on.*)$/;
  const STYLE = `:host{display:block;min-height:var(--lowshot-min-height,560px);contain:layout style}
:host([hidden]){display:none}
.poster{display:grid;gap:.75rem;justify-items:center;padding:1rem;font:15px/1.5 system-ui,sans-serif;color:inherit}
.poster svg{max-width:100%;height:auto}
.poster svg.ls-auto{--ls-fg:light-dark(#1f2328,#e6e8eb);--ls-muted:light-dark(#59636e,#9aa4b0);--ls-grid:light-dark(#e4e7eb,#2b3037);--ls-surface:light-dark(#fff,#181d20)}
button{font:inherit;padding:.5em 1.2em;border:1px solid;border-radius:.5em;background:none;color:inherit;cursor:pointer}`;

  class LowshotDemo extends HTMLElement {
    static observedAttributes = ["theme"];
    #mounted = null;
    #starting = null;
    #visible = true;
    #watch = null;
    #changes = null;
    #life = 0;

    connectedCallback() {
      // Moved within the page: everything is still there.
      if (this.#watch) return;
      if (this.hasAttribute("from-url")) {
        for (const [name, value] of new URLSearchParams(location.search)) {
          if (/^[a-z][\w.-]*$/.test(name) && name !== "token") this.setAttribute(name, value);
        }
      }
      const height = Number.parseInt(this.getAttribute("height"), 10);
      if (height > 0) this.style.setProperty("--lowshot-min-height", `${height}px`);
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      this.#scheme();
      // The children of the element show until there is a picture, and wherever scripts do not run.
      root.replaceChildren(make("style", {}, STYLE), make("div", { class: "poster", part: "poster" }, make("slot", {})));
      this.#poster(root.querySelector(".poster"));
      const life = this.#life;
      this.#watch = new IntersectionObserver(
        ([entry]) => {
          this.#visible = entry.isIntersecting;
          this.#mounted?.setVisible(entry.isIntersecting);
          if (entry.isIntersecting) this.#start().catch(() => {});
        },
        { rootMargin: "200px" },
      );
      this.#watch.observe(this);
      // The page may set other attributes later. The theme is heard by attributeChangedCallback.
      const setting = ({ attributeName: name }) => !PAGE.test(name) && !["theme", "loading"].includes(name);
      this.#changes = new MutationObserver((changes) => changes.some(setting) && this.#again());
      this.#changes.observe(this, { attributes: true });
      if (this.getAttribute("loading") === "eager") queueMicrotask(() => life === this.#life && this.#start().catch(() => {}));
    }

    disconnectedCallback() {
      // Moving an element within the page takes it out for a moment.
      queueMicrotask(() => {
        if (this.isConnected || !this.#watch) return;
        this.#watch.disconnect();
        this.#changes.disconnect();
        this.#unmount();
        this.#watch = this.#changes = null;
      });
    }

    #unmount() {
      this.#life++;
      this.#mounted?.unmount();
      this.#mounted?.free();
      this.#mounted = this.#starting = null;
    }

    /** A new demo with the attributes of now; the engine of the page stays. */
    #again() {
      if (!this.#starting) return; // they are read when it starts
      this.#unmount();
      this.#start().catch(() => {});
    }

    attributeChangedCallback() {
      if (!this.shadowRoot) return;
      this.#scheme();
      this.#mounted?.setTheme(this.getAttribute("theme") ?? "auto");
    }

    #scheme() {
      const theme = this.getAttribute("theme");
      this.style.colorScheme = theme === "light" || theme === "dark" ? theme : "";
    }

    get #base() {
      return new URL(this.getAttribute("base") ?? site, document.baseURI).href;
    }

    async #poster(box) {
      const method = this.getAttribute("method");
      const answer = await fetch(`${this.#base}frames/${encodeURIComponent(method)}.svg`).catch(() => null);
      if (answer?.ok && !this.#mounted) box.innerHTML = await answer.text();
    }

    #start() {
      const life = this.#life;
      this.#starting ??= this.#mount().catch((error) => {
        if (life === this.#life) {
          this.#starting = null;
          this.#fail(error);
        }
        throw error;
      });
      return this.#starting;
    }

    async #mount() {
      const base = this.#base;
      const life = this.#life;
      const root = this.shadowRoot;
      const style = make("link", { rel: "stylesheet", href: `${base}style.css` });
      const styled = new Promise((done) => (style.onload = style.onerror = done));
      root.querySelectorAll("link, .demo").forEach((earlier) => earlier.remove());
      root.append(style);
      const query = new URLSearchParams();
      for (const { name, value } of this.attributes) if (!PAGE.test(name)) query.append(name, value);
      const emit = (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
      const [glue] = await Promise.all([ui(base), styled]);
      const box = make("div", { class: "demo" });
      const mounted = await glue.mountElement(box, base, query.toString(), emit);
      if (life !== this.#life) {
        mounted.unmount();
        throw new Error("The demo was taken off the page.");
      }
      root.querySelector(".poster")?.remove();
      root.append(box);
      mounted.setVisible(this.#visible);
      mounted.setTheme(this.getAttribute("theme") ?? "auto"); // it may have changed meanwhile
      this.#mounted = mounted;
      return mounted;
    }

    #fail(error) {
      const message = String(error?.message ?? error);
      const box = this.shadowRoot.querySelector(".poster");
      if (!box || !this.isConnected) return;
      box.querySelector("[role=alert]")?.remove();
      const retry = make("button", { type: "button" }, "Try again");
      retry.onclick = () => (box.querySelector("[role=alert]")?.remove(), this.#start().catch(() => {}));
      box.append(make("div", { role: "alert" }, make("p", {}, `This demo could not be loaded. ${message}`), retry));
      const detail = { code: "load", message, remedy: "Check the connection and try again." };
      this.dispatchEvent(new CustomEvent("lowshot-error", { detail, bubbles: true, composed: true }));
    }

    // All of these give promises, because the demo may still be on its way.
    run = async () => (await this.#start()).run();
    step = async () => (await this.#start()).step();
    pause = async () => (await this.#start()).pause();
    reset = async () => (await this.#start()).reset();
    getConfig = async () => (await this.#start()).getConfig();
    setConfig = async (config) => (await this.#start()).setConfig(config);
  }
  customElements.define(TAG, LowshotDemo);

  // The pages of the site itself.
  const page = () => {
    const root = document.querySelector("[data-lowshot-page]");
    if (root) {
      ui(site)
        .then((glue) => glue.mountPage(root, site))
        .catch((error) => {
          root.querySelector("[data-lowshot-wait]")?.remove();
          root.append(make("p", { role: "alert" }, `The page could not be started. ${error?.message ?? error}`));
        });
    }
    if (document.documentElement.hasAttribute("data-lowshot-embed") && parent !== window) {
      new ResizeObserver(() => {
        const height = Math.ceil(document.body.getBoundingClientRect().height);
        parent.postMessage({ type: "lowshot-height", height }, "*");
      }).observe(document.body);
    }
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", page);
  else page();
})();
