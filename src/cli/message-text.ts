import type { Message } from '../index.ts'
import { harmless } from './style.ts'

/** Bytes of a binary message that a terminal shows. */
const SHOWN = 32

/** A message as a line. A pipe gets all of it, as it is; a terminal what a person can read. */
export function messageText(message: Message, forTerminal: boolean): string {
  if (typeof message === 'string') return `${forTerminal ? harmless(message) : message}\n`
  const shown = forTerminal ? message.subarray(0, SHOWN) : message
  const hex = Buffer.from(shown.buffer, shown.byteOffset, shown.byteLength).toString('hex')
  const size = `<${message.length} ${message.length === 1 ? 'byte' : 'bytes'}>`
  return `${size}${hex === '' ? '' : ' '}${hex}${shown.length < message.length ? '…' : ''}\n`
}
