/** Starts the servers, each in a process of its own. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Core, pinned } from '../machine.ts'

/** A running server. */
interface Running {
  readonly port: number
  readonly pid: number
}

/** Where clients find the servers. */
export interface Servers {
  readonly http1: Running
  readonly http2: Running
  /** One of HTTP/2, through a delay. */
  readonly delayed: Running
  /** What the first two are written in. */
  readonly language: 'C' | 'JavaScript'
  close(): Promise<void>
}

/** Of the delay each way, in milliseconds: a round trip takes twice as long. */
const DELAY = 10

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const HEADERS = ['frames.h', 'listen.h'].map(path)

/** A server in C, compiled unless it has been already; undefined where there is no compiler. */
function compiled(name: 'http1' | 'http2'): string | undefined {
  const source = path(`${name}.c`)
  const folder = path('../../node_modules/.cache/hawser-bench')
  const program = `${folder}/${name}`
  const changed = [source, ...HEADERS].map((file) => statSync(file).mtimeMs)
  if (existsSync(program) && statSync(program).mtimeMs > Math.max(...changed)) return program
  mkdirSync(folder, { recursive: true })
  for (const compiler of ['cc', 'gcc', 'clang']) {
    if (spawnSync(compiler, ['-O3', '-o', program, source]).status === 0) return program
  }
  return undefined
}

/** Fails with the line that says so when there is none. */
async function firstLine(stream: Readable): Promise<string> {
  for await (const line of createInterface(stream)) return line
  throw new Error('A server of the benchmark ended before it listened.')
}

class Processes {
  readonly #all: ChildProcessByStdio<Writable, Readable, null>[] = []

  async start(command: string, args: readonly string[]): Promise<Running> {
    const [program, ...rest] = pinned('server' satisfies Core, [command, ...args])
    const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#all.push(child)
    return { port: Number(await firstLine(child.stdout)), pid: child.pid! }
  }

  startScript(name: string, ...args: string[]): Promise<Running> {
    return this.start(process.execPath, ['--no-warnings', path(name), ...args])
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#all.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, 'exit')
        child.kill()
        await ended
      }),
    )
  }
}

export async function startServers(): Promise<Servers> {
  const processes = new Processes()
  try {
    const programs = [compiled('http1'), compiled('http2')]
    const [http1, http2] = await Promise.all(
      programs.map((program, i) => {
        return program === undefined ? processes.startScript(`http${i + 1}.ts`) : processes.start(program, [])
      }),
    )
    const source = await processes.startScript('http2.ts')
    const delayed = await processes.startScript('delay.ts', String(source.port), String(DELAY))
    const language = programs.includes(undefined) ? 'JavaScript' : 'C'
    return { http1: http1!, http2: http2!, delayed, language, close: () => processes.close() }
  } catch (error) {
    await processes.close()
    throw error
  }
}
