/**
 * Who listens to a WebSocket: the listener lists and event handlers of the DOM and HTML standards, for a target without
 * parents.
 */
import type { Firing } from './events.ts'

type Listening = (event: unknown) => unknown
export type Callback = Listening | { handleEvent?: Listening }

export interface Listener {
  readonly callback: Callback
  readonly capture: boolean
  readonly once: boolean
  readonly passive: boolean | undefined
  /** Removes it when it aborts. */
  readonly signal: AbortSignal | undefined
  isRemoved: boolean
}

/**
 * Those who listen to one type of event. The list is replaced and never changed, so that those who are being called
 * stay the same.
 */
export interface Audience {
  listeners: readonly Listener[]
}

/** The value of an event handler attribute, and the listener that stands for it while it has one. */
interface Handler {
  value: object
  readonly listener: Listener
}

interface ListenerOptions {
  readonly capture?: unknown
  readonly once?: unknown
  readonly passive?: unknown
  readonly signal?: AbortSignal
}

const NOBODY: readonly Listener[] = Object.freeze([])
const native = EventTarget.prototype

/** Where an exception goes that nobody is there to catch. In Node it becomes an uncaughtException. */
const report: (error: unknown) => void =
  (globalThis as { reportError?: (error: unknown) => void }).reportError ??
  ((error) =>
    queueMicrotask(() => {
      throw error
    }))

export class Listeners implements Firing {
  readonly target: EventTarget
  event: unknown
  isPropagationStopped = false
  isStopped = false
  readonly #audiences = new Map<string, Audience>()
  readonly #handlers = new Map<string, Handler>()
  /** What signals call, by the listener that each of them removes. */
  readonly #onAborts = new Map<Listener, () => void>()
  #areSignalsReleased = false

  constructor(target: EventTarget) {
    this.target = target
  }

  /** Those who listen to a type; always the same object. */
  of(type: string): Audience {
    let audience = this.#audiences.get(type)
    if (audience === undefined) {
      audience = { listeners: NOBODY }
      this.#audiences.set(type, audience)
    }
    return audience
  }

  add(type: unknown, callback: unknown, options: unknown): void {
    const { capture, once, passive, signal } = optionsOf(options)
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is not an AbortSignal.')
    if (!isCallback(callback) || signal?.aborted) return
    const audience = this.of(`${type as string}`)
    if (find(audience, callback, Boolean(capture))) return
    const listener: Listener = {
      callback,
      capture: Boolean(capture),
      once: Boolean(once),
      passive: passive === undefined ? undefined : Boolean(passive),
      signal,
      isRemoved: false,
    }
    append(audience, listener)
    if (signal && !this.#areSignalsReleased) this.#obey(signal, audience, listener)
  }

  remove(type: unknown, callback: unknown, options: unknown): void {
    if (!isCallback(callback)) return
    const audience = this.of(`${type as string}`)
    const listener = find(audience, callback, Boolean(optionsOf(options).capture))
    if (listener) this.#remove(audience, listener)
  }

  /**
   * Nothing more will come by itself: signals, which may live as long as the process, let go of the listeners, and so
   * of their target. What somebody dispatches is still kept from those whose signal has aborted.
   */
  releaseSignals(): void {
    this.#areSignalsReleased = true
    for (const listener of this.#onAborts.keys()) this.#release(listener)
  }

  /** The value of an event handler attribute. */
  handler(type: string): object | null {
    return this.#handlers.get(type)?.value ?? null
  }

  /** Sets an event handler attribute: another value takes the place of the one before, null gives it up. */
  setHandler(type: string, value: unknown): void {
    const handler = this.#handlers.get(type)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
      this.#handlers.delete(type)
      if (handler) this.#remove(this.of(type), handler.listener)
    } else if (handler) {
      handler.value = value
      // Somebody else listens now, in the same place.
      const audience = this.of(type)
      audience.listeners = [...audience.listeners]
    } else {
      this.#handlers.set(type, this.#startHandler(type, value))
    }
  }

  /** Calls those who listen. What they throw is reported, and stops nothing. */
  fire(audience: Audience, event: object): void {
    this.event = event
    for (const listener of audience.listeners) {
      if (listener.isRemoved) continue
      try {
        this.#call(audience, listener, event)
      } catch (error) {
        report(error)
      }
      if (this.isStopped) break
    }
    this.event = undefined
    this.isPropagationStopped = false
    this.isStopped = false
  }

  /** Dispatches an event that somebody else has made, with all that the runtime does about it. */
  dispatch(event: Event): boolean {
    const { target } = this
    const type = event?.type
    const audience = this.of(type)
    const callbacks = audience.listeners.map((listener) => {
      const callback = (given: unknown) => {
        if (!listener.isRemoved && !listener.signal?.aborted) this.#call(audience, listener, given)
      }
      const { passive } = listener
      native.addEventListener.call(target, type, callback, passive === undefined ? {} : { passive })
      return callback
    })
    try {
      return native.dispatchEvent.call(target, event)
    } finally {
      for (const callback of callbacks) native.removeEventListener.call(target, type, callback)
    }
  }

  #call(audience: Audience, listener: Listener, event: unknown): void {
    if (listener.once) this.#remove(audience, listener)
    const { callback } = listener
    if (typeof callback === 'function') callback.call(this.target, event)
    else callback.handleEvent!(event)
  }

  #remove(audience: Audience, listener: Listener): void {
    listener.isRemoved = true
    audience.listeners = audience.listeners.filter((one) => one !== listener)
    this.#release(listener)
  }

  #obey(signal: AbortSignal, audience: Audience, listener: Listener): void {
    const onAbort = () => this.#remove(audience, listener)
    this.#onAborts.set(listener, onAbort)
    signal.addEventListener('abort', onAbort)
  }

  #release(listener: Listener): void {
    const onAbort = this.#onAborts.get(listener)
    if (onAbort === undefined) return
    this.#onAborts.delete(listener)
    listener.signal?.removeEventListener('abort', onAbort)
  }

  #startHandler(type: string, value: object): Handler {
    const callback = (event: unknown) => {
      const { value } = handler
      const returned: unknown = typeof value === 'function' ? value.call(this.target, event) : undefined
      // HTML §8.1.8.1: the event handler processing algorithm.
      if (returned === false) (event as Event).preventDefault()
    }
    const listener = {
      callback,
      capture: false,
      once: false,
      passive: undefined,
      signal: undefined,
      isRemoved: false,
    }
    const handler: Handler = { value, listener }
    append(this.of(type), listener)
    return handler
  }
}

function find({ listeners }: Audience, callback: Callback, capture: boolean): Listener | undefined {
  return listeners.find((one) => one.callback === callback && one.capture === capture)
}

/** At the target itself, those who capture come first (DOM §2.9). */
function append(audience: Audience, listener: Listener): void {
  const { listeners } = audience
  const at = listener.capture ? listeners.filter(({ capture }) => capture).length : listeners.length
  audience.listeners = listeners.toSpliced(at, 0, listener)
}

/** Null is no listener; anything else that is not an object is a mistake. */
function isCallback(value: unknown): value is Callback {
  if (value === null || value === undefined) return false
  if (typeof value === 'function' || typeof value === 'object') return true
  throw new TypeError('A listener has to be a function or an object.')
}

function optionsOf(options: unknown): ListenerOptions {
  const isObject = (typeof options === 'object' && options !== null) || typeof options === 'function'
  return isObject ? (options as ListenerOptions) : { capture: options }
}
