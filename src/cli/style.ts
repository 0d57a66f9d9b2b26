import { styleText } from 'node:util'

/** Text with a format of `util.styleText` where colours are wanted, plain elsewhere. */
export type Style = (format: Parameters<typeof styleText>[0], text: string) => string

/** Colours are for a terminal, and only if its user has nothing against them: see no-color.org. */
export function styleFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Style {
  const noColor = env['NO_COLOR'] ?? ''
  if (!stream.isTTY || noColor !== '') return (_, text) => text
  return (format, text) => styleText(format, text, { validateStream: false })
}

/** C0 but HTAB and LF, DEL, and C1, which some terminals obey as well. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** Text of the server as a terminal may show it: control characters would move the cursor, change titles, or worse. */
export function harmless(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
