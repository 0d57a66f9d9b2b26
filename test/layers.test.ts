import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../src/', import.meta.url))

/** A layer may import itself and what stands in its row; files at the top of src that everyone may use are `base`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  codec: ['base'],
  deflate: [],
  protocol: ['base', 'codec'],
  handshake: ['base'],
  transport: ['base', 'handshake'],
  driver: ['base', 'codec', 'protocol', 'transport/contracts.ts'],
  top: ['base', 'codec', 'deflate', 'protocol', 'handshake', 'transport', 'driver'],
  web: ['base', 'codec/close-code.ts', 'protocol', 'handshake', 'driver/connection.ts', 'top'],
  cli: ['base', 'top'],
}
const BASE = new Set([
  'abortable.ts',
  'concatenated.ts',
  'errors.ts',
  'http-headers.ts',
  'options.ts',
  'random-words.ts',
  'telemetry.ts',
])
/** Files that may import Node's modules, undici, or Cloudflare's. */
const PLATFORM_FILES = /^(transport\/|codec\/load|cli\/|web\/node-stream)/
const PLATFORM_MODULES = /^(node:|undici|cloudflare:)/
/** The transports: none may know another. */
const TRANSPORTS = ['transport/fetch.ts', 'transport/tcp.ts', 'transport/http2.ts', 'transport/dispatcher.ts']

interface Import {
  readonly from: string
  readonly to: string
}

function layerOf(file: string): string {
  if (BASE.has(file)) return 'base'
  const slash = file.indexOf('/')
  return slash < 0 ? 'top' : file.slice(0, slash)
}

/** A file of ours by its path in src/, anything else as it is. */
function located(target: string, from: string): string {
  return target.startsWith('.') ? normalize(join(dirname(from), target)) : target
}

const IMPORT = /(?:^(?:import|export|\}) .*from |import\()'([^']+)'/gm
const imports: Import[] = globSync('**/*.ts', { cwd: SRC, exclude: ['**/*.d.ts'] }).flatMap((from) =>
  [...readFileSync(join(SRC, from), 'utf8').matchAll(IMPORT)].map(([, target]) => ({
    from,
    to: located(target!, from),
  })),
)
/** What a file needs before it can run: neither types, nor what it imports when it comes to it. */
const STATIC_IMPORT = /^(?:import|export)\s+(?!type\b)[^']*?from '([^']+)'/gm

/** A file, and all that is loaded before it in Workers. */
function loadedInWorkers(file: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  if (!file.endsWith('.ts')) return found
  for (const [, target] of readFileSync(join(SRC, file), 'utf8').matchAll(STATIC_IMPORT)) {
    loadedInWorkers(target === '#platform' ? 'platform.workerd.ts' : located(target!, file), found)
  }
  return found
}

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
    const foreign = imports.filter(
      ({ to }) => !/\.(ts|wasm)$|^#(codec|platform)$/.test(to) && !PLATFORM_MODULES.test(to),
    )
    expect(foreign.map(shown)).toEqual([])
  })

  test('transports do not know each other', () => {
    const crossing = internal.filter(({ from, to }) => TRANSPORTS.includes(from) && TRANSPORTS.includes(to))
    expect(crossing.map(shown)).toEqual([])
  })

  test('a Worker loads at once neither what frames bytes nor a module of a platform', () => {
    const loaded = [...loadedInWorkers('index.ts')]
    expect(loaded).toContain('transport/fetch.ts')
    const needless = /^codec\/(?!close-code)|stream-driver|protocol\/(?!states)|transport\/(tcp|socket)|:|\.wasm$/
    expect(loaded.filter((file) => needless.test(file))).toEqual([])
    expect([...loadedInWorkers('framing.ts')]).toContain('driver/stream-driver.ts')
    expect([...loadedInWorkers('transport/socket.workerd.ts')]).toContain('cloudflare:sockets')
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
