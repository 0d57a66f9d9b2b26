/** How every server of the benchmark talks to the process that started it. */
import type { AddressInfo, Server } from 'node:net'

/** Listens on a free port of the loopback, and prints it. */
export function tellPort(server: Pick<Server, 'listen' | 'address'>): void {
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
}

/** The parent holds the other end of the standard input for as long as it lives. */
export function endWithParent(): void {
  process.stdin.on('end', () => process.exit())
  process.stdin.resume()
}
