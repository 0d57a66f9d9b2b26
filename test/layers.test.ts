import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../src/', import.meta.url))

/** A layer may import itself and what stands in its row; files at the top of src that everyone may use are `base`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  codec: ['base'],
  protocol: ['base', 'codec'],
  handshake: ['base'],
  transport: ['base', 'handshake'],
  driver: ['base', 'codec', 'protocol', 'transport/contracts.ts'],
  top: ['base', 'codec', 'protocol', 'handshake', 'transport', 'driver'],
  cli: ['base', 'top'],
}
const BASE = new Set(['errors.ts', 'http-headers.ts', 'options.ts'])
/** Files that may import Node's modules, undici, or Cloudflare's. */
const PLATFORM_FILES = /^(transport\/|codec\/load|cli\/|web\/node-stream)/
const PLATFORM_MODULES = /^(node:|undici|cloudflare:)/
/** The transports: none may know another. */
const TRANSPORTS = ['transport/tcp.ts', 'transport/dispatcher.ts']

interface Import {
  readonly from: string
  readonly to: string
}

function layerOf(file: string): string {
  if (BASE.has(file)) return 'base'
  const slash = file.indexOf('/')
  return slash < 0 ? 'top' : file.slice(0, slash)
}

const IMPORT = /(?:^(?:import|export|\}) .*from |import\()'([^']+)'/gm
const imports: Import[] = globSync('**/*.ts', { cwd: SRC, exclude: ['**/*.d.ts'] }).flatMap((from) =>
  [...readFileSync(join(SRC, from), 'utf8').matchAll(IMPORT)].map(([, target]) => ({
    from,
    to: target!.startsWith('.') ? normalize(join(dirname(from), target!)) : target!,
  })),
)
const internal = imports.filter(({ to }) => to.endsWith('.ts'))
const shown = ({ from, to }: Import) => `${from} imports ${to}`

describe('layers', () => {
  test('the check sees the imports of every layer', () => {
    const seen = new Set(internal.map(({ from }) => layerOf(from)))
    expect([...seen].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  test('imports point down only', () => {
    const upward = internal.filter(({ from, to }) => {
      const allowed = MAY_IMPORT[layerOf(from)]
      return layerOf(from) !== layerOf(to) && !allowed?.includes(layerOf(to)) && !allowed?.includes(to)
    })
    expect(upward.map(shown)).toEqual([])
  })

  test('only transports, loaders and the command know a platform', () => {
    const platform = imports.filter(({ from, to }) => PLATFORM_MODULES.test(to) && !PLATFORM_FILES.test(from))
    expect(platform.map(shown)).toEqual([])
  })

  test('nothing is imported from outside but the platforms, undici and the package itself', () => {
    const foreign = imports.filter(({ to }) => !/\.(ts|wasm)$|^#platform$/.test(to) && !PLATFORM_MODULES.test(to))
    expect(foreign.map(shown)).toEqual([])
  })

  test('transports do not know each other', () => {
    const crossing = internal.filter(({ from, to }) => TRANSPORTS.includes(from) && TRANSPORTS.includes(to))
    expect(crossing.map(shown)).toEqual([])
  })

  test('no files import each other in a circle', () => {
    const graph = Map.groupBy(internal, ({ from }) => from)
    const circles: string[] = []
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      else if (!done.has(file)) for (const { to } of graph.get(file) ?? []) visit(to, [...path, file])
      done.add(file)
    }
    const done = new Set<string>()
    for (const file of graph.keys()) visit(file, [])
    expect(circles).toEqual([])
  })
})
