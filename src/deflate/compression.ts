import { Deflater } from './deflater.ts'
import { Inflater } from './inflater.ts'
import { StreamPool } from './stream-pool.ts'
import { rawStreams } from './zlib.ts'

/** What was agreed about the two directions (RFC 7692 §7.1). */
export interface Agreed {
  /** 8 to 15. */
  readonly clientMaxWindowBits: number
  readonly serverMaxWindowBits: number
  readonly clientContextTakeover: boolean
  readonly serverContextTakeover: boolean
}

/** permessage-deflate on one connection. */
export interface DeflateCompression {
  readonly inflater: Inflater
  readonly deflater: Deflater | undefined
  readonly threshold: number
  /** The connection is over. */
  close(): void
}

/** Of 40 KiB each: 20 MiB. */
const MAX_INFLATING = 512
/** Of 256 KiB each: 32 MiB. */
const MAX_DEFLATING = 128
let pools: { readonly inflating: StreamPool; readonly deflating: StreamPool } | undefined

/** Whether this runtime can compress. */
export function canCompress(): boolean {
  return rawStreams() !== undefined
}

/** Takes up work as agreed. Nothing is allocated before there is something to compress. */
export function createCompression(agreed: Agreed, threshold: number): DeflateCompression {
  const streams = rawStreams()!
  pools ??= createPools(streams.takesHistory)
  const { clientMaxWindowBits, serverMaxWindowBits } = agreed
  const inflater = new Inflater(streams, pools.inflating, {
    windowBits: serverMaxWindowBits,
    takeover: agreed.serverContextTakeover,
  })
  // zlib deflates with no window smaller than 512 bytes: then our messages go out as they are, which the extension
  // allows.
  const own = { windowBits: clientMaxWindowBits, takeover: agreed.clientContextTakeover }
  const deflater = clientMaxWindowBits < 9 ? undefined : new Deflater(streams, pools.deflating, own)
  return {
    inflater,
    deflater,
    threshold,
    close: () => {
      inflater.close()
      deflater?.close()
    },
  }
}

/** A stream that cannot be made again from its history is not given up. */
function createPools(takesHistory: boolean) {
  const pool = (limit: number) => new StreamPool(takesHistory ? limit : Infinity)
  return { inflating: pool(MAX_INFLATING), deflating: pool(MAX_DEFLATING) }
}
