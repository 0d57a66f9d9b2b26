import type { Target } from './target.ts'
import { decoder } from './targets/decoder.ts'
import { encoder } from './targets/encoder.ts'
import { extensions } from './targets/extensions.ts'
import { headers } from './targets/headers.ts'
import { http2Head } from './targets/http2-head.ts'
import { inflate } from './targets/inflate.ts'
import { messageDriver } from './targets/message-driver.ts'
import { outbox } from './targets/outbox.ts'
import { protocol } from './targets/protocol.ts'
import { responseHead } from './targets/response-head.ts'
import { retryAfterField } from './targets/retry-after.ts'
import { streamDriver } from './targets/stream-driver.ts'
import { subprotocol } from './targets/subprotocol.ts'
import { url } from './targets/url.ts'
import { utf8 } from './targets/utf8.ts'

/** All that is fuzzed, by name. */
export const TARGETS = new Map<string, Target>(
  [
    decoder,
    utf8,
    encoder,
    outbox,
    protocol,
    inflate,
    responseHead,
    http2Head,
    extensions,
    subprotocol,
    retryAfterField,
    url,
    headers,
    streamDriver,
    messageDriver,
  ].map((target) => [target.name, target as Target]),
)
