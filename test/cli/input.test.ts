import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { openInput } from '../../src/cli/input.ts'
import { collected } from './collected.ts'

/** A terminal as far as readline looks at it; `shown` gives what it has shown since the last call. */
function terminal() {
  let text = ''
  const screen = new Writable({
    write: (chunk, _, done) => {
      text += chunk
      done()
    },
  })
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  const stderr = Object.assign(screen, { isTTY: true, columns: 20, rows: 24 })
  const interrupts: string[] = []
  // A terminal of Node has much more, of which the input uses nothing.
  const io = { stdin, stderr } as unknown as Pick<NodeJS.Process, 'stdin' | 'stderr'>
  const input = openInput(io, () => interrupts.push('Ctrl-C'))
  const shown = () => {
    const since = text
    text = ''
    return since
  }
  return { stdin, input, interrupts, shown, screen: () => text }
}

test('lines that are typed can be edited', async () => {
  const { stdin, input } = terminal()
  stdin.write('helo\x7flo\rbye\r\x04')
  expect(await collected(input.lines)).toEqual(['hello', 'bye'])
  expect(input.isTyped).toBe(true)
  input.close()
})

test('Ctrl-C interrupts, which a terminal in raw mode does not do by itself', async () => {
  const { stdin, input, interrupts } = terminal()
  stdin.write('half a line\x03')
  await expect.poll(() => interrupts).toEqual(['Ctrl-C'])
  input.close()
})

test('a message is printed above the line that is being typed', async () => {
  const { stdin, input, shown, screen } = terminal()
  stdin.write('half')
  await expect.poll(screen).toContain('half')
  shown()
  let before = ''
  await input.aside(async () => {
    before = shown()
  })
  expect(before).toBe('\x1b[1G\x1b[0J')
  expect(shown()).toContain('> half')
  input.close()
})

test('a typed line of several rows is put back below the message', async () => {
  const { stdin, input, shown, screen } = terminal()
  stdin.write('x'.repeat(45))
  await expect.poll(screen).toMatch(/x.*x{44}|x{45}/s)
  shown()
  let before = ''
  await input.aside(async () => {
    before = shown()
  })
  // 47 columns with the prompt: two rows up, and after the message two rows down again.
  expect(before).toBe('\x1b[2A\x1b[1G\x1b[0J')
  expect(shown()).toMatch(/^\n\n.*x{45}/s)
  input.close()
})

test('a message that comes after the end of the input is printed without a prompt', async () => {
  const { stdin, input, shown } = terminal()
  stdin.write('\x04')
  expect(await collected(input.lines)).toEqual([])
  shown()
  await input.aside(async () => {})
  expect(shown()).toBe('')
  input.close()
})

test('closing ends the lines', async () => {
  const { input } = terminal()
  const lines = collected(input.lines)
  input.close()
  expect(await lines).toEqual([])
})
