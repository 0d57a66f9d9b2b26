import { once } from 'node:events'
import { expect, test } from 'vitest'
import { spawnSource } from './hawser.ts'

test('the demonstration shows both outcomes, checks itself, and ends with 0', async () => {
  const child = spawnSource('examples/start.ts', [])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(child, 'close')
  expect(output).toContain('│ HTTP/1.1 101 Switching Protocols\n')
  expect(output).toContain('│ HTTP/1.1 429 Too Many Requests\n')
  expect(output).toContain('1 request and 3 sockets on 1 TCP connection\n')
  expect(output).toContain('error.code is EXTENDED_CONNECT_UNSUPPORTED\n')
  expect(output).toMatch(/All \d+ checks passed\.\n$/)
  expect(output).not.toContain('✗')
  expect(output.split('\n').filter((line) => line.length > 100)).toEqual([])
  expect(code).toBe(0)
})
