import { describe, expect, test } from 'vitest'
import { type DeflateOffer, offerText } from '../../src/handshake/deflate-offer.ts'
import { agreement, type DeflateAgreement } from '../../src/handshake/extensions.ts'
import { handshakeError } from './support.ts'

const EVERYTHING: DeflateOffer = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: true,
  serverContextTakeover: true,
}
const LITTLE: DeflateOffer = {
  clientMaxWindowBits: 10,
  serverMaxWindowBits: 11,
  clientContextTakeover: false,
  serverContextTakeover: false,
}

/** What is agreed on by an answer in one field. */
function agreed(answer: string, offer: Partial<DeflateOffer> = {}): DeflateAgreement | undefined {
  return agreement([answer], { ...EVERYTHING, ...offer })
}

function refused(answer: string | readonly string[], offer: Partial<DeflateOffer> | undefined = {}): string {
  const values = typeof answer === 'string' ? [answer] : answer
  return handshakeError('INVALID_EXTENSION', () => agreement(values, { ...EVERYTHING, ...offer })).message
}

describe('the offer', () => {
  test.each<[Partial<DeflateOffer>, string]>([
    [{}, 'permessage-deflate; client_max_window_bits'],
    [{ clientMaxWindowBits: 9 }, 'permessage-deflate; client_max_window_bits=9'],
    [{ clientMaxWindowBits: 14 }, 'permessage-deflate; client_max_window_bits=14'],
    [{ serverMaxWindowBits: 9 }, 'permessage-deflate; server_max_window_bits=9; client_max_window_bits'],
    [{ clientContextTakeover: false }, 'permessage-deflate; client_no_context_takeover; client_max_window_bits'],
    [{ serverContextTakeover: false }, 'permessage-deflate; server_no_context_takeover; client_max_window_bits'],
    [
      LITTLE,
      'permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=11; client_max_window_bits=10', // biome-ignore format: one line
    ],
  ])('of %j is what it says', (offer, text) => {
    expect(offerText({ ...EVERYTHING, ...offer })).toBe(text)
  })
})

describe('an answer that is accepted', () => {
  test.each<[what: string, answer: string, agreed: Partial<DeflateAgreement>]>([
    ['nothing but the name', 'permessage-deflate', {}],
    ['a smaller window of the server', 'permessage-deflate; server_max_window_bits=12', { serverMaxWindowBits: 12 }],
    ['the smallest windows', 'permessage-deflate; server_max_window_bits=8; client_max_window_bits=8', { serverMaxWindowBits: 8, clientMaxWindowBits: 8 }], // biome-ignore format: one row
    ['the largest windows', 'permessage-deflate; server_max_window_bits=15; client_max_window_bits=15', {}],
    ['a smaller window for us', 'permessage-deflate; client_max_window_bits=9', { clientMaxWindowBits: 9 }],
    ['no takeover of the server', 'permessage-deflate; server_no_context_takeover', { serverContextTakeover: false }],
    ['no takeover for us', 'permessage-deflate; client_no_context_takeover', { clientContextTakeover: false }],
    ['a quoted value', 'permessage-deflate; client_max_window_bits="11"', { clientMaxWindowBits: 11 }],
    ['a quoted value with escapes', 'permessage-deflate; client_max_window_bits="\\1\\1"', { clientMaxWindowBits: 11 }],
    ['no spaces', 'permessage-deflate;client_no_context_takeover;server_max_window_bits=9', { clientContextTakeover: false, serverMaxWindowBits: 9 }], // biome-ignore format: one row
    ['spaces and tabs', '\t permessage-deflate \t;\t client_max_window_bits \t=\t 9 ', { clientMaxWindowBits: 9 }],
    ['empty elements around', ', ,permessage-deflate, ,', {}],
  ])('has %s', (_, answer, expected) => {
    expect(agreed(answer)).toEqual({ ...EVERYTHING, ...expected })
  })

  test('grants what was asked for, and may grant more', () => {
    const all = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
    expect(agreed(`${all}; server_max_window_bits=11; client_max_window_bits=10`, LITTLE)).toEqual(LITTLE)
    expect(agreed(`${all}; server_max_window_bits=9; client_max_window_bits=9`, LITTLE)).toEqual({
      ...LITTLE,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 9,
    })
  })

  test('need not speak of our own direction: there we keep to what we have offered', () => {
    expect(agreed('permessage-deflate; server_no_context_takeover; server_max_window_bits=11', LITTLE)).toEqual(LITTLE)
  })

  test('is no extension at all', () => {
    for (const values of [[], [''], [' , ', ',']]) {
      expect(agreement(values, EVERYTHING)).toBeUndefined()
      expect(agreement(values, LITTLE)).toBeUndefined()
      expect(agreement(values, undefined)).toBeUndefined()
    }
  })

  test('may come with empty fields', () => {
    expect(agreement(['', 'permessage-deflate', ' '], EVERYTHING)).toEqual(EVERYTHING)
  })
})

