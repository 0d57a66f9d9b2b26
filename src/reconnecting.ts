/**
 * A socket that is opened again and again: one connection at a time, with pauses that grow while the server is away.
 */

import { abortable } from './abortable.ts'
import { type Cancellable, checkObject, signalOf } from './arguments.ts'
import { BackOff, type BackOffOptions } from './back-off.ts'
import { ClientWebSocket } from './client-websocket.ts'
import { HandshakeError, OptionsError } from './errors.ts'
import { parseTarget } from './handshake/target-url.ts'
import type { ClientWebSocketOptions } from './options.ts'
import { resolveOptions } from './resolve-options.ts'

/** Something that is asked for before each attempt; the first attempt is 1. */
export type BeforeAttempt<T> = (attempt: number) => T | Promise<T>

/** The options of {@link reconnecting}: those of `connect`, and these. */
export interface ReconnectingOptions extends ClientWebSocketOptions, Cancellable {
  /**
   * Is asked before each attempt for options that go before the others, each as a whole (its `headers` stand for all
   * headers): a token that has just been fetched. `attempt` counts all attempts from 1. If it fails, so does the loop,
   * with the same error: throw from it to give up. Default: none.
   */
  readonly options?: BeforeAttempt<ClientWebSocketOptions>
  /** The delays between attempts. */
  readonly backOff?: BackOffOptions
  /**
   * Ends everything: an open socket is aborted, a delay or an attempt is given up, and the loop fails with the signal's
   * own reason.
   */
  readonly signal?: AbortSignal | undefined
}

