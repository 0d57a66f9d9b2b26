/**
 * A TCP proxy that passes on everything so many milliseconds later, each way: `delay.ts PORT MILLISECONDS`. Prints its
 * port.
 */
import { connect, createServer, type Socket } from 'node:net'
import { endWithParent, tellPort } from './process.ts'

const [port, delay] = process.argv.slice(2).map(Number)
/** What is under way is memory of ours; a line has a limit as well. */
const MOST_UNDER_WAY = 256 * 1024 * 1024

function pass(from: Socket, to: Socket): void {
  let underWay = 0
  from.on('error', () => to.destroy())
  from.on('close', () => setTimeout(() => to.destroy(), delay))
  from.on('data', (chunk) => {
    underWay += chunk.length
    if (underWay > MOST_UNDER_WAY) from.pause()
    setTimeout(() => {
      underWay -= chunk.length
      if (!to.destroyed) to.write(chunk)
      if (underWay <= MOST_UNDER_WAY) from.resume()
    }, delay)
  })
}

tellPort(
  createServer({ noDelay: true }, (client) => {
    const server = connect({ host: '127.0.0.1', port: port!, noDelay: true })
    pass(client, server)
    pass(server, client)
  }),
)
endWithParent()
