/** The check of the answer to an offer of permessage-deflate (RFC 6455 §9.1, RFC 7692 §7.1). */
import { HandshakeError } from '../errors.ts'
import { DEFLATE, type DeflateOffer, MAX_WINDOW_BITS } from './deflate-offer.ts'
import { isToken, quoted, trimWhiteSpace } from './syntax.ts'

/** What holds for the connection, with the same names. Window bits are 8 to 15. */
export type DeflateAgreement = DeflateOffer

interface Extension {
  readonly name: string
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[]
}

/** The parameters, and whether an answer gives them a value. */
const TAKES_VALUE: ReadonlyMap<string, boolean> = new Map([
  ['client_no_context_takeover', false],
  ['server_no_context_takeover', false],
  ['client_max_window_bits', true],
  ['server_max_window_bits', true],
])

/**
 * What the server agreed to, from the values of Sec-WebSocket-Extensions in its answer; undefined if it chose no
 * extension. Fails with INVALID_EXTENSION for everything that the offer does not cover.
 */
export function agreement(values: readonly string[], offer: DeflateOffer | undefined): DeflateAgreement | undefined {
  const [chosen, second] = parse(values.join(', '))
  if (chosen === undefined) return undefined
  if (offer === undefined || chosen.name !== DEFLATE) {
    fail(`The server chose an extension that was not offered: ${quoted(chosen.name)}`)
  }
  if (second !== undefined) fail(`The server chose a second extension: ${quoted(second.name)}`)
  return agreed(offer, parametersOf(chosen))
}

/** RFC 7692 §7.1: what was asked for has to be granted, and no window may be wider than it was offered. */
function agreed(offer: DeflateOffer, answer: Parameters): DeflateAgreement {
  const serverContextTakeover = !answer.has('server_no_context_takeover')
  if (serverContextTakeover && !offer.serverContextTakeover) fail('The server did not grant server_no_context_takeover')
  const serverMaxWindowBits = windowBits(answer, 'server_max_window_bits', offer.serverMaxWindowBits)
  if (serverMaxWindowBits === undefined && offer.serverMaxWindowBits < MAX_WINDOW_BITS) {
    fail('The server did not grant server_max_window_bits')
  }
  const clientMaxWindowBits = windowBits(answer, 'client_max_window_bits', offer.clientMaxWindowBits)
  return {
    clientMaxWindowBits: clientMaxWindowBits ?? offer.clientMaxWindowBits,
    serverMaxWindowBits: serverMaxWindowBits ?? MAX_WINDOW_BITS,
    clientContextTakeover: offer.clientContextTakeover && !answer.has('client_no_context_takeover'),
    serverContextTakeover,
  }
}

type Parameters = ReadonlyMap<string, string | undefined>

/** By name; each of them known, there once, and with a value only where one belongs. */
function parametersOf({ parameters }: Extension): Parameters {
  const seen = new Map<string, string | undefined>()
  for (const [name, value] of parameters) {
    const takesValue = TAKES_VALUE.get(name)
    if (takesValue === undefined) fail(`${DEFLATE} has no parameter ${quoted(name)}`)
    if (seen.has(name)) fail(`The server gave ${name} twice`)
    if (takesValue !== (value !== undefined)) fail(`The server gave ${name} ${takesValue ? 'no value' : 'a value'}`)
    seen.set(name, value)
  }
  return seen
}

/** RFC 7692 §7.1.2: a decimal number from 8 to 15, without leading zeros, and no larger than what was offered. */
function windowBits(answer: Parameters, name: string, most: number): number | undefined {
  const value = answer.get(name)
  if (value === undefined) return undefined
  if (!/^([89]|1[0-5])$/.test(value)) fail(`The server gave ${name} the value ${quoted(value)}`)
  if (Number(value) > most) fail(`The server chose ${name}=${value}, but ${most} was offered`)
  return Number(value)
}

/** RFC 6455 §9.1: elements with parameters, whose values are tokens, in quotes or not. */
function parse(text: string): Extension[] {
  return split(text, ',')
    .filter((element) => element !== '')
    .map((element) => {
      const [name = '', ...parameters] = split(element, ';')
      if (!isToken(name)) malformed(element)
      return { name, parameters: parameters.map((parameter) => parseParameter(parameter, element)) }
    })
}

function parseParameter(parameter: string, element: string): Extension['parameters'][number] {
  const equals = parameter.indexOf('=')
  const name = trimWhiteSpace(equals < 0 ? parameter : parameter.slice(0, equals))
  const given = equals < 0 ? undefined : trimWhiteSpace(parameter.slice(equals + 1))
  const value = given?.replace(/^"(.*)"$/, (_, quotedText: string) => quotedText.replace(/\\(.)/g, '$1'))
  if (!isToken(name) || (value !== undefined && !isToken(value))) malformed(element)
  return [name, value]
}

/** Splits at a separator that does not stand in a quoted string. */
function split(text: string, separator: ',' | ';'): string[] {
  const pieces = ['']
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '"') isQuoted = !isQuoted
    if (character === separator && !isQuoted) pieces.push('')
    else pieces[pieces.length - 1] += isQuoted && character === '\\' ? character + (text[++at] ?? '') : character
  }
  return pieces.map(trimWhiteSpace)
}

function malformed(element: string): never {
  fail(`The server sent a malformed extension: ${quoted(element)}`)
}

function fail(message: string): never {
  throw new HandshakeError('INVALID_EXTENSION', message)
}
