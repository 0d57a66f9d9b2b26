/** What differs between runtimes: this is everything but Workers. `package.json` maps `#platform` to it. */
export { loadCodec } from './codec/load.ts'
export { selectTransport } from './transport/select.ts'
