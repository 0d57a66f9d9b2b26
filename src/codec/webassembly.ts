/** The part of WebAssembly that the core needs; its own types come only with those of browsers. */
export interface WebAssemblyModule {
  readonly [Symbol.toStringTag]: string
}

interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => WebAssemblyModule
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
  Instance: new (module: WebAssemblyModule, imports: object) => { readonly exports: object }
}

/** Undefined where it is not to be had, as under Node's `--jitless`. */
export const webAssembly = (globalThis as unknown as { WebAssembly?: WebAssemblyApi }).WebAssembly
