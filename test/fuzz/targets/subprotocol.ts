/** Any values of Sec-WebSocket-Protocol: what is chosen is one of those offered, or nothing. */
import { chosenSubprotocol } from '../../../src/handshake/subprotocol.ts'
import { type HeaderField, HttpHeaders } from '../../../src/http-headers.ts'
import { attempt } from '../judge/attempt.ts'
import { makeSyntax } from '../make/fields.ts'
import { same, type Target } from '../target.ts'

interface Case {
  readonly offered: readonly string[]
  readonly values: readonly string[]
}

const WORDS = ['a', 'b', 'v1.chat', ',', ' ', '\t']

export const subprotocol: Target<Case> = {
  name: 'subprotocol',
  generate: (draw) => ({
    offered: draw.list(2, 3, () => draw.pick(['a', 'b', 'v1.chat'])),
    values: draw.list(1, 3, () => makeSyntax(draw, WORDS, 2)),
  }),
  check: ({ offered, values }) => {
    const fields = values.map((value): HeaderField => ['sec-websocket-PROTOCOL', value])
    const outcome = attempt(() => chosenSubprotocol(new HttpHeaders(fields), offered), ['INVALID_SUBPROTOCOL'])
    const elements = values
      .flatMap((value) => value.split(','))
      .map((element) => element.replace(/^[ \t]+|[ \t]+$/g, ''))
    const chosen = elements.filter((element) => element !== '')
    const isRight = values.length === 0 || (chosen.length === 1 && offered.includes(chosen[0]!))
    same('value' in outcome ? outcome.value : undefined, isRight ? (chosen[0] ?? '') : undefined, 'what is chosen')
  },
}
