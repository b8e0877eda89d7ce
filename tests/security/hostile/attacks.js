/**
 * What a web page can try on a server of this machine. Every attempt has a number, which it also writes into the address, so that
 * a server can tell which of them arrived. An attempt's result is what the page learned.
 *
 * Runs inside a page (or, what needs no document, inside a worker); it may use nothing of the outside.
 */

/**
 * @param {string} base the server, without a slash at the end
 * @returns {Promise<Record<string, string>>} attempt -> what it learned
 */
export async function attack(base) {
  const hasDocument = typeof document !== "undefined";
  const shown = (/** @type {unknown} */ value) => String(value).slice(0, 2000);
  let number = 0;
  const usage = () => `${base}/api/usage?max_age=${++number}`;
  const refresh = () => `${base}/api/refresh?wait=${++number / 1000}`;

  /** A page's element that loads something: what became of it. */
  const element = (/** @type {string} */ tag, /** @type {Record<string, string>} */ attributes) =>
    new Promise((settle) => {
      const made = document.createElement(tag);
      made.onload = () => {
        try {
          const inner = /** @type {any} */ (made).contentDocument ?? /** @type {any} */ (made).sheet?.cssRules;
          settle(inner?.body?.innerText ?? (inner ? "looked inside" : "load"));
        } catch (error) {
          settle(error);
        }
      };
      made.onerror = () => settle("error");
      Object.assign(made, attributes);
      document.body.append(made);
    });

  const form = (/** @type {string} */ action, /** @type {string} */ method, /** @type {string} */ enctype) => {
    const name = `frame${action}`;
    const loaded = element("iframe", { name, src: "about:blank" });
    const made = Object.assign(document.createElement("form"), { action, method, enctype, target: name });
    // A form that gets writes its own fields into the address, in place of what stands there.
    for (const [field, value] of new URL(action).searchParams) {
      made.append(Object.assign(document.createElement("input"), { name: field, value }));
    }
    document.body.append(made);
    made.submit();
    return loaded;
  };

  const opened = async (/** @type {string} */ url) => {
    const other = window.open(url);
    await new Promise((settle) => setTimeout(settle, 700));
    try {
      return other?.document.body.innerText;
    } catch (error) {
      return error;
    } finally {
      other?.close();
    }
  };

  const heard = (/** @type {any} */ stream) =>
    new Promise((settle) => {
      stream.onopen = () => settle("open");
      stream.onmessage = (/** @type {any} */ { data }) => settle(data);
      stream.onerror = () => settle("error");
    }).finally(() => stream.close());

  const throughServiceWorker = async (/** @type {string} */ url) => {
    await navigator.serviceWorker.register("/worker.js");
    const ready = await navigator.serviceWorker.ready;
    const channel = new MessageChannel();
    const told = new Promise((settle) => (channel.port1.onmessage = ({ data }) => settle(data)));
    ready.active?.postMessage(url, [channel.port2]);
    return told;
  };

  const xhr = (/** @type {string} */ method, /** @type {string} */ url) =>
    new Promise((settle) => {
      const request = new XMLHttpRequest();
      request.onloadend = () => settle(request.responseText || `status ${request.status}`);
      request.open(method, url);
      request.send(method === "POST" ? "{}" : null);
    });

  const read = (/** @type {string} */ url, /** @type {RequestInit} */ init = {}) =>
    fetch(url, init).then(async (answer) => `${answer.type} ${await answer.text()}`);

  /** @type {Record<string, () => unknown>} */
  const everywhere = {
    "fetch": () => read(usage()),
    "fetch with credentials": () => read(usage(), { credentials: "include" }),
    "fetch without cors": () => read(usage(), { mode: "no-cors" }),
    "fetch without referrer": () => read(usage(), { referrerPolicy: "no-referrer" }),
    "fetch as navigation": () => read(usage(), { headers: { Accept: "text/html", "Sec-Fetch-Mode": "navigate" } }),
    "post": () => read(refresh(), { method: "POST" }),
    "post without cors": () => read(refresh(), { method: "POST", mode: "no-cors", body: "x" }),
    "post json": () => read(refresh(), { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }),
    "post with keepalive": () => read(refresh(), { method: "POST", mode: "no-cors", keepalive: true, body: "x" }),
    "event source": () => heard(new EventSource(usage())),
    "web socket": () => heard(new WebSocket(usage().replace("http", "ws"))),
  };
  /** @type {Record<string, () => unknown>} */
  const inPages = {
    "xhr": () => xhr("GET", usage()),
    "xhr post": () => xhr("POST", refresh()),
    "beacon": () => navigator.sendBeacon(refresh(), "x"),
    "image": () => element("img", { src: usage() }),
    "script": () => element("script", { src: usage() }),
    "module": () => element("script", { type: "module", src: usage() }),
    "style": () => element("link", { rel: "stylesheet", href: usage() }),
    "preload": () => element("link", { rel: "preload", as: "fetch", href: usage() }),
    "iframe": () => element("iframe", { src: usage() }),
    "object": () => element("object", { data: usage() }),
    "embed": () => element("embed", { src: usage() }),
    "form": () => form(usage(), "get", ""),
    "form post": () => form(refresh(), "post", "text/plain"),
    "form post multipart": () => form(refresh(), "post", "multipart/form-data"),
    "window": () => opened(usage()),
    "a static file as script": () => element("script", { src: `${base}/view/words.js?max_age=${++number}` }),
    "a static file as style": () => element("link", { rel: "stylesheet", href: `${base}/view/look.css?max_age=${++number}` }),
    "the dashboard in a frame": () => element("iframe", { src: `${base}/?max_age=${++number}` }),
  };
  const here = hasDocument ? { ...everywhere, ...inPages } : everywhere;

  const late = (/** @type {number} */ ms) => new Promise((settle) => setTimeout(() => settle("nothing"), ms));
  const learned = Object.fromEntries(Object.keys(here).map((name) => [name, ""]));
  const attempt = async (/** @type {string} */ name, /** @type {() => unknown} */ act, ms = 1500) => {
    try {
      learned[name] = shown(await Promise.race([act(), late(ms)]));
    } catch (error) {
      learned[name] = shown(error);
    }
  };
  await Promise.all(Object.entries(here).map(([name, act]) => attempt(name, act)));
  // By itself: the browser has little patience for its installation while the rest is going on.
  if (hasDocument && location.port && self.origin !== "null") await attempt("service worker", () => throughServiceWorker(usage()), 8000);
  return learned;
}
