/** The command as a child process, run from the sources. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
// Node 22 warns of type stripping, which would go to the stderr that is looked at.
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--import', path('../support/from-source.ts')]

/** Starts Node on a file of this repository. Of the environment only what is given, so that every machine is alike. */
export function spawnSource(
  file: string,
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: number } = {},
): ChildProcess {
  return spawn(process.execPath, [...NODE_OPTIONS, path(`../../${file}`), ...args], {
    env: { ...options.env },
    stdio: [options.stdin ?? 'pipe', 'pipe', 'pipe'],
  })
}

/** A running command. Disposing of it kills it if it has not ended. */
export class Hawser implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams
  stdout = ''
  stderr = ''
  readonly #ended: Promise<unknown>

  /** Without `readStdout` nobody reads the messages until `collect` is called. */
  constructor(args: readonly string[], { env = {}, readStdout = true } = {}) {
    this.child = spawnSource('src/cli/main.ts', args, { env }) as ChildProcessWithoutNullStreams
    this.#ended = once(this.child, 'close')
    // It may be gone before all its input has been read.
    this.child.stdin.on('error', () => {})
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    if (readStdout) this.collect()
  }

  collect(): void {
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
  }

  /** Resolves once the stream has shown the text. */
  async shows(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    while (!this[stream].includes(text)) await once(this.child[stream], 'data')
  }

  async ended(): Promise<Outcome> {
    await this.#ended
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#ended
  }
}

/** Runs the command to its end. */
export async function hawser(
  args: readonly string[],
  { input = '', env = {} }: { input?: string | Uint8Array; env?: Record<string, string> } = {},
): Promise<Outcome> {
  await using run = new Hawser(args, { env })
  run.child.stdin.end(input)
  return await run.ended()
}
