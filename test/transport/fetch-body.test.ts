import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'

test('a refusal whose body the fetch has read already, or has none, is a refusal all the same', async () => {
  const read = new Response('too many', { status: 429 })
  await read.text()
  const reader = new Response('too many', { status: 429 })
  reader.body?.getReader()
  const without = { status: 429, statusText: '', headers: new Headers() }
  for (const [response, bodyTruncated] of [
    [read, true],
    [reader, true],
    [without, false],
  ] as const) {
    const error: unknown = await connect('ws://example.com', { fetch: async () => response }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'UPGRADE_REFUSED', response: { status: 429 } })
    expect(error).toMatchObject({ response: { body: new Uint8Array(0), bodyTruncated } })
  }
})
