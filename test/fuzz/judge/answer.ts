/** What has to hold of any answer to a handshake, whatever it says. */
import { verifyUpgrade } from '../../../src/handshake/accept.ts'
import type { DeflateOffer } from '../../../src/handshake/deflate-offer.ts'
import { checkExtension } from '../../../src/handshake/deflate-offer.ts'
import { isRedirect, redirectTarget } from '../../../src/handshake/redirect.ts'
import { retryAfter } from '../../../src/handshake/refusal.ts'
import type { HandshakeRequest } from '../../../src/handshake/request.ts'
import type { ResponseHead } from '../../../src/handshake/response-head.ts'
import { ACCEPT, KEY } from '../make/fields.ts'
import { broken, same } from '../target.ts'
import { attempt, SECRET } from './attempt.ts'

/** Milliseconds: what a timer can wait. */
export const LONGEST_WAIT = 2 ** 31 - 1
const FROM = new URL('wss://a.example/path?query')
const OFFER: DeflateOffer = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: true,
  serverContextTakeover: true,
}
const REQUEST: HandshakeRequest = { url: FROM, key: KEY, headers: [], subprotocols: ['a', 'b'], deflate: OFFER }

export function judgeAnswer(head: ResponseHead): void {
  judgeUpgrade(head)
  judgeWait(retryAfter(head.headers, Date.UTC(2026, 0, 1)))
  if (isRedirect(head.status)) judgeRedirect(FROM, head)
}

function judgeUpgrade(head: ResponseHead): void {
  const isHttp2 = head.httpVersion === '2'
  const upgraded = attempt(
    () => verifyUpgrade(head, REQUEST, isHttp2 ? undefined : ACCEPT),
    isHttp2
      ? ['INVALID_SUBPROTOCOL', 'INVALID_EXTENSION']
      : ['INVALID_UPGRADE', 'INVALID_ACCEPT', 'INVALID_SUBPROTOCOL', 'INVALID_EXTENSION'],
  )
  attempt(() => checkExtension(head.headers), ['INVALID_EXTENSION'])
  if ('code' in upgraded) return
  const { subprotocol } = upgraded.value
  same(['', 'a', 'b'].includes(subprotocol), true, `whether ${JSON.stringify(subprotocol)} was offered`)
  if (!isHttp2) same(head.headers.get('sec-websocket-accept'), ACCEPT, 'what proves that the key was read')
}

export function judgeWait(wait: number | undefined): void {
  if (wait !== undefined && !(wait >= 0 && wait <= LONGEST_WAIT)) broken(`A wait of ${wait} ms`)
}

/** A redirect leads to a WebSocket, away from no TLS, and takes no one's password along. */
export function judgeRedirect(from: URL, head: ResponseHead): URL | undefined {
  // A path is shown, a password is not.
  const secret = from.pathname.includes(SECRET) ? '\0' : SECRET
  const outcome = attempt(() => redirectTarget(from, head), ['REDIRECT_REFUSED'], secret)
  if ('code' in outcome) return undefined
  const target = outcome.value
  if (target.protocol !== 'wss:' && !(target.protocol === 'ws:' && from.protocol === 'ws:')) broken(`To ${target}`)
  if (target.username + target.password + target.hash !== '') broken(`To ${target}`)
  return target
}
