/** What a server under test is started with: a directory, certificates and free ports. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '../support/certificates.ts'
import { type Command, RunningProgram } from './running-program.ts'

export interface Site {
  /** For configuration and whatever else the server writes. */
  readonly directory: string
  /** Files in PEM: the certificate, its key, and both in one. */
  readonly cert: string
  readonly key: string
  readonly certAndKey: string
  readonly tlsPort: number
  readonly clearPort: number
  readonly backendPort: number
  /** Writes a file into the directory; gives its path. */
  write(name: string, content: string): Promise<string>
}

/** A server that has been started on a site. */
export interface Deployment {
  readonly site: Site
  /** The authority behind its certificate, PEM. */
  readonly ca: string
  readonly program: RunningProgram
  /** Removes the directory; the program has to be stopped before. */
  remove(): Promise<void>
}

/** Another process may take a port that was free a moment ago. */
const TRIES = 3

/** Starts a server and waits until it accepts on these ports. */
export async function deploy(
  backendPort: number,
  commandFor: (site: Site) => Promise<Command>,
  portsOf: (site: Site) => readonly number[],
): Promise<Deployment> {
  const authority = await createAuthority()
  const { cert, key } = await authority.issue()
  const directory = await mkdtemp(join(tmpdir(), 'hawser-interop-'))
  // Some servers give up being root before they write to it.
  await chmod(directory, 0o755)
  const remove = () => rm(directory, { recursive: true })
  const write = async (name: string, content: string) => {
    const path = join(directory, name)
    await writeFile(path, content)
    return path
  }
  const files = {
    cert: await write('cert.pem', `${cert}\n`),
    key: await write('key.pem', key),
    certAndKey: await write('cert-and-key.pem', `${cert}\n${key}`),
  }
  for (let left = TRIES; ; left--) {
    const [tlsPort, clearPort] = await freePorts()
    const site = { directory, ...files, tlsPort, clearPort, backendPort, write }
    const program = new RunningProgram(await commandFor(site))
    try {
      await program.accepts(portsOf(site))
      return { site, ca: authority.ca, program, remove }
    } catch (error) {
      await program.stop()
      if (left > 1) continue
      await remove()
      throw error
    }
  }
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  const [first, second] = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return [first!, second!]
}
