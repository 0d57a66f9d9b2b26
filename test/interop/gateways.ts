/** The servers that stand in front of a backend, as programs that can be configured, started and reloaded. */
import { readFile } from 'node:fs/promises'
import { pathOf } from './installed.ts'
import { type Command, RunningProgram } from './running-program.ts'
import type { Site } from './site.ts'
import type { WayName } from './ways.ts'

export interface GatewayProgram {
  readonly name: string
  /** The ways on which it takes WebSockets. */
  readonly ways: readonly WayName[]
  /** Writes its configuration; gives the command that runs it. */
  commandFor(site: Site): Promise<Command>
  /** Makes it read its configuration again; gives the program that now accepts, the same or another. */
  reload(program: RunningProgram, site: Site): Promise<RunningProgram>
}

export const haproxy: GatewayProgram = {
  name: 'HAProxy',
  ways: ['ws over HTTP/1.1', 'wss over HTTP/1.1', 'wss over HTTP/2', 'ws over HTTP/2'],
  async commandFor({ write, certAndKey, tlsPort, clearPort, backendPort }) {
    const file = await write(
      'haproxy.cfg',
      `global
  maxconn 2000
  nbthread 1
  hard-stop-after 10s
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 300s
  timeout http-request 10s
frontend tls
  bind "127.0.0.1:${tlsPort}" ssl crt "${certAndKey}" alpn h2,http/1.1
  default_backend echo
frontend clear
  bind "127.0.0.1:${clearPort}"
  default_backend echo
backend echo
  server b1 "127.0.0.1:${backendPort}"
`,
    )
    return { path: pathOf('haproxy'), args: ['-db', '-f', file] }
  },
  /** A new process binds the same ports, and has the old one accept no more and end with its last connection. */
  async reload(program, { tlsPort, clearPort }) {
    const { path, args } = program.command
    const next = new RunningProgram({ path, args: [...args, '-sf', `${program.pid}`] })
    await next.accepts([tlsPort, clearPort])
    await program.until('its proxies are stopped', () => program.output.includes('Proxy echo stopped'))
    return next
  },
}

export const nghttpx: GatewayProgram = {
  name: 'nghttpx',
  ways: ['ws over HTTP/1.1', 'wss over HTTP/1.1', 'wss over HTTP/2', 'ws over HTTP/2'],
  async commandFor({ write, cert, key, tlsPort, clearPort, backendPort }) {
    const file = await write(
      'nghttpx.conf',
      `workers=1
errorlog-file=/dev/stderr
log-level=WARN
backend-read-timeout=5m
frontend-http2-max-concurrent-streams=100
`,
    )
    const ports = [
      '-f',
      `127.0.0.1,${tlsPort}`,
      '-f',
      `127.0.0.1,${clearPort};no-tls`,
      '-b',
      `127.0.0.1,${backendPort}`,
    ]
    return { path: pathOf('nghttpx'), args: [`--conf=${file}`, ...ports, key, cert] }
  },
  /** A new process takes over the listening sockets; the old one ends with its last connection. */
  async reload(program, { tlsPort, clearPort }) {
    const before = await childrenOf(program)
    program.signal('SIGHUP')
    await program.until('it has a new process', async () =>
      (await childrenOf(program)).some((pid) => !before.includes(pid)),
    )
    await program.accepts([tlsPort, clearPort])
    return program
  },
}

export const nginx: GatewayProgram = {
  name: 'nginx',
  // It speaks HTTP/2, but takes no extended CONNECT.
  ways: ['ws over HTTP/1.1', 'wss over HTTP/1.1'],
  async commandFor({ write, directory, cert, key, tlsPort, clearPort, backendPort }) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const file = await write(
      'nginx.conf',
      `daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr notice;
events {
  worker_connections 1024;
}
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${directory}/${name};`).join('\n')}
  server {
    listen 127.0.0.1:${tlsPort} ssl http2;
    listen 127.0.0.1:${clearPort};
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    location / {
      proxy_pass http://127.0.0.1:${backendPort};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }
  }
}
`,
    )
    return { path: pathOf('nginx'), args: ['-p', directory, '-c', file, '-e', 'stderr'] }
  },
  /** New workers take over; the old ones end with their last connection. */
  async reload(program) {
    program.signal('SIGHUP')
    await program.until('its old worker retires', () => program.output.includes('gracefully shutting down'))
    return program
  },
}

async function childrenOf({ pid }: RunningProgram): Promise<string[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean)
}
