/**
 * The core and the twin get the same streams of frames, cut alike, and have to agree on every row. A run is repeated
 * with `HAWSER_FUZZ_SEED`, and made longer with `HAWSER_FUZZ_CASES`.
 */
import { expect, test } from 'vitest'
import { INPUT, ROW_WORDS } from '../../src/codec/layout.ts'
import { CODECS, concat, hex, randomIntegers, serverFrame, serverHeader } from './support.ts'

const CASES = Number(process.env['HAWSER_FUZZ_CASES'] ?? 20_000)
const SEED = Number(process.env['HAWSER_FUZZ_SEED'] ?? 1)

type Random = (bound: number) => number

const CHARACTERS = ['a', 'Z', ' ', 'é', 'ß', '€', '\uffff', '\u{1f600}', '\u{10ffff}'].map((text) => Buffer.from(text))
const BAD_TEXT = ['80', 'c0', 'ff', 'eda080', 'f08080', 'f4908080', 'c328'].map((text) => Buffer.from(text, 'hex'))

function randomText(random: Random): Buffer {
  const kinds = 1 + random(CHARACTERS.length)
  const text = Buffer.concat(
    Array.from({ length: random(random(4) === 0 ? 200 : 12) }, () => CHARACTERS[random(kinds)]!),
  )
  if (random(12) > 0) return text
  const at = random(text.length + 1)
  return Buffer.concat([text.subarray(0, at), BAD_TEXT[random(BAD_TEXT.length)]!, text.subarray(at)])
}

/** One message in fragments that may cut its characters, with control frames between. */
function randomMessage(random: Random): Uint8Array[] {
  const rsv1 = random(8) === 0 ? 0x40 : 0
  const isText = random(3) > 0
  const payload = isText ? randomText(random) : Buffer.from(Array.from({ length: random(300) }, () => random(256)))
  const frames: Uint8Array[] = []
  let at = 0
  let opcode = rsv1 | (isText ? 1 : 2)
  while (random(3) === 0) {
    const end = Math.min(payload.length, at + random(20))
    frames.push(serverFrame(opcode, payload.subarray(at, end)))
    if (random(3) === 0) frames.push(serverFrame(0x88 + random(3), Buffer.from([3, 0xe8, random(256)])))
    opcode = 0
    at = end
  }
  frames.push(serverFrame(0x80 | opcode, payload.subarray(at)))
  return frames
}

/** What a server does not do, or what it does rarely. */
function randomOddity(random: Random): Uint8Array {
  const lengths = [0n, 1n, 125n, 126n, 65_535n, 65_536n, 2n ** 32n + 1n, 2n ** 53n + 1n, 2n ** 63n]
  const length = lengths[random(lengths.length)]!
  const forms = length < 126n ? [0, 2, 8] : length < 65_536n ? [2, 8] : [8]
  return serverHeader(random(256), length, forms[random(forms.length)])
}

/** Bytes that a peer might send: most are right. */
function randomStream(random: Random): Uint8Array {
  const frames = Array.from({ length: 1 + random(5) }, () => randomMessage(random)).flat()
  if (random(4) === 0) frames.splice(random(frames.length + 1), 0, randomOddity(random))
  const bytes = concat(...frames)
  if (random(3) === 0) for (let i = random(3); i >= 0; i--) bytes[random(bytes.length)]! ^= 1 << random(8)
  return random(8) === 0 ? bytes.subarray(random(bytes.length)) : bytes
}

const decoders = CODECS.map(([, codec]) => ({ codec, decoder: codec.createDecoder() }))

/** All that a decoder says about one chunk. */
function tell({ codec, decoder }: (typeof decoders)[number], chunk: Uint8Array, address: number): Int32Array {
  codec.memory.set(chunk, address)
  const rows = decoder.decode(address, chunk.length)
  const words = rows * ROW_WORDS
  const told = new Int32Array(words + 2)
  told.set(codec.table.subarray(0, words), 2)
  told[0] = decoder.consumed
  told[1] = decoder.violation
  return told
}

/**
 * Decodes a stream in random chunks at random addresses; gives what differs, and the rule that was broken in the end.
 */
function runCase(random: Random): { difference: string | undefined; violation: number } {
  const withDeflate = random(3) > 0
  for (const each of decoders) each.decoder = each.codec.createDecoder(withDeflate)
  const bytes = randomStream(random)
  const most = [2, 20, 400][random(3)]!
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.subarray(at, at + 1 + random(most))
    const address = INPUT + random(64)
    const [core, twin] = decoders.map((each) => tell(each, chunk, address))
    if (Buffer.compare(new Uint8Array(core!.buffer), new Uint8Array(twin!.buffer)) !== 0) {
      return { difference: `${hex(bytes)}: at ${at} the core says ${core}, the twin ${twin}`, violation: 0 }
    }
    if (core![1] !== 0) return { difference: undefined, violation: core![1]! }
    at += chunk.length
  }
  return { difference: undefined, violation: 0 }
}

test(`the core and the twin agree on ${CASES} streams of seed ${SEED}`, { timeout: 20_000 + CASES }, () => {
  const random = randomIntegers(SEED)
  const endings = new Array<number>(12).fill(0)
  for (let i = 0; i < CASES; i++) {
    const { difference, violation } = runCase(random)
    if (difference !== undefined) throw new Error(`Stream ${i}: ${difference}`)
    endings[violation]!++
  }
  // The streams are worth something only if some are right and each rule is broken by others.
  if (CASES >= 20_000) expect(endings.filter((count) => count === 0)).toEqual([])
})
