/** Leave to load scripts: the content policy takes their addresses from this policy alone. */

interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

const policy = (globalThis as { trustedTypes?: Policies }).trustedTypes?.createPolicy("skyscan", {
  createScriptURL: (own) => own,
});

/** An address of our own, as a worker's constructor takes it. */
export const trusted = (url: string): string => policy?.createScriptURL(url) ?? url;
