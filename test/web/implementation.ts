import type { Context } from './suite.ts'

/** A class that claims to be what a standard describes. */
export interface Implementation<C> {
  readonly name: string
  readonly httpVersion: '1.1' | '2'
  /** The class, for servers with a certificate of this authority. */
  create(ca: string): C
  /** By what it cannot do over its transport, whatever the class does: those cases are left out. */
  readonly lacks?: Readonly<Record<string, Lack>>
}

export interface Lack {
  readonly why: string
  /** By their names. */
  readonly cases: readonly string[]
}

export type Case<C> = (context: Context<C>) => Promise<void>

/** By what they show. */
export type Cases<C> = Readonly<Record<string, Case<C>>>

/** A class whose objects are all made with these options besides those that they are given. */
export function withOptions<C extends new (...parameters: unknown[]) => object>(
  type: C,
  options: object,
  merge: (given: unknown, options: object) => object,
): C {
  return new Proxy(type, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [] : [given[0], merge(given[1], options)], newTarget),
  })
}

/** The second argument of a WebSocket, with more options. */
export function mergeProtocols(given: unknown, options: object): object {
  if (given === undefined) return options
  const isOptions = typeof given === 'object' && given !== null && !(Symbol.iterator in given)
  return isOptions ? { ...options, ...given } : { ...options, protocols: given }
}

/** The options of a WebSocketStream, with more. */
export function mergeOptions(given: unknown, options: object): object {
  if (given === undefined) return options
  // What is no object is for the class to judge.
  return typeof given === 'object' ? { ...options, ...given } : (given as object)
}
