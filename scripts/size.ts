/**
 * Measures what hawser adds to a Worker: bundles dist/ for the edge as its tools do, and prints the size after gzip of
 * what is loaded at once, and of everything. Fails above the limits, and when code of Node is in it.
 */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'

const KiB = 1024
/** Bytes of what is loaded at once: all that the `fetch` transport needs. */
const AT_ONCE_LIMIT = 16 * KiB
/** Bytes of everything, with what is loaded only when an option needs it. */
const IN_ALL_LIMIT = 32 * KiB

const root = fileURLToPath(new URL('..', import.meta.url))
/** Names only: nothing is written. */
const OUT = 'edge'
const ENTRY = `${OUT}/index.js`

interface Bundle {
  /** By path, each with what it imports. */
  readonly files: Metafile['outputs']
  readonly contents: ReadonlyMap<string, Uint8Array>
}

/**
 * With `splitting`, what is loaded only when it is needed is in files of its own; the tools of Workers put all into
 * one.
 */
async function bundle(splitting: boolean): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents: "export { connect } from 'hawser'", resolveDir: root, sourcefile: 'index.js' },
    entryNames: 'index',
    outdir: OUT,
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    splitting,
    format: 'esm',
    target: 'es2023',
    // That of the sources says nothing to whoever has installed them.
    tsconfigRaw: {},
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', 'undici'],
    loader: { '.wasm': 'copy' },
  })
  const contents = outputFiles.map(({ path, contents }) => [path.slice(root.length), contents] as const)
  return { files: metafile.outputs, contents: new Map(contents) }
}

/** A file, and all that is loaded with it. */
function loadedWith(path: string, { files }: Pick<Bundle, 'files'>, found: Set<string> = new Set()): Set<string> {
  const file = files[path]
  if (file === undefined || found.has(path)) return found
  found.add(path)
  for (const { path: next, kind } of file.imports) if (kind === 'import-statement') loadedWith(next, { files }, found)
  return found
}

/** Code as one file, as it is deployed, and each module beside it. */
function report(what: string, paths: Iterable<string>, { contents }: Bundle, limit: number): void {
  const isCode = (path: string) => path.endsWith('.js')
  const all = [...paths]
  const code = Buffer.concat(all.filter(isCode).map((path) => contents.get(path)!))
  const files = [code, ...all.filter((path) => !isCode(path)).map((path) => contents.get(path)!)]
  const size = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0)
  const inKiB = (bytes: number) => `${(bytes / KiB).toFixed(1)} KiB`
  console.log(`${what.padEnd(45)} ${inKiB(size).padStart(9)}   at most ${inKiB(limit)}`)
  if (size > limit) fail(`${what}: ${size} bytes are more than ${limit}`)
}

/**
 * Nothing of Node runs in a Worker without its compatibility layer, which nobody should need for hawser. What is looked
 * up on `globalThis` may be missing, and is fine.
 */
function refuseNode({ files, contents }: Bundle): void {
  for (const [path, { imports }] of Object.entries(files)) {
    const foreign = imports.find(({ path: to, external }) => external && !to.startsWith('cloudflare:'))
    if (foreign) fail(`${path} imports ${foreign.path}`)
    const text = path.endsWith('.js') ? new TextDecoder().decode(contents.get(path)) : ''
    const name = /(?<![.\w$])(Buffer\b|process\.|require\()/.exec(text)?.[0]
    if (name) fail(`${path} uses ${name}, which only Node has`)
  }
}

function fail(why: string): void {
  console.error(why)
  process.exitCode = 1
}

const inParts = await bundle(true)
const inOne = await bundle(false)
refuseNode(inParts)
console.log('What `connect` adds to a Worker, minified, after gzip, with the WebAssembly that is in it:')
report('  loaded at once (the fetch transport)', loadedWith(ENTRY, inParts), inParts, AT_ONCE_LIMIT)
report('  in all', inOne.contents.keys(), inOne, IN_ALL_LIMIT)
