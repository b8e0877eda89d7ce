/**
 * Every message that means something to somebody inside aimo, well-formed, for who has no business sending it; and ways to send
 * one. Runs inside a page, a content script or a worker; it may use nothing of the outside.
 */

/**
 * @param {string} target id of the extension to talk to
 * @param {string} token something that looks like a web token
 * @returns {Promise<string[]>} what came back
 */
export async function shout(target, token) {
  const all = [
    { type: "zai_token", token },
    { type: "zai_token", token: null },
    { type: "recheck" },
    { type: "refresh" },
    { type: "refresh", providers: ["claude"] },
    { type: "refresh", id: "x", trigger: "popup" },
    { type: "serve" },
    { type: "serve", stop: true },
    { type: "settings", changed: { language: "ja", badge: false } },
    { type: "settings", changed: { wake: ["claude", "codex", "zai", "ollama"] } },
    { type: "secret", name: "ZAI_API_KEY", value: "planted" },
    { type: "ask", id: "1", source: "claude.organizations", params: {} },
    { type: "answer", id: "1", status: 200, headers: {}, body: "{}", redirected: false },
    { type: "entry", entry: null, refreshing: [] },
    { type: "welcome", protocol: 1 },
    { type: "hello", protocol: 1, profile: "99999999-0000-4000-8000-000000000009" },
    { type: "get" },
    { type: "state" },
    "refresh",
    null,
  ];
  const runtime = globalThis.chrome?.runtime;
  if (!runtime?.sendMessage) return ["no way to send anything"];
  /** @type {string[]} */
  const heard = [];
  const late = () => new Promise((settle) => setTimeout(() => settle("silence"), 300));
  const once = (/** @type {any} */ message) =>
    new Promise((settle) => {
      runtime.sendMessage(target, message, (/** @type {unknown} */ reply) =>
        settle(JSON.stringify(reply) ?? runtime.lastError?.message ?? "silence"),
      );
    });
  for (const message of all) {
    try {
      heard.push(String(await Promise.race([once(message), late()])));
    } catch (error) {
      heard.push(String(error));
    }
  }
  for (const name of ["face", "popup", ""]) {
    try {
      const port = runtime.connect(target, { name });
      port.onMessage.addListener((/** @type {unknown} */ message) => heard.push(JSON.stringify(message)));
      port.onDisconnect.addListener(() => heard.push(runtime.lastError?.message ?? "closed"));
      for (const message of all) port.postMessage(message);
    } catch (error) {
      heard.push(String(error));
    }
    await late();
  }
  return heard;
}
