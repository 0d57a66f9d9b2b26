/** Which runtime this is, where node:http2 is not the same in all of them. */
const { versions } = process as { readonly versions: Readonly<Record<string, string | undefined>> }

export const isDeno = versions['deno'] !== undefined
export const isBun = versions['bun'] !== undefined
