/** RFC 9112 on text that is complete: what a head says, if it is one, line by line. */
export interface Head {
  readonly status: number
  readonly statusText: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** How many characters it and the interim responses before it take. */
  readonly length: number
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/
const MOST_BYTES = 65_536
const MOST_FIELDS = 256

/** Undefined if text does not begin with a valid head that is complete. */
export function readHead(text: string): Head | undefined {
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) return undefined
    const [first = '', ...lines] = text.slice(at, end).split('\r\n')
    at = end + 4
    const status = STATUS_LINE.exec(first)
    const fields = lines.map((line) => FIELD.exec(line))
    if (status === null || fields.includes(null) || fields.length > MOST_FIELDS || at > MOST_BYTES) return undefined
    const code = Number(status[2])
    if (status[1] === '0' && code < 200) return undefined
    if (code < 200 && code !== 101) continue
    return {
      status: code,
      statusText: status[3] ?? '',
      fields: fields.map((field) => [field![1]!, field![2]!] as const),
      length: at,
    }
  }
}
