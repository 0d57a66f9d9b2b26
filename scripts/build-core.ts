/**
 * Compiles assembly/ to WebAssembly, and puts it where each kind of runtime finds it: `core.wasm` for those that import
 * modules, `core.generated.ts` (base64) for the rest.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const OPTIONS = [
  // What the shrinking takes is no speed, and 6 % of the size.
  ['--optimizeLevel', '3', '--shrinkLevel', '1', '--runtime', 'stub', '--noAssert'],
  ['--enable', 'simd', '--enable', 'bulk-memory'],
  // The host makes the memory, and chooses its size.
  ['--importMemory', '--initialMemory', '4', '--maximumMemory', '65536'],
].flat()

export async function buildCore(): Promise<void> {
  const asc = await import('assemblyscript/asc')
  const root = fileURLToPath(new URL('..', import.meta.url))
  const out = 'src/codec/core.wasm'
  await mkdir(`${root}src/codec`, { recursive: true })
  const { error, stderr } = await asc.main(['assembly/index.ts', '--baseDir', root, '--outFile', out, ...OPTIONS])
  if (error) throw new Error(`The core does not compile: ${stderr.toString()}`, { cause: error })
  const wasm = await readFile(root + out)
  await writeFile(
    `${root}src/codec/core.generated.ts`,
    `/** The core, compiled from assembly/ by the build. */\nexport const CORE_BASE64 =\n  '${wasm.toString('base64')}'\n`,
  )
}

if (import.meta.main) await buildCore()
