import { readFile } from 'node:fs/promises'

/** The state of a connection in which both sides may send, as /proc writes it. */
const ESTABLISHED = '01'

/** How many TCP connections of this machine lead to a port, as the kernel counts them. */
export async function connectionsTo(port: number): Promise<number> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1')))
  const remotePort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(remotePort) && state === ESTABLISHED).length
}
