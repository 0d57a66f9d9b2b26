/** RFC 6455 §9.1 and RFC 7692 §7.1: what is offered, and which answers fit. */
import type { DeflateOptions } from '../client.ts'
import { type Case, closed, closing, hear, hearGone, message, refused, say } from '../script.ts'
import { OFFER } from './parameter-sets.ts'

const ALL_OPTIONS: DeflateOptions = {
  clientMaxWindowBits: 11,
  serverMaxWindowBits: 10,
  clientContextTakeover: false,
  serverContextTakeover: false,
}
const ALL_OFFERED = `${OFFER}=11; server_max_window_bits=10; client_no_context_takeover; server_no_context_takeover`

/** Options, and what they offer. */
const OFFERS: readonly (readonly [options: boolean | DeflateOptions, offer: string | undefined])[] = [
  [false, undefined],
  [true, OFFER],
  [{}, OFFER],
  [{ clientContextTakeover: true, serverContextTakeover: true, threshold: 10 }, OFFER],
  [{ clientMaxWindowBits: 9 }, `${OFFER}=9`],
  [{ serverMaxWindowBits: 14 }, `${OFFER}; server_max_window_bits=14`],
  [{ clientContextTakeover: false }, `${OFFER}; client_no_context_takeover`],
  [{ serverContextTakeover: false }, `${OFFER}; server_no_context_takeover`],
  [ALL_OPTIONS, ALL_OFFERED],
]

const offers = OFFERS.map(
  ([perMessageDeflate, offer]): Case => ({
    name: `RFC 7692 §7.1: ${JSON.stringify(perMessageDeflate)} offers ${offer ?? 'nothing'}, and does without`,
    client: { options: { perMessageDeflate }, echoes: true },
    ...(offer === undefined ? {} : { offer }),
    script: [say(message({ wordsOf: 5000 })), hear({ wordsOf: 5000 }, false), ...closing()],
    outcome: closed([{ wordsOf: 5000 }]),
  }),
)

/** An offer: its name in the cases, its options, and how it looks. */
interface Offer {
  readonly what: string
  readonly options?: DeflateOptions
  readonly offer?: string
}

const NONE: Offer = { what: 'without an offer' }
const PLAIN: Offer = { what: 'to the plain offer', options: {}, offer: OFFER }
const SERVER_10: Offer = {
  what: 'to server_max_window_bits=10',
  options: { serverMaxWindowBits: 10 },
  offer: `${OFFER}; server_max_window_bits=10`,
}
const CLIENT_10: Offer = {
  what: 'to client_max_window_bits=10',
  options: { clientMaxWindowBits: 10 },
  offer: `${OFFER}=10`,
}
const NO_CLIENT: Offer = {
  what: 'to client_no_context_takeover',
  options: { clientContextTakeover: false },
  offer: `${OFFER}; client_no_context_takeover`,
}
const NO_SERVER: Offer = {
  what: 'to server_no_context_takeover',
  options: { serverContextTakeover: false },
  offer: `${OFFER}; server_no_context_takeover`,
}

type Answers = readonly (readonly [offer: Offer, ...answers: (string | readonly string[])[]])[]

/** No zlib deflates for such a window: a client may send what it has as it is, but must inflate. */
const SMALLEST_WINDOW = 'permessage-deflate; client_max_window_bits=8'

/** Answers that fit. */
const RIGHT: Answers = [
  [
    PLAIN,
    'permessage-deflate',
    ' permessage-deflate ',
    'permessage-deflate;server_no_context_takeover',
    'permessage-deflate ; client_no_context_takeover ; server_no_context_takeover',
    'permessage-deflate; client_max_window_bits=15; server_max_window_bits=15',
    'permessage-deflate; client_max_window_bits=9',
    'permessage-deflate; server_max_window_bits=8',
    SMALLEST_WINDOW,
    'permessage-deflate; client_max_window_bits="12"',
    'permessage-deflate; server_max_window_bits="1\\0"; server_no_context_takeover',
  ],
  [SERVER_10, 'permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=9'],
  [
    CLIENT_10,
    'permessage-deflate; client_max_window_bits=10',
    'permessage-deflate; client_max_window_bits=9',
    // RFC 7692 §7.1.2.2: the server may ignore the value.
    'permessage-deflate',
  ],
  // RFC 7692 §7.1.1.2: the server may ignore it.
  [NO_CLIENT, 'permessage-deflate', 'permessage-deflate; client_no_context_takeover'],
  [NO_SERVER, 'permessage-deflate; server_no_context_takeover'],
]

