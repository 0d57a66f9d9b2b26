/**
 * The events that a WebSocket fires.
 *
 * They are instances of Event, MessageEvent and CloseEvent for everyone who asks, but are not built by their
 * constructors: those take fifty times as long as all the rest of delivering a message. What a program can ask of an
 * event is answered here, from as little as possible, and only when it is asked for.
 */
import { makeEnumerable, tag } from './enumerable.ts'

/** Where events are fired: what they tell of themselves depends on that. */
export interface Firing {
  readonly target: EventTarget
  /** The event whose listeners are being called. */
  readonly event: unknown
  isPropagationStopped: boolean
  /** Whether the listeners that follow are not to be called. */
  isStopped: boolean
}

/** What all events have in common that are fired in one go, so that each of them need not hold it. */
export interface Occasion {
  readonly firing: Firing
  readonly time: number
}

interface Interface {
  readonly prototype: object
}

const AT_TARGET = 2
const MEMBERS = ['type', 'target', 'srcElement', 'currentTarget', 'eventPhase', 'bubbles', 'cancelable', 'composed']
const MORE_MEMBERS = ['defaultPrevented', 'returnValue', 'cancelBubble', 'isTrusted', 'timeStamp']
const METHODS = ['composedPath', 'stopPropagation', 'stopImmediatePropagation', 'preventDefault', 'initEvent']
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

type EventClass<O extends Occasion> = new (occasion: O) => { readonly type: string }

/** What every event has that a WebSocket fires. Nothing of it can be cancelled. */
class FiredEvent {
  readonly #occasion: Occasion

  constructor(occasion: Occasion) {
    this.#occasion = occasion
  }

  get target(): EventTarget {
    return this.#occasion.firing.target
  }

  get srcElement(): EventTarget {
    return this.target
  }

