/** Another extension, with everything that one may ask for. Its deeds are done to it by the test, through the functions below. */

globalThis.nativeHost = (/** @type {string} */ name) =>
  new Promise((settle) => {
    const port = chrome.runtime.connectNative(name);
    port.onMessage.addListener((message) => settle(`it said ${JSON.stringify(message)}`));
    port.onDisconnect.addListener(() => settle(chrome.runtime.lastError?.message ?? "closed"));
    port.postMessage({ type: "hello", protocol: 1, extension: "0.1.0", profile: "99999999-0000-4000-8000-000000000009" });
  });

globalThis.oneNativeMessage = (/** @type {string} */ name) =>
  chrome.runtime.sendNativeMessage(name, { type: "get" }).then(JSON.stringify, String);

globalThis.inject = (/** @type {string} */ url) =>
  new Promise((settle) => {
    chrome.tabs.create({ url }, async (tab) => {
      await new Promise((wait) => setTimeout(wait, 800));
      const func = () => document.body.innerText + JSON.stringify(globalThis.chrome?.storage ?? null);
      await chrome.scripting.executeScript({ target: { tabId: /** @type {number} */ (tab.id) }, func }).then(
        ([{ result }]) => settle(`it saw ${result}`),
        (error) => settle(String(error)),
      );
      await chrome.tabs.remove(/** @type {number} */ (tab.id));
    });
  });
