/** From the start of a process to an open socket, over HTTP/1.1. */
import type { Figures, Job } from '../job.ts'
import type { PeerName } from '../peers.ts'
import { runRepeatedly } from './process.ts'

const SCRIPTS: Readonly<Partial<Record<PeerName, (url: string) => string>>> = {
  hawser: (url) => `import { connect } from 'hawser'; await connect('${url}')`,
  ws: (url) =>
    `import { WebSocket } from './bench/peers/node_modules/ws/wrapper.mjs'; await new Promise((r) => { new WebSocket('${url}').onopen = r })`,
  undici: (url) =>
    `import { WebSocket } from 'undici'; await new Promise((r) => { new WebSocket('${url}').onopen = r })`,
  Node: (url) => `await new Promise((r) => { new WebSocket('${url}').onopen = r })`,
}

export async function measure(job: Job): Promise<Figures> {
  const script = SCRIPTS[job.peer]!(`ws://127.0.0.1:${job.ports.http1}/echo`)
  return { time: await runRepeatedly(`${script}; console.log(performance.now()); process.exit()`, job) }
}
