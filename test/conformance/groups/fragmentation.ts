/** RFC 6455 §5.4: fragments in every order, and control frames between them. */
import type { Content } from '../content.ts'
import {
  ALL_CHOPS,
  binary,
  type Case,
  closed,
  closing,
  continuation,
  failed,
  failing,
  hear,
  hearPong,
  type Item,
  ping,
  pong,
  say,
  text,
} from '../script.ts'

/** The frames of which every order is tried. */
const KINDS = ['message', 'first', 'next', 'last', 'Ping'] as const
type Kind = (typeof KINDS)[number]
const LONGEST = 4

interface Order {
  readonly kinds: readonly Kind[]
  readonly isWithin: boolean
  /** The rule that the last one breaks. */
  readonly violation?: string
}

/** An order and all those that begin with it, up to the first frame that may not come (RFC 6455 §5.4). */
function ordersFrom(order: Order): readonly Order[] {
  if (order.violation !== undefined || order.kinds.length === LONGEST) return [order]
  return KINDS.flatMap((kind) => ordersFrom(followedBy(order, kind)))
}

function followedBy({ kinds, isWithin }: Order, kind: Kind): Order {
  const next = { kinds: [...kinds, kind] }
  if (kind === 'Ping') return { ...next, isWithin }
  const begins = kind === 'message' || kind === 'first'
  if (begins && isWithin) return { ...next, isWithin, violation: 'expected-continuation' }
  if (!begins && !isWithin) return { ...next, isWithin, violation: 'unexpected-continuation' }
  return { ...next, isWithin: kind === 'first' || kind === 'next' }
}

const FRAMES: Readonly<Record<Kind, (payload: string) => Item>> = {
  message: (payload) => text(payload),
  first: (payload) => text(payload, { fin: false }),
  next: (payload) => continuation(payload, { fin: false }),
  last: (payload) => continuation(payload),
  Ping: (payload) => ping(payload),
}

function caseOf({ kinds, violation }: Order): Case {
  const frames = kinds.map((kind, index) => ({ kind, payload: `${kind} ${index} ` }))
  const data = (violation === undefined ? frames : frames.slice(0, -1)).filter(({ kind }) => kind !== 'Ping')
  const messages: Content[] = []
  let parts = ''
  for (const { kind, payload } of data) {
    parts += payload
    if (kind === 'first' || kind === 'next') continue
    messages.push({ text: parts })
    parts = ''
  }
  const pongs = frames.filter(({ kind }) => kind === 'Ping').map(({ payload }) => hearPong(payload))
  const said = say(...frames.map(({ kind, payload }) => FRAMES[kind](payload)))
  return {
    name: `RFC 6455 §5.4: ${kinds.join(', ')}${violation === undefined ? '' : ' (wrong)'}`,
    script: [said, ...pongs, ...(violation === undefined ? closing() : failing(1002, text('more')))],
    chops: ['whole', 'octets'],
    outcome: violation === undefined ? closed(messages) : failed(violation, messages),
  }
}

const FIVE = ['one ', 'two ', 'three ', 'four ', 'five']
const fragments = FIVE.map((part, i) =>
  i === 0 ? text(part, { fin: false }) : continuation(part, { fin: i === FIVE.length - 1 }),
)
const joined: Content = { text: FIVE.join('') }
const controls = FIVE.slice(1).map((_, i) => `between ${i}`)

export const fragmentation: readonly Case[] = [
  ...ordersFrom({ kinds: [], isWithin: false }).map(caseOf),
  {
    name: 'RFC 6455 §5.4: a message in five fragments',
    client: { echoes: true },
    script: [say(...fragments), hear(joined), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed([joined]),
  },
  {
    name: 'RFC 6455 §5.4: Pings and Pongs between five fragments are taken as they come',
    client: { echoes: true },
    script: [
      say(...fragments.flatMap((each, i) => (i === 0 ? [each] : [ping(controls[i - 1]), pong('unasked'), each]))),
      ...controls.map((each) => hearPong(each)),
      hear(joined),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([joined]),
  },
  {
    name: 'RFC 6455 §5.5: a Ping is answered before the message around it has ended',
    client: { echoes: true },
    script: [
      ...fragments.slice(0, -1).flatMap((each, i) => [say(each, ping(controls[i])), hearPong(controls[i])]),
      say(fragments.at(-1)!),
      hear(joined),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([joined]),
  },
  {
    name: 'RFC 6455 §5.4: fragments may be empty: the first, all between, the last, all of them',
    script: [
      say(text('', { fin: false }), continuation('all in the last')),
      say(text('all in the first', { fin: false }), continuation('')),
      say(text('', { fin: false }), continuation('', { fin: false }), continuation('middle', { fin: false })),
      say(continuation('', { fin: false }), continuation('')),
      say(binary({ hex: '' }, { fin: false }), continuation('', { fin: false }), continuation('')),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'all in the last' }, { text: 'all in the first' }, { text: 'middle' }, { hex: '' }]),
  },
  {
    name: 'RFC 6455 §5.4: a binary message in one fragment for each byte',
    client: { echoes: true },
    script: [
      say(
        binary({ hex: '00' }, { fin: false }),
        // The bytes that `bytesOf` gives.
        ...Array.from({ length: 254 }, (_, i) => continuation(Uint8Array.of((i + 1) * 7), { fin: i === 253 })),
      ),
      hear({ bytesOf: 255 }),
      ...closing(),
    ],
    chops: ['whole', 'octets', 7],
    outcome: closed([{ bytesOf: 255 }]),
  },
  {
    name: 'RFC 6455 §5.4: a text message does not go on in a binary frame',
    script: [say(text('begun', { fin: false }), binary({ hex: '00' })), ...failing(1002, continuation('ended'))],
    chops: ALL_CHOPS,
    outcome: failed('expected-continuation'),
  },
  {
    name: 'RFC 6455 §5.4: a continuation after a message of fragments that has ended',
    script: [
      say(text('one ', { fin: false }), continuation('two'), continuation('three')),
      ...failing(1002, text('more')),
    ],
    chops: ALL_CHOPS,
    outcome: failed('unexpected-continuation', [{ text: 'one two' }]),
  },
]
