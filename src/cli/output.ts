import type { Writable } from 'node:stream'
import { OutputError } from './failures.ts'

/** Resolves when the text has been handed to the system. Fails with an OutputError. */
export function write(stdout: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.write(text, (error) => (error ? reject(new OutputError(error)) : resolve()))
  })
}