/** Answers that do not. */
const WRONG: Answers = [
  [
    NONE,
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits=15',
    'x-webkit-deflate-frame',
    'foo',
    'foo; bar=baz',
  ],
  [
    PLAIN,
    // Other extensions, alone and beside.
    'x-webkit-deflate-frame',
    'permessage-bzip2',
    'perframe-deflate',
    'foo',
    'permessage-deflate, foo',
    'foo, permessage-deflate',
    // Twice the same.
    'permessage-deflate, permessage-deflate',
    'permessage-deflate, permessage-deflate; server_no_context_takeover',
    ['permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate', 'foo'],
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; server_max_window_bits=10; server_max_window_bits=10',
    'permessage-deflate; client_max_window_bits=10; client_max_window_bits=11',
    // Parameters that do not exist.
    'permessage-deflate; foo',
    'permessage-deflate; foo=1',
    'permessage-deflate; mode=fast; server_no_context_takeover',
    'permessage-deflate; max_window_bits=10',
    // Values where none may be.
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_no_context_takeover=true',
    'permessage-deflate; client_no_context_takeover=10',
    'permessage-deflate; client_no_context_takeover="yes"',
    // No value where one has to be.
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits',
    // Values that are no numbers from 8 to 15.
    ...['server_max_window_bits', 'client_max_window_bits'].flatMap((name) =>
      ['7', '16', '0', '-9', '+10', '010', '1e1', '10.0', '0xa', 'ten', '100', '4294967306', '"16"', '"1 0"', '""'].map(
        (value) => `permessage-deflate; ${name}=${value}`,
      ),
    ),
    // What is no list of extensions.
    'permessage-deflate;',
    'permessage-deflate; ; server_no_context_takeover',
    'permessage-deflate; =10',
    'permessage-deflate; server_max_window_bits=',
    'permessage-deflate; server_max_window_bits="10',
    'permessage-deflate server_no_context_takeover',
    'permessage deflate',
    'permessage-deflate=1',
    '"permessage-deflate"',
    '; server_no_context_takeover',
  ],
  [
    SERVER_10,
    // RFC 7692 §7.1.2.1: accepted by an answer that has it, with this value or a smaller one.
    'permessage-deflate',
    'permessage-deflate; server_max_window_bits=11',
    'permessage-deflate; server_max_window_bits=15',
    'permessage-deflate; server_max_window_bits="15"',
    'permessage-deflate; client_max_window_bits=10',
  ],
  [CLIENT_10, 'permessage-deflate; client_max_window_bits=11', 'permessage-deflate; client_max_window_bits=15'],
  // RFC 7692 §7.1.1.1: accepted by an answer that has it.
  [NO_SERVER, 'permessage-deflate', 'permessage-deflate; client_no_context_takeover'],
]

/** What a case has in common with all that make this offer. */
function offering(
  { options, offer }: Offer,
  answer: string | readonly string[],
): Pick<Case, 'offer' | 'answer'> & {
  options: NonNullable<NonNullable<Case['client']>['options']>
} {
  const deflate = options && { perMessageDeflate: { ...options, threshold: 0 } }
  return { options: deflate ?? {}, answer, ...(offer === undefined ? {} : { offer }) }
}

const show = (answer: string | readonly string[]) => [answer].flat().join(' | ')

const right = RIGHT.flatMap(([offer, ...answers]) =>
  answers.map((answer): Case => {
    const { options, ...common } = offering(offer, answer)
    const content = { wordsOf: 5000 }
    return {
      name: `RFC 7692 §7.1: "${show(answer)}" ${offer.what} is right`,
      ...common,
      client: { options, echoes: true },
      script: [
        ...[1, 2].flatMap(() => [
          say(message(content, { isCompressed: true })),
          hear(content, answer === SMALLEST_WINDOW ? undefined : true),
        ]),
        ...closing(),
      ],
      outcome: closed([content, content]),
    }
  }),
)

const wrong = WRONG.flatMap(([offer, ...answers]) =>
  answers.map((answer): Case => {
    const { options, ...common } = offering(offer, answer)
    return {
      name: `RFC 6455 §9.1: "${show(answer)}" ${offer.what} is wrong`,
      ...common,
      client: { options },
      script: [hearGone],
      outcome: refused('INVALID_EXTENSION'),
    }
  }),
)

export const extensions: readonly Case[] = [...offers, ...right, ...wrong]
