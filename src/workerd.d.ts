/** What Workers have and other runtimes do not, as far as hawser uses it. */
declare module '*.wasm' {
  const module: import('./codec/webassembly.ts').WebAssemblyModule
  export default module
}

declare module 'cloudflare:sockets' {
  export interface Socket {
    readonly readable: import('node:stream/web').ReadableStream<Uint8Array>
    readonly writable: import('node:stream/web').WritableStream<Uint8Array>
    /** Rejects when the connection cannot be made. */
    readonly opened: Promise<unknown>
    close(): Promise<void>
  }
  export function connect(
    address: { hostname: string; port: number },
    options: { secureTransport: 'on' | 'off'; allowHalfOpen: boolean },
  ): Socket
}
