/** Refusals: what they say about the next try, and how much of them is kept. */
import type { HttpHeaders } from '../http-headers.ts'
import { parseHttpDate } from './http-date.ts'
import { trimWhiteSpace } from './syntax.ts'

/** Bytes of a body that are kept. */
export const BODY_LIMIT = 65_536
/** How long a refusal waits for its body, in milliseconds; a server may never end it. */
export const BODY_TIME_LIMIT = 2000

/** 520 to 524 and 530 are how Cloudflare says that it could not reach the server, or made no sense of its answer. */
const RETRIABLE = new Set([429, 502, 503, 504, 520, 521, 522, 523, 524, 530])
/** Milliseconds. A server that asks for more than a year does not mean it. */
const LONGEST_MEANT = 365 * 24 * 60 * 60 * 1000
/** Milliseconds, 24 days: with more than that, setTimeout would not wait at all. */
const LONGEST_WAIT = 2 ** 31 - 1

/** Whether the same request may succeed later: too many requests, or a gateway or server that is away for now. */
export function isRetriable(status: number): boolean {
  return RETRIABLE.has(status)
}

/**
 * How long Retry-After asks to wait (RFC 9110 §10.2.3), in milliseconds from `now`, from 0 to what a timer can
 * wait. Undefined if there is no such field, more than one, one that cannot be understood, or one that asks for more
 * than a year.
 */
export function retryAfter(headers: HttpHeaders, now: number): number | undefined {
  const [value, ...others] = headers.getAll('retry-after').map(trimWhiteSpace)
  if (value === undefined || others.length > 0) return undefined
  const wait = /^[0-9]+$/.test(value) ? Number(value) * 1000 : waitUntil(parseHttpDate(value, now), now)
  return wait === undefined || wait > LONGEST_MEANT ? undefined : Math.min(wait, LONGEST_WAIT)
}

function waitUntil(time: number | undefined, now: number): number | undefined {
  return time === undefined ? undefined : Math.max(0, time - now)
}