/** Time and chance. */
export interface Environment {
  /** In milliseconds, never going back. */
  now(): number
  /** From 0 to 1. */
  random(): number
  /** Fails with the signal's reason as soon as that aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

/** Why a delay or an attempt ends when the loop is left meanwhile. */
const LEFT = Symbol('left')

/** Milliseconds. A connection that lasted this long has worked. */
const GOOD_AFTER = 10_000

/**
 * Open sockets, one after the other, for as long as somebody wants them:
 *
 *     for await (const ws of reconnecting('wss://example.com/feed', { signal })) {
 *       try {
 *         for await (const message of ws) handle(message)
 *       } catch (error) {
 *         if (!(error instanceof ConnectionClosedError)) throw error
 *       }
 *     }
 *
 * The body of the loop runs with an open socket. When it ends the socket is closed, if it still is open, and another is
 * opened: whatever ended it, a Close frame with code 1000 included, for servers send that when they restart. `break`
 * ends it for good. A body that is left by `break`, `return` or `throw` has its socket closed as well; so a lost
 * connection has to be caught in the body, as above, or ends the loop. Whoever calls `next` and `return` by hand may
 * leave it at any time: a delay or an attempt ends at once, and `next` gives nothing.
 *
 * The first attempt is made at once. Before each other there is a delay: a random part of `initialDelay`, then of twice
 * as much, and so on up to `maxDelay`, on top of what the server asked for by Retry-After, of which an hour counts at
 * most. It begins again with `initialDelay` after a body that ran for 10 seconds. There never are two attempts at once,
 * and the next begins when the last socket is closed.
 *
 * A HandshakeError that is `retriable` is followed by another attempt. The loop fails with any other (401, 403, 404, a
 * certificate that is not trusted, an answer that is none of a WebSocket server), with an OptionsError, with what a
 * callback threw, and with the reason of the signal; but a body that is left by `break` or `return`, once the signal
 * has aborted, ends the loop without that. An OptionsError for what is there from the start is thrown by the call
 * itself.
 *
 * @param url where to, or a callback that is asked before each attempt
 */
export function reconnecting(
  url: string | URL | BeforeAttempt<string | URL>,
  options: ReconnectingOptions = {},
): AsyncGenerator<ClientWebSocket, void, undefined> {
  return reconnectingIn({ now: () => performance.now(), random: Math.random, sleep }, url, options)
}

/** `reconnecting` with a clock and a source of chance. */
export function reconnectingIn(
  environment: Environment,
  url: string | URL | BeforeAttempt<string | URL>,
  options: ReconnectingOptions,
): AsyncGenerator<ClientWebSocket, void, undefined> {
  checkObject(options, 'options')
  const signal = signalOf(options, options)
  const { options: fresh, backOff, signal: _, ...fixed } = options
  if (fresh !== undefined && typeof fresh !== 'function') {
    throw new OptionsError('options', 'options must be a callback; what does not change stands beside it.')
  }
  if (typeof url !== 'function') parseTarget(url)
  resolveOptions(fixed)
  const open: Open = async (attempt, ending) => {
    const target = typeof url === 'function' ? await abortable(Promise.resolve(url(attempt)), ending) : url
    const refreshed = fresh === undefined ? {} : await abortable(Promise.resolve(fresh(attempt)), ending)
    checkObject(refreshed, 'options')
    const socket = new ClientWebSocket({ ...fixed, ...refreshed })
    // What a callback has thrown is not for us to judge.
    return socket.connect(target, { signal: ending }).then(() => socket, retryable)
  }
  const ending = new AbortController()
  const loop = sockets(open, new BackOff(backOff, environment.random), environment, signal, ending)
  return leftAtOnce(loop, ending)
}

/** Makes one attempt; fails with the reason of the signal as soon as that aborts. */
type Open = (attempt: number, ending: AbortSignal) => Promise<ClientWebSocket | HandshakeError>

/** `ending` is what delays and attempts obey; `signal` aborts it. */
async function* sockets(
  open: Open,
  backOff: BackOff,
  { now, sleep }: Environment,
  signal: AbortSignal | undefined,
  ending: AbortController,
): AsyncGenerator<ClientWebSocket, void, undefined> {
  signal?.throwIfAborted()
  const onAbort = () => ending.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  try {
    for (let attempt = 1; ; attempt++) {
      const outcome = await open(attempt, ending.signal)
      if (outcome instanceof HandshakeError) {
        await sleep(backOff.next(outcome.retryAfter), ending.signal)
        continue
      }
      const openedAt = now()
      yield* lent(outcome, signal, ending.signal, () => {
        if (now() - openedAt >= GOOD_AFTER) backOff.reset()
      })
      await sleep(backOff.next(), ending.signal)
    }
  } catch (error) {
    if (error !== LEFT) throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/**
 * A generator that is running takes note of `return` only when it yields; this one ends its delay or attempt for that.
 */
function leftAtOnce<T>(loop: AsyncGenerator<T, void, undefined>, ending: AbortController): typeof loop {
  const { return: finish, throw: fail } = loop
  return Object.assign(loop, {
    return: (value?: void | PromiseLike<void>) => {
      ending.abort(LEFT)
      return finish.call(loop, value)
    },
    throw: (error: unknown) => {
      ending.abort(LEFT)
      return fail.call(loop, error)
    },
  })
}

/** Gives an error that another attempt may follow, and throws all others. */
function retryable(error: unknown): HandshakeError {
  if (error instanceof HandshakeError && error.retriable) return error
  throw error
}

/**
 * Yields a socket once, unless it is not wanted any more, and closes it when it is given back, in whatever way, which
 * `givenBack` is told before.
 */
async function* lent(
  socket: ClientWebSocket,
  signal: AbortSignal | undefined,
  ending: AbortSignal,
  givenBack: () => void,
): AsyncGenerator<ClientWebSocket, void> {
  const abort = () => socket.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  try {
    if (signal?.aborted) abort()
    ending.throwIfAborted()
    yield socket
  } finally {
    givenBack()
    await socket.close()
    signal?.removeEventListener('abort', abort)
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  return abortable(promise, signal).finally(() => clearTimeout(timer))
}
