/** The examples of the documentation, as a user's compiler sees them. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const EXAMPLE = /^```ts\n(.*?)^```$/gms
/** A test as docs/security.md names it: file and name. */
const PROOF = /`([\w./-]+\.test\.ts)`: \*([^*]+)\*/g
/** What stands before the name of a test. */
const NAMED = ['test(', 'test.each(', ')(', ')(\n  ', ')(\n    ']

/** What users import, and what that is made of. */
const PATHS = {
  hawser: ['src/index.ts'],
  'hawser/frame': ['src/frame.ts'],
  'hawser/node-stream': ['src/web/node-stream.ts'],
  'hawser/websocket': ['src/web/websocket.ts'],
  'hawser/websocketstream': ['src/web/websocketstream.ts'],
  '#codec': ['src/codec/load.ts'],
  '#platform': ['src/platform.ts'],
}

/** The examples of a document as modules, by names that say where they begin. */
async function examples(document: string): Promise<(readonly [string, string])[]> {
  const text = await readFile(join(root, document), 'utf8')
  return [...text.matchAll(EXAMPLE)].map(({ 1: code = '', index }) => {
    const line = text.slice(0, index).split('\n').length
    return [`${document.replaceAll('/', '-')}-line-${line}.ts`, `${code}\nexport {}\n`]
  })
}

/** A project of its own, with the packages of this one. */
async function project(files: readonly (readonly [string, string])[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hawser-documentation-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  const paths = Object.entries(PATHS).map(([name, [file]]) => [name, [join(root, file!)]])
  const tsconfig = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: true,
      declaration: false,
      rootDir: '/',
      paths: Object.fromEntries(paths),
      typeRoots: [join(root, 'node_modules/@types')],
      // An example shows how something is made, and leaves what is done with it to the reader.
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: [directory],
    files: [join(root, 'test/documentation/free-names.d.ts')],
  }
  const texts = [...files, ['package.json', '{"type":"module"}'], ['tsconfig.json', JSON.stringify(tsconfig)]] as const
  await Promise.all(texts.map(([name, text]) => writeFile(join(directory, name), text)))
  return directory
}

test('every example compiles', async () => {
  const files = (await Promise.all(['README.md', 'docs/telemetry.md'].map(examples))).flat()
  expect(files.length).toBeGreaterThan(12)
  const tsc = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['--project', await project(files)])
  const complaints = await tsc.then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  )
  expect(complaints).toBe('')
})

describe('the threat model', async () => {
  const text = await readFile(join(root, 'docs/security.md'), 'utf8')
  const named = [...text.matchAll(PROOF)].map(({ 1: file = '', 2: name = '' }) => [file, name] as const)
  const claims = text.split('\n').filter((line) => /^\| (?!claim \|)/.test(line))

  test('has a proof for each claim', () => {
    expect(claims.length).toBeGreaterThan(30)
    for (const claim of claims) expect(claim.match(PROOF), claim).not.toBeNull()
    // A file that is named in another form would not be looked into.
    expect(text.match(/\.test\.ts`/g)).toHaveLength(named.length)
  })

  test.each(named)('is proven by what there is: %s: %s', async (file, name) => {
    const source = await readFile(join(root, 'test', file), 'utf8')
    const quoted = ["'", '"', '`'].map((mark) => `${mark}${name}${mark}`)
    const calls = quoted.filter((literal) => NAMED.some((before) => source.includes(`${before}${literal}`)))
    expect(calls, `a test of that name in ${file}`).toHaveLength(1)
  })
})
