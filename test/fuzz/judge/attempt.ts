import { HandshakeError, type HandshakeErrorCode, OptionsError } from '../../../src/errors.ts'
import { broken, show } from '../target.ts'

/** What a call gives, or the documented error that it fails with, which does not show the secret; any other is thrown on. */
export function attempt<T>(
  call: () => T,
  codes: readonly HandshakeErrorCode[],
  secret = SECRET,
): { readonly value: T } | { readonly code: HandshakeErrorCode } {
  try {
    return { value: call() }
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    if (!codes.includes(error.code)) broken(`An undocumented code: ${show(error)}, ${error.code}`)
    judgeMessage(error, secret)
    return { code: error.code }
  }
}

/** What a call gives, or undefined if it fails with an OptionsError of that option. */
export function attemptOption<T>(call: () => T, option: string): { readonly value: T } | undefined {
  try {
    return { value: call() }
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    if (error.option !== option) broken(`The option is ${error.option}, not ${option}: ${error.message}`)
    judgeMessage(error, SECRET)
    return undefined
  }
}

/** A secret that a case may hold, and no error may show. */
export const SECRET = 'sEcReT'

/** Messages go into logs, line by line. */
function judgeMessage({ message }: Error, secret: string): void {
  if (message.length > 400) broken(`A message of ${message.length} characters`)
  if (/[^\S ]|\p{Cc}/u.test(message)) broken(`A message with a control character: ${show(message)}`)
  if (message.includes(secret)) broken(`A message with a secret: ${show(message)}`)
}
