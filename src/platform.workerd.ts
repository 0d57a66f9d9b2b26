/** What differs between runtimes: this is Workers. `package.json` maps `#platform` to it. */
export { loadCodec } from './codec/load.workerd.ts'
export { selectTransport } from './transport/select.workerd.ts'
