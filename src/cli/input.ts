/** Where the messages to send come from: a pipe or file, or a person at a terminal. */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline'
import { linesOf } from './lines.ts'

export interface Input {
  readonly lines: AsyncIterable<string>
  /** Whether a person types. */
  readonly isTyped: boolean
  /** Lets something be printed without mixing it with the line that is being typed. */
  aside(print: () => Promise<void>): Promise<void>
  /** No more is read; `lines` ends or fails. */
  close(): void
}

type Streams = Pick<NodeJS.Process, 'stdin' | 'stderr'>

/** `onInterrupt` is called for Ctrl-C where the terminal makes no signal of it. */
export function openInput({ stdin, stderr }: Streams, onInterrupt: () => void): Input {
  if (stdin.isTTY && stderr.isTTY) return typedInput({ stdin, stderr }, onInterrupt)
  return {
    lines: linesOf(stdin),
    isTyped: stdin.isTTY === true,
    aside: (print) => print(),
    close: () => void stdin.destroy(),
  }
}

/**
 * A line that can be edited, with history. Without readline the terminal itself would edit, which cuts lines off at
 * 4096 bytes. The prompt goes to stderr, since stdout may be a pipe.
 */
function typedInput({ stdin, stderr }: Streams, onInterrupt: () => void): Input {
  const readline = createInterface({ input: stdin, output: stderr, terminal: true, prompt: '> ' })
  // Made at once: what is typed before somebody reads would be lost to it.
  const lines = readline[Symbol.asyncIterator]()
  let isOpen = true
  readline.on('SIGINT', onInterrupt)
  readline.once('close', () => {
    isOpen = false
    clearLine(stderr, 0)
  })
  const prompt = () => {
    if (isOpen) readline.prompt(true)
  }
  prompt()
  return {
    lines: afterEach(lines, prompt),
    isTyped: true,
    aside: async (print) => {
      const rows = isOpen ? clearLine(stderr, readline.getCursorPos().rows) : 0
      await print()
      // readline begins by going up to where it believes the first row of its line to be.
      stderr.write('\n'.repeat(rows))
      prompt()
    },
    close: () => {
      readline.close()
      stdin.destroy()
    },
  }
}

/** Clears the row of the cursor, `rows` above it, and all below; gives `rows`. */
function clearLine(stderr: NodeJS.WriteStream, rows: number): number {
  moveCursor(stderr, 0, -rows)
  cursorTo(stderr, 0)
  clearScreenDown(stderr)
  return rows
}

async function* afterEach(lines: AsyncIterable<string>, action: () => void): AsyncGenerator<string> {
  for await (const line of lines) {
    yield line
    action()
  }
}
