/**
 * Compiles assembly/ to WebAssembly, and puts it where each kind of runtime finds it: `core.wasm` for those that import
 * modules, `core.generated.ts` (base64) for the rest.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT = 'src/codec/core.wasm'
const OPTIONS = [
  // What the shrinking takes is no speed, and 6 % of the size.
  ['--optimizeLevel', '3', '--shrinkLevel', '1', '--runtime', 'stub', '--noAssert'],
  ['--enable', 'simd', '--enable', 'bulk-memory'],
  // The host makes the memory, and chooses its size.
  ['--importMemory', '--initialMemory', '4', '--maximumMemory', '65536'],
].flat()

/** The core, with sources that stand in for files of assembly/, by their path. */
export async function compileCore(standIns: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const asc = await import('assemblyscript/asc')
  let wasm: Uint8Array | undefined
  const { error, stderr } = await asc.main(['assembly/index.ts', '--baseDir', ROOT, '--outFile', OUT, ...OPTIONS], {
    readFile: async (name, base) => standIns[name] ?? (await readFile(`${base}/${name}`, 'utf8').catch(() => null)),
    writeFile: (_, contents) => {
      wasm = contents as Uint8Array
    },
  })
  if (error || wasm === undefined) throw new Error(`The core does not compile: ${stderr.toString()}`, { cause: error })
  return wasm
}

/** The module that has the core inlined. */
export function inlined(wasm: Uint8Array): string {
  const base64 = Buffer.from(wasm).toString('base64')
  return `/** The core, compiled from assembly/ by the build. */\nexport const CORE_BASE64 =\n  '${base64}'\n`
}

export async function buildCore(): Promise<void> {
  const wasm = await compileCore()
  await mkdir(`${ROOT}src/codec`, { recursive: true })
  await writeFile(ROOT + OUT, wasm)
  await writeFile(`${ROOT}src/codec/core.generated.ts`, inlined(wasm))
}

if (import.meta.main) await buildCore()
