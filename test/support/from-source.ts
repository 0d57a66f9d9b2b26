/**
 * Lets Node run the sources without a build: `node --import this src/cli/main.ts`. What package.json leads to dist/ is
 * found in src/.
 */
import { registerHooks } from 'node:module'

const SOURCES: Readonly<Record<string, string>> = {
  '#codec': 'codec/load.ts',
  '#platform': 'platform.ts',
  hawser: 'index.ts',
}

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const source = SOURCES[specifier]
    return nextResolve(source === undefined ? specifier : `${new URL(`../../src/${source}`, import.meta.url)}`, context)
  },
})
