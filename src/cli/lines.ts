/** The lines of a stream of UTF-8, without their line ends (LF or CRLF); the last one needs none. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n')
    rest += first
    for (const line of others) {
      yield withoutCr(rest)
      rest = line
    }
  }
  rest += decoder.decode()
  if (rest !== '') yield withoutCr(rest)
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
