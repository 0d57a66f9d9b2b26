/** libwebsockets' own test server, with TLS or without. */
import { pathOf } from './installed.ts'
import type { Command } from './running-program.ts'
import { type Deployment, deploy, type Site } from './site.ts'

export function startLibwebsockets(scheme: 'ws' | 'wss'): Promise<Deployment> {
  const commandFor = async ({ tlsPort, clearPort, cert, key }: Site): Promise<Command> => {
    const args = scheme === 'wss' ? [`--port=${tlsPort}`, '--ssl', '-C', cert, '-K', key] : [`--port=${clearPort}`]
    return { path: pathOf('libwebsockets-test-server'), args: [...args, '--interface=lo'] }
  }
  const portsOf = ({ tlsPort, clearPort }: Site) => [scheme === 'wss' ? tlsPort : clearPort]
  return deploy(0, commandFor, portsOf)
}
