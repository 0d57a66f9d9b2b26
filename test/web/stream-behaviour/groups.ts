import type { Cases } from '../implementation.ts'
import type { StreamClasses } from '../suite.ts'
import { constructing, failure } from './constructing.ts'
import { ending, streaming } from './streaming.ts'

/** All that is said of WebSocketStream and WebSocketError, by the sections of their standard. */
export const WEBSOCKETSTREAM: Readonly<Record<string, Cases<StreamClasses>>> = {
  constructing,
  WebSocketError: failure,
  streaming,
  ending,
}