describe('an answer is refused when it', () => {
  test.each([
    ['chooses another extension', 'permessage-bzip2'],
    ['writes the name in another case', 'Permessage-Deflate'],
    ['chooses the same extension twice', 'permessage-deflate, permessage-deflate'],
    ['chooses a second extension', 'permessage-deflate, x-other'],
    ['has a parameter that does not exist', 'permessage-deflate; level=9'],
    ['writes a parameter in another case', 'permessage-deflate; Server_No_Context_Takeover'],
    ['repeats a parameter', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover'],
    [
      'repeats a parameter with another value',
      'permessage-deflate; client_max_window_bits=9; client_max_window_bits=10',
    ],
    ['gives a value to server_no_context_takeover', 'permessage-deflate; server_no_context_takeover=true'],
    ['gives a value to client_no_context_takeover', 'permessage-deflate; client_no_context_takeover=""'],
    ['gives no value to server_max_window_bits', 'permessage-deflate; server_max_window_bits'],
    ['gives no value to client_max_window_bits', 'permessage-deflate; client_max_window_bits'],
    ['has no name', '; server_no_context_takeover'],
    ['has a name that is no token', 'permessage deflate'],
    ['has a name in quotes', '"permessage-deflate"'],
    ['has an empty parameter', 'permessage-deflate;'],
    ['has an empty parameter between', 'permessage-deflate; ; client_no_context_takeover'],
    ['has a parameter without a name', 'permessage-deflate; =9'],
    ['has a parameter that is no token', 'permessage-deflate; client max window bits=9'],
    ['has an empty value', 'permessage-deflate; client_max_window_bits='],
    ['has an empty quoted value', 'permessage-deflate; client_max_window_bits=""'],
    ['has a value with a space', 'permessage-deflate; client_max_window_bits="1 0"'],
    ['has two values', 'permessage-deflate; client_max_window_bits=1=0'],
    ['does not end a quoted value', 'permessage-deflate; client_max_window_bits="10'],
    ['goes on after a quoted value', 'permessage-deflate; client_max_window_bits="1"0'],
    ['hides a separator in a quoted value', 'permessage-deflate; client_max_window_bits="9; x"'],
  ])('%s', (_, answer) => {
    refused(answer)
  })

  test.each(['7', '16', '0', '08', '015', '+9', '-9', '9.0', '9e0', '0x9', 'nine', '%39', '99999999999999999999'])(
    'gives a window of %s bits',
    (value) => {
      refused(`permessage-deflate; client_max_window_bits=${value}`)
      refused(`permessage-deflate; server_max_window_bits=${value}`)
      refused(`permessage-deflate; server_max_window_bits="${value}"`)
    },
  )

  test.each<[string, string, Partial<DeflateOffer>]>([
    ['a wider window of the server than was asked for', 'permessage-deflate; server_max_window_bits=12', { serverMaxWindowBits: 11 }], // biome-ignore format: one row
    ['no window of the server, when one was asked for', 'permessage-deflate', { serverMaxWindowBits: 14 }],
    ['a wider window for us than was offered', 'permessage-deflate; client_max_window_bits=12', { clientMaxWindowBits: 11 }], // biome-ignore format: one row
    ['takeover of the server, when none was asked for', 'permessage-deflate', { serverContextTakeover: false }],
    ['takeover of the server, when only our own is excluded', 'permessage-deflate; client_no_context_takeover', { serverContextTakeover: false }], // biome-ignore format: one row
  ])('grants %s', (_, answer, offer) => {
    refused(answer, offer)
  })

  test('spreads too much over repeated fields', () => {
    refused(['permessage-deflate', 'permessage-deflate'])
    refused(['permessage-deflate', 'x-other'])
    refused(['permessage-deflate; client_max_window_bits="1', '0"'])
  })

  test('chooses anything when nothing was offered', () => {
    for (const value of ['permessage-deflate', 'x']) {
      handshakeError('INVALID_EXTENSION', () => agreement([value], undefined))
    }
  })

  test('and the message says what is wrong, in words that are safe to print', () => {
    expect(refused('permessage-deflate; level=9')).toContain('"level"')
    expect(refused('permessage-deflate; server_max_window_bits=7')).toContain('server_max_window_bits the value "7"')
    expect(refused('permessage-deflate; client_max_window_bits=15', { clientMaxWindowBits: 9 })).toContain(
      '9 was offered',
    )
    expect(refused(`x\u00ff"${'y'.repeat(100)}`).length).toBeLessThan(120)
  })
})
