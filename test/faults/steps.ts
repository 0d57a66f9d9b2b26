/** The steps of a connection's life at which something may go wrong. */
import type { Place } from '../support/faulty-proxy.ts'
import { readWire, type Wire } from './wire.ts'

type HttpVersion = '1.1' | '2'

export interface Step {
  readonly name: string
  /** Who sends the first Close frame. */
  readonly closes: 'client' | 'server'
  place(httpVersion: HttpVersion): Place
}

/** Where in HTTP/1.1 a head is half-way: `find` gives it in the text, to which `plus` characters are added. */
interface Landmark {
  readonly text: RegExp
  readonly plus: number
}

const CLOSE = 8
const REQUEST: Landmark = { text: / HTTP\/1\.1\r\n/, plus: 3 }
const RESPONSE: Landmark = { text: /sec-websocket-accept/i, plus: 5 }

export const STEPS: readonly Step[] = [
  { name: 'TCP connect', closes: 'client', place: () => ({ on: 'connection' }) },
  { name: 'TLS handshake', closes: 'client', place: () => ({ on: 'tls' }) },
  { name: 'request head', closes: 'client', place: head('up', REQUEST) },
  { name: 'response head, half-way', closes: 'client', place: head('down', RESPONSE) },
  step('after the response head', 'down', ({ head }) => head?.end),
  step("header of the server's frame", 'down', inHeader),
  step("payload of the server's frame", 'down', inPayload),
  step("between the server's fragments", 'down', betweenFragments),
  step("header of the client's frame", 'up', inHeader),
  step("payload of the client's frame", 'up', inPayload),
  step("between the client's fragments", 'up', betweenFragments),
  step("the client's Close frame", 'up', inClose),
  step("the server's Close frame in answer", 'down', inClose),
  step("the server's Close frame, the first", 'down', inClose, 'server'),
  step("the client's Close frame in answer", 'up', inClose, 'server'),
]

function step(
  name: string,
  on: 'up' | 'down',
  find: (wire: Wire) => number | undefined,
  closes: Step['closes'] = 'client',
): Step {
  return { name, closes, place: (version) => ({ on, find: (said) => find(readWire(said, version, on)) }) }
}

/** Over HTTP/2 the head is one frame, of which the first byte is behind that place. */
function head(on: 'up' | 'down', { text, plus }: Landmark): Step['place'] {
  return (version) => ({
    on,
    find: (said) => {
      if (version === '2') return readWire(said, version, on).head?.start
      const at = said.toString('latin1').search(text)
      return at < 0 ? undefined : at + plus
    },
  })
}

function inHeader({ frames, placeOf }: Wire): number | undefined {
  const frame = frames[0]
  return frame && placeOf(frame.start + 1)
}

function inPayload({ frames, placeOf }: Wire): number | undefined {
  const frame = frames[0]
  return frame && placeOf(frame.payload + Math.ceil((frame.end - frame.payload) / 2))
}

function betweenFragments({ frames, placeOf }: Wire): number | undefined {
  const frame = frames.find(({ isFinal }) => !isFinal)
  return frame && placeOf(frame.end)
}

function inClose({ frames, placeOf }: Wire): number | undefined {
  const frame = frames.find(({ opcode }) => opcode === CLOSE)
  return frame && placeOf(frame.start + 1)
}
