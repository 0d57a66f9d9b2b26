/** Which tests prove a source: those of its own first, since most mutants end there; then those of what uses it. */
import { existsSync, globSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const FRAMES = ['test/codec/{close-code,encoder,decoder,differential,utf8}.test.ts']
const READING = [
  'test/protocol/{protocol,message-reader,message-reader-holding}.test.ts',
  'test/protocol/message-reader-deflate.test.ts',
]
const WRITING = ['test/protocol/{protocol,message-writer,protocol-deflate,outbox}.test.ts']

/** By path: the tests that come first where no test has the name of the source, and those that come after. */
const TESTS: Readonly<Record<string, { own?: readonly string[]; users?: readonly string[] }>> = {
  'src/codec/close-code.ts': { users: ['test/protocol/{close-frame,protocol}.test.ts'] },
  'src/codec/codec.ts': { own: ['test/codec/encoder.test.ts'], users: WRITING },
  'src/codec/instance.ts': { own: ['test/codec/load.test.ts'] },
  'src/codec/opcode.ts': { own: ['test/protocol/protocol.test.ts'], users: ['test/codec/decoder.test.ts', ...WRITING] },
  'src/codec/text.ts': { users: ['test/protocol/{message-copies,message-parts,close-frame,outbox}.test.ts'] },
  'src/codec/twin.ts': {
    own: ['test/codec/{encoder,decoder}.test.ts'],
    users: [...FRAMES, 'test/protocol/message-copies.test.ts'],
  },
  'src/codec/violations.ts': { own: ['test/codec/layout.test.ts'], users: ['test/codec/decoder.test.ts', ...READING] },
  'src/codec/wasm.ts': {
    own: ['test/codec/{encoder,decoder,layout}.test.ts'],
    users: [...FRAMES, 'test/protocol/message-copies.test.ts'],
  },
  'src/random-words.ts': { own: ['test/random-words.test.ts'], users: ['test/security/masking.test.ts'] },
  'src/protocol/message-copies.ts': { users: READING },
  'src/protocol/message-parts.ts': { users: READING },
  'src/protocol/message-reader.ts': { users: [...READING, 'test/protocol/protocol-deflate.test.ts'] },
  'src/protocol/message-writer.ts': { users: WRITING },
  'src/protocol/protocol.ts': {
    users: ['test/protocol/protocol-deflate.test.ts', 'test/driver/stream-driver*.test.ts'],
  },
  'src/protocol/outbox.ts': { users: WRITING },
  'assembly/decoder.ts': { users: FRAMES },
  'assembly/mask.ts': { own: ['test/codec/encoder.test.ts'], users: FRAMES },
  'assembly/memory.ts': { own: ['test/codec/layout.test.ts'], users: FRAMES },
}

const OF_DIRECTORY: Readonly<Record<string, readonly string[]>> = {
  assembly: ['test/codec/*.test.ts'],
  'src/codec': ['test/codec/*.test.ts'],
  'src/protocol': ['test/protocol/protocol.test.ts', 'test/protocol/protocol-deflate.test.ts'],
  'src/deflate': ['test/deflate/*.test.ts', 'test/protocol/*deflate.test.ts'],
  'src/driver': ['test/driver/*.test.ts'],
}

/** Where tests run on both codecs, those on the one that has no part in it are left out. */
const NOT_ON_THE_CORE = '^(?!([a-z ]* on )?the core(?! and))'
const NOT_ON_THE_TWIN = '^(?!([a-z ]* on )?the twin)'

/** Which tests of those files are run, by their names. */
export function namesOf(source: string): string {
  if (['twin', 'utf8', 'close-code'].some((name) => source === `src/codec/${name}.ts`)) return NOT_ON_THE_CORE
  return source === 'src/codec/wasm.ts' || !source.startsWith('src/codec/') ? NOT_ON_THE_TWIN : ''
}

/** The stages in which the tests of a source are run, as files. */
export function stagesOf(source: string, root: string): readonly (readonly string[])[] {
  const find = (patterns: readonly string[]) => patterns.flatMap((pattern) => globSync(pattern, { cwd: root }))
  const { own, users } = TESTS[source] ?? {}
  const directory = dirname(source)
  const tests = directory === 'assembly' ? 'test/codec' : directory.replace('src/', 'test/')
  const named = `${tests}/${basename(source, '.ts')}.test.ts`
  const first = find(own ?? (existsSync(root + named) ? [named] : []))
  const after = new Set(find(users ?? OF_DIRECTORY[directory] ?? []).filter((file) => !first.includes(file)))
  return [first, [...after]].filter((stage) => stage.length > 0)
}
