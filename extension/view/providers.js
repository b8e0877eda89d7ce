/**
 * The table of providers for everything that has a face: the same rows as aimo_host/gauge/catalog.py (a test compares them).
 */

/** @typedef {{name: string, company: string, site: string, home: string, sign_in: string, usage_page: string, keys_page: string | null}} Row */

/** @type {Readonly<Record<string, Row>>} */
export const PROVIDERS = Object.freeze({
  claude: {
    name: "Claude",
    company: "Anthropic",
    site: "claude.ai",
    home: "https://claude.ai/",
    sign_in: "https://claude.ai/login",
    usage_page: "https://claude.ai/settings/usage",
    keys_page: null,
  },
  codex: {
    name: "Codex",
    company: "OpenAI",
    site: "chatgpt.com",
    home: "https://chatgpt.com/",
    sign_in: "https://chatgpt.com/auth/login",
    usage_page: "https://chatgpt.com/codex/settings/usage",
    keys_page: null,
  },
  zai: {
    name: "Z.ai",
    company: "Z.ai",
    site: "z.ai",
    home: "https://z.ai/",
    sign_in: "https://z.ai/",
    usage_page: "https://z.ai/manage-apikey/coding-plan/personal/usage",
    keys_page: "https://z.ai/manage-apikey/apikey-list",
  },
  ollama: {
    name: "Ollama",
    company: "Ollama",
    site: "ollama.com",
    home: "https://ollama.com/",
    sign_in: "https://ollama.com/signin",
    usage_page: "https://ollama.com/settings",
    keys_page: "https://ollama.com/settings/keys",
  },
});

export const ORDER = Object.freeze(Object.keys(PROVIDERS));

/** @param {string} provider @returns {Row} a provider of a newer host is called what it calls itself */
export function providerRow(provider) {
  const unknown = { name: provider, company: provider, site: provider, home: "", sign_in: "", usage_page: "", keys_page: null };
  return Object.hasOwn(PROVIDERS, provider) ? PROVIDERS[provider] : unknown;
}
