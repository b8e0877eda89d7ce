/**
 * On z.ai: notices the web token that the page itself keeps in its localStorage, and tells the worker, which alone stores it.
 *
 * A classic script in an isolated world: no imports, no access to our storage, no word to the page. It can cause "token captured"
 * and "token gone", nothing else.
 */
"use strict";
(() => {
  const NAMES = ["z-ai-open-platform-token-production", "z-ai-website-token"];
  const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
  /** @type {string | null | undefined} */
  let told;

  function currentToken() {
    for (const name of NAMES) {
      const token = (localStorage.getItem(name) ?? "").replace(/^"(.*)"$/, "$1");
      if (token.length <= 8192 && JWT.test(token)) return token;
    }
    return null;
  }

  function tell() {
    const token = currentToken();
    if (token === told) return;
    told = token;
    try {
      chrome.runtime.sendMessage({ type: "zai_token", token }).catch(() => {});
    } catch {
      // The extension was reloaded under this page: the next visit brings a fresh script.
    }
  }

  tell();
  // Another tab of the site changes the token: "storage". This page does: seen when the person turns to something else, our popup
  // included, or comes back.
  addEventListener("storage", tell);
  addEventListener("blur", tell);
  document.addEventListener("visibilitychange", tell);
})();
