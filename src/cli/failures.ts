/** What can go wrong on this side of the connection. */

/** The command line makes no sense; the message says why. It shows no value, since those may be secret. */
export class UsageError extends Error {}

/** Ctrl-C came before there was anything to close. */
export class Interrupted extends Error {}

/** stdin cannot be read. */
export class InputError extends Error {
  constructor(cause: unknown) {
    super('Cannot read stdin.', { cause })
  }
}

/** stdout cannot be written to. */
export class OutputError extends Error {
  /** Whether it is the reader who has had enough, as `head` has. */
  readonly isBrokenPipe: boolean

  constructor(cause: Error) {
    super('Cannot write to stdout.', { cause })
    this.isBrokenPipe = (cause as NodeJS.ErrnoException).code === 'EPIPE'
  }
}
