/** Any value of Sec-WebSocket-Extensions: what is agreed is within what was offered, and what follows the grammar is understood. */

import { checkExtension, type DeflateOffer } from '../../../src/handshake/deflate-offer.ts'
import { agreement, type DeflateAgreement } from '../../../src/handshake/extensions.ts'
import { HttpHeaders } from '../../../src/http-headers.ts'
import type { Draw } from '../draw.ts'
import { attempt } from '../judge/attempt.ts'
import { makeSyntax, mutateText } from '../make/fields.ts'
import { broken, same, show, type Target } from '../target.ts'

interface Case {
  readonly offer: DeflateOffer | undefined
  readonly values: readonly string[]
  /** What has to be agreed, if the values are an answer that the offer allows. */
  readonly expected: DeflateAgreement | undefined
}

const WORDS = [
  'permessage-deflate',
  ';',
  ',',
  '=',
  '"',
  '\\',
  ' ',
  'client_no_context_takeover',
  'server_no_context_takeover',
  'client_max_window_bits',
  'server_max_window_bits',
  '8',
  '9',
  '15',
  '16',
  '015',
  'x',
]

export const extensions: Target<Case> = {
  name: 'extensions',
  generate: (draw) => {
    const offer = draw.oneIn(8) ? undefined : makeOffer(draw)
    const { text, agreed } =
      offer === undefined ? { text: 'permessage-deflate', agreed: undefined } : makeAnswer(draw, offer)
    const kind = draw.below(4)
    if (kind === 0) return { offer, values: [text], expected: agreed }
    if (kind === 1) return { offer, values: [mutateText(draw, text)], expected: undefined }
    // An answer to another offer.
    if (kind === 2) return { offer, values: [makeAnswer(draw, makeOffer(draw)).text], expected: undefined }
    return { offer, values: draw.list(1, 4, () => makeSyntax(draw, WORDS, 8)), expected: undefined }
  },
  check: ({ offer, values, expected }) => {
    const outcome = attempt(() => agreement(values, offer), ['INVALID_EXTENSION'])
    attempt(
      () => checkExtension(new HttpHeaders(values.map((value) => ['Sec-WebSocket-Extensions', value]))),
      ['INVALID_EXTENSION'],
    )
    if (expected !== undefined) same(show(outcome), show({ value: expected }), 'the agreement')
    if ('code' in outcome || outcome.value === undefined) return
    if (offer === undefined) broken(`Without an offer there is an agreement: ${show(outcome.value)}`)
    judgeWithin(outcome.value, offer)
  },
}

function makeOffer(draw: Draw): DeflateOffer {
  return {
    clientMaxWindowBits: 15 - draw.below(7),
    serverMaxWindowBits: 15 - draw.below(7),
    clientContextTakeover: draw.below(2) === 0,
    serverContextTakeover: draw.below(2) === 0,
  }
}

/** RFC 7692 §7.1: an answer that the offer allows, in any order and with any white space. */
function makeAnswer(draw: Draw, offer: DeflateOffer): { text: string; agreed: DeflateAgreement } {
  const server =
    offer.serverMaxWindowBits < 15 || draw.oneIn(2) ? draw.between(8, offer.serverMaxWindowBits) : undefined
  const client = draw.oneIn(2) ? draw.between(8, offer.clientMaxWindowBits) : undefined
  const clientForgets = draw.oneIn(2)
  const serverForgets = !offer.serverContextTakeover || draw.oneIn(2)
  const gap = () => draw.pick(['', ' ', '\t'])
  const value = (bits: number) => `${gap()}=${gap()}${draw.oneIn(2) ? `"${bits}"` : bits}`
  const parameters = [
    ...(server === undefined ? [] : [`server_max_window_bits${value(server)}`]),
    ...(client === undefined ? [] : [`client_max_window_bits${value(client)}`]),
    ...(clientForgets ? ['client_no_context_takeover'] : []),
    ...(serverForgets ? ['server_no_context_takeover'] : []),
  ]
  if (draw.oneIn(2)) parameters.reverse()
  const text = [`permessage-deflate`, ...parameters].join(`${gap()};${gap()}`)
  const agreed = {
    clientMaxWindowBits: client ?? offer.clientMaxWindowBits,
    serverMaxWindowBits: server ?? 15,
    clientContextTakeover: offer.clientContextTakeover && !clientForgets,
    serverContextTakeover: !serverForgets,
  }
  return { text: draw.oneIn(4) ? `${gap()},${text},${gap()}` : text, agreed }
}

function judgeWithin(agreed: DeflateAgreement, offer: DeflateOffer): void {
  const windows = [agreed.clientMaxWindowBits, agreed.serverMaxWindowBits]
  const isWithin =
    windows.every((bits) => Number.isInteger(bits) && bits >= 8) &&
    agreed.clientMaxWindowBits <= offer.clientMaxWindowBits &&
    agreed.serverMaxWindowBits <= offer.serverMaxWindowBits &&
    (offer.clientContextTakeover || !agreed.clientContextTakeover) &&
    (offer.serverContextTakeover || !agreed.serverContextTakeover)
  if (!isWithin) broken(`${show(agreed)} is more than was offered`)
}
