/** What may be agreed on in permessage-deflate (RFC 7692 §7.1). */
import type { DeflateOptions } from '../client.ts'
import { type Case, RSV1 } from '../script.ts'

export interface ParameterSet {
  readonly what: string
  readonly options: DeflateOptions
  readonly offer: string
  readonly answer: string
}

/** What is offered by default. */
export const OFFER = 'permessage-deflate; client_max_window_bits'

/** What a case has that runs under the default offer and the plainest answer to it. */
export const AGREED = {
  client: { options: { perMessageDeflate: true } },
  offer: OFFER,
  answer: 'permessage-deflate',
} as const satisfies Partial<Case>

/** The options of a frame that begins a compressed message. */
export const COMPRESSED = { rsv: RSV1 } as const

const NO_CLIENT = 'client_no_context_takeover'
const NO_SERVER = 'server_no_context_takeover'

const TAKEOVER: readonly ParameterSet[] = [
  { what: 'the defaults', options: {}, offer: OFFER, answer: 'permessage-deflate' },
  {
    what: 'no takeover by the client',
    options: { clientContextTakeover: false },
    offer: `${OFFER}; ${NO_CLIENT}`,
    answer: `permessage-deflate; ${NO_CLIENT}`,
  },
  {
    what: 'no takeover by the server',
    options: { serverContextTakeover: false },
    offer: `${OFFER}; ${NO_SERVER}`,
    answer: `permessage-deflate; ${NO_SERVER}`,
  },
  {
    what: 'no takeover by either',
    options: { clientContextTakeover: false, serverContextTakeover: false },
    offer: `${OFFER}; ${NO_CLIENT}; ${NO_SERVER}`,
    answer: `permessage-deflate; ${NO_SERVER}; ${NO_CLIENT}`,
  },
  {
    what: 'no takeover by either, as the server demands',
    options: {},
    offer: OFFER,
    answer: `permessage-deflate; ${NO_CLIENT}; ${NO_SERVER}`,
  },
]

/** Besides the default of 15. */
const WINDOW_BITS = [9, 10, 11, 12, 13, 14]

const WINDOWS = WINDOW_BITS.flatMap((bits): ParameterSet[] => [
  {
    what: `a window of ${bits} bits for the server`,
    options: { serverMaxWindowBits: bits },
    offer: `${OFFER}; server_max_window_bits=${bits}`,
    answer: `permessage-deflate; server_max_window_bits=${bits}`,
  },
  {
    what: `a window of ${bits} bits for the client`,
    options: { clientMaxWindowBits: bits },
    offer: `${OFFER}=${bits}`,
    answer: `permessage-deflate; client_max_window_bits=${bits}`,
  },
])

const TOGETHER: readonly ParameterSet[] = [
  {
    what: 'windows of 9 bits, as the server demands',
    options: {},
    offer: OFFER,
    answer: 'permessage-deflate; client_max_window_bits=9; server_max_window_bits=9',
  },
  {
    what: 'smaller windows than were offered',
    options: { clientMaxWindowBits: 13, serverMaxWindowBits: 13 },
    offer: `${OFFER}=13; server_max_window_bits=13`,
    answer: 'permessage-deflate; client_max_window_bits=10; server_max_window_bits=11',
  },
  {
    what: 'windows of 9 bits and no takeover',
    options: {
      clientMaxWindowBits: 9,
      serverMaxWindowBits: 9,
      clientContextTakeover: false,
      serverContextTakeover: false,
    },
    offer: `${OFFER}=9; server_max_window_bits=9; ${NO_CLIENT}; ${NO_SERVER}`,
    answer: `permessage-deflate; ${NO_CLIENT}; client_max_window_bits=9; ${NO_SERVER}; server_max_window_bits=9`,
  },
]

export const PARAMETER_SETS: readonly ParameterSet[] = [...TAKEOVER, ...WINDOWS, ...TOGETHER]