  get currentTarget(): EventTarget | null {
    return isFired(this.#occasion, this) ? this.target : null
  }

  get eventPhase(): number {
    return isFired(this.#occasion, this) ? AT_TARGET : 0
  }

  composedPath(): EventTarget[] {
    return isFired(this.#occasion, this) ? [this.target] : []
  }

  stopPropagation(): void {
    if (isFired(this.#occasion, this)) this.#occasion.firing.isPropagationStopped = true
  }

  stopImmediatePropagation(): void {
    this.stopPropagation()
    if (isFired(this.#occasion, this)) this.#occasion.firing.isStopped = true
  }

  get cancelBubble(): boolean {
    return isFired(this.#occasion, this) && this.#occasion.firing.isPropagationStopped
  }

  set cancelBubble(value: boolean) {
    if (value) this.stopPropagation()
  }

  get returnValue(): boolean {
    return true
  }

  set returnValue(_value: boolean) {
    // Only what is cancelable can be cancelled.
  }

  preventDefault(): void {
    // Likewise.
  }

  initEvent(): void {
    // An event that is being dispatched stays what it is (DOM §2.2), and one that was fired is of no more use.
  }

  get timeStamp(): number {
    return this.#occasion.time
  }
}

/** Getters that give the same for every event. */
const CONSTANTS = { bubbles: false, cancelable: false, composed: false, defaultPrevented: false, isTrusted: true }

/**
 * A class of events that inherit from an interface, but are not built by it. `members` are what it has beyond those of
 * every event.
 */
function firedAs<O extends Occasion>(type: string, name: string, members: readonly string[]): EventClass<O> {
  const base = interfaceOf(name)
  class Fired extends FiredEvent {
    /** How `console.log` of Node, Deno and Bun shows it. */
    [INSPECT](): object {
      const names = ['type', ...members, 'timeStamp']
      const shown = Object.fromEntries(names.map((member) => [member, (this as Record<string, unknown>)[member]]))
      tag(shown, name)
      return shown
    }
  }
  const { prototype } = Fired
  // What every event has stands here, since what this inherits from is the interface.
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(FiredEvent.prototype))
  for (const [member, value] of Object.entries({ ...CONSTANTS, type })) {
    Object.defineProperty(prototype, member, { get: () => value, configurable: true })
  }
  Object.setPrototypeOf(prototype, inheritingFrom(base))
  // Others copy events with it.
  Object.defineProperty(prototype, 'constructor', { get: base, configurable: true })
  tag(prototype, name)
  makeEnumerable(prototype, [...MEMBERS, ...MORE_MEMBERS, ...METHODS])
  return Fired as unknown as EventClass<O>
}

/**
 * The interface of the runtime; one of our own where there is none: Node has no ErrorEvent, and CloseEvent only from 23
 * on.
 */
function interfaceOf(name: string): () => Interface {
  if (name in globalThis) return () => (globalThis as unknown as Record<string, Interface>)[name]!
  const own = { [name]: class extends Event {} }[name]!
  tag(own.prototype, name)
  return () => own
}

/**
 * A prototype between our class and an interface that is not looked at before somebody asks for it, as `instanceof`
 * does: the first time that MessageEvent is named, Node loads the whole of its HTTP client, which takes 40 ms and 14
 * MiB.
 */
function inheritingFrom(base: () => Interface): object {
  return new Proxy(Object.create(Event.prototype), { getPrototypeOf: () => base().prototype })
}

function isFired({ firing }: Occasion, event: object): boolean {
  return firing.event === event
}

const OpenEvent = firedAs('open', 'Event', [])

/** What messages have in common that came together. */
export interface Arrival extends Occasion {
  readonly origin: string
  /** Makes of a binary message what somebody wants who asks for its data. */
  unpack(bytes: Uint8Array): unknown
}

const MESSAGE_MEMBERS = ['data', 'origin', 'lastEventId', 'source', 'ports']
const NO_PORTS: readonly never[] = Object.freeze([])

export class FiredMessageEvent extends firedAs<Arrival>('message', 'MessageEvent', MESSAGE_MEMBERS) {
  readonly #arrival: Arrival
  /** Bytes are those that nobody has asked for yet. */
  #data: unknown

  constructor(arrival: Arrival, data: unknown) {
    super(arrival)
    this.#arrival = arrival
    this.#data = data
  }

  get data(): unknown {
    if (this.#data instanceof Uint8Array) this.#data = this.#arrival.unpack(this.#data)
    return this.#data
  }

  get origin(): string {
    return this.#arrival.origin
  }

  get lastEventId(): string {
    return ''
  }

  get source(): null {
    return null
  }

  get ports(): readonly never[] {
    return NO_PORTS
  }
}

/** How a connection ended. */
export interface Ending {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

const CLOSE_MEMBERS = ['wasClean', 'code', 'reason']

interface Closing extends Occasion {
  readonly ending: Ending
}

class FiredCloseEvent extends firedAs<Closing>('close', 'CloseEvent', CLOSE_MEMBERS) {
  readonly #ending: Ending

  constructor(closing: Closing) {
    super(closing)
    this.#ending = closing.ending
  }

  get wasClean(): boolean {
    return this.#ending.wasClean
  }

  get code(): number {
    return this.#ending.code
  }

  get reason(): string {
    return this.#ending.reason
  }
}

const ERROR_MEMBERS = ['error', 'message', 'filename', 'lineno', 'colno']

interface Failing extends Occasion {
  readonly error: unknown
}

/** It tells what the standard keeps from scripts in a browser. */
class FiredErrorEvent extends firedAs<Failing>('error', 'ErrorEvent', ERROR_MEMBERS) {
  readonly #error: unknown

  constructor(failing: Failing) {
    super(failing)
    this.#error = failing.error
  }

  get error(): unknown {
    return this.#error
  }

  get message(): string {
    return this.#error instanceof Error ? this.#error.message : String(this.#error)
  }

  get filename(): string {
    return ''
  }

  get lineno(): number {
    return 0
  }

  get colno(): number {
    return 0
  }
}

for (const [type, members] of [
  [FiredMessageEvent, MESSAGE_MEMBERS],
  [FiredCloseEvent, CLOSE_MEMBERS],
  [FiredErrorEvent, ERROR_MEMBERS],
] as const) {
  Reflect.deleteProperty(type.prototype, 'constructor')
  makeEnumerable(type.prototype, members)
}

export function openEvent(firing: Firing): { readonly type: string } {
  return new OpenEvent({ firing, time: performance.now() })
}

export function closeEvent(firing: Firing, ending: Ending): { readonly type: string } {
  return new FiredCloseEvent({ firing, time: performance.now(), ending })
}

export function errorEvent(firing: Firing, error: unknown): { readonly type: string } {
  return new FiredErrorEvent({ firing, time: performance.now(), error })
}
