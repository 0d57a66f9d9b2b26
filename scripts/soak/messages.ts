/**
 * The messages: each says which socket it belongs to, its number there, what the server is to do, and a checksum of it
 * all. What else it is follows from socket and number, so that the empty ones, which say nothing, have their place too.
 */
import { crc32 } from 'node:zlib'
import { Random } from './random.ts'

/** What the server does with a message: sends it back, or ends the socket in one of the ways that it can. */
export type Command =
  | 'echo'
  /** Sends it back; it is short, so that nothing that keeps the last message keeps much. */
  | 'rest'
  /** Sends it back, and says by GOAWAY that the connection takes no more streams. */
  | 'away'
  /** Sends a Close frame. */
  | 'close'
  /** Ends the connection without one. */
  | 'end'
  /** Resets the connection of TCP, or what stands behind the stream. */
  | 'cut'
  /** RST_STREAM. */
  | 'reset'
  /** Cuts the connection of HTTP/2, with all streams on it. */
  | 'sever'

export type Content = string | Uint8Array

const SOURCE = 1 << 19
const WORDS = ['{"id":', '"name":"soak"', 'größe', '€', ' the quick brown fox ', '0123456789', 'ж', ',']
/** The most that a message of each class has. */
const SIZES = { none: 0, tiny: 125, small: 4096, medium: 65_536, large: 262_144 }
const EMPTY = new Uint8Array(0)
const LONGEST_HEAD = 128
const LINE_FEED = 10

const random = new Random('source')
const text = Array.from({ length: SOURCE >> 2 }, () => WORDS[random.below(WORDS.length)]).join('')
const bytes = Uint8Array.from({ length: SOURCE }, () => random.next())

interface Shape {
  readonly isText: boolean
  readonly size: number
  /** Where its content begins in the source. */
  readonly from: number
}

function shapeOf(id: string, number: number): Shape {
  const random = new Random(`${id} ${number}`)
  const isText = random.chance(0.5)
  const most = SIZES[random.pick({ none: 5, tiny: 37, small: 45, medium: 10, large: 3 })]
  return { isText, size: most === 0 ? 0 : 1 + random.below(most), from: random.below(SOURCE - SIZES.large) }
}

/** The message of a number. */
export function messageOf(id: string, number: number, command: Command = 'echo'): Content {
  const { isText, size: most, from } = shapeOf(id, number)
  if (most === 0 && command === 'echo') return isText ? '' : EMPTY
  const size = command === 'rest' ? 0 : most
  const head = `${id} ${number} ${command}`
  const body = isText ? text.slice(from, from + size) : bytes.subarray(from, from + size)
  const start = `${head} ${crc32(body, crc32(head))}\n`
  if (typeof body === 'string') return start + body
  const message = new Uint8Array(start.length + body.length)
  new TextEncoder().encodeInto(start, message)
  message.set(body, start.length)
  return message
}

function split(message: Content): { readonly start: string; readonly body: Content } {
  if (typeof message === 'string') {
    const at = message.indexOf('\n')
    return { start: message.slice(0, at), body: message.slice(at + 1) }
  }
  const at = message.subarray(0, LONGEST_HEAD).indexOf(LINE_FEED)
  return {
    start: new TextDecoder('latin1').decode(message.subarray(0, Math.max(0, at))),
    body: message.subarray(at + 1),
  }
}

/** Something that must not happen. */
export class Fault extends Error {}

/** Takes the messages of a socket in their order, or says what is wrong with one. */
export class Sequence {
  /** So many have come, each once and as it was sent. */
  count = 0
  readonly #id: string

  constructor(id: string) {
    this.#id = id
  }

  /** Gives what the message asks for. Throws a Fault when it is not the next one. */
  take(message: Content): Command {
    const expected = this.count
    const { isText, size } = shapeOf(this.#id, expected)
    if (message.length === 0 && size > 0) throw this.#fault('lost, or an empty one doubled')
    if (message.length === 0) {
      this.count++
      return 'echo'
    }
    const { start, body } = split(message)
    const [id, number, command, sum] = start.split(' ')
    if (sum !== `${crc32(body, crc32(`${id} ${number} ${command}`))}`) throw this.#fault('altered')
    if (id !== this.#id) throw this.#fault(`that of another socket, ${id}`)
    if (Number(number) > expected) throw this.#fault(`lost: ${number} has come`)
    if (Number(number) < expected) throw this.#fault(`not there: ${number} has come twice, or late`)
    if (isText !== (typeof message === 'string')) throw this.#fault('of the other type')
    this.count++
    return command as Command
  }

  #fault(what: string): Fault {
    return new Fault(`message ${this.count} of ${this.#id} is ${what}`)
  }
}
