/** Any Retry-After: dates in all three forms are what they say, and nobody is made to wait for longer than a timer can. */
import { parseHttpDate } from '../../../src/handshake/http-date.ts'
import { retryAfter } from '../../../src/handshake/refusal.ts'
import { HttpHeaders } from '../../../src/http-headers.ts'
import type { Draw } from '../draw.ts'
import { judgeWait, LONGEST_WAIT } from '../judge/answer.ts'
import { makeSyntax, mutateText } from '../make/fields.ts'
import { broken, same, type Target } from '../target.ts'

interface Case {
  readonly now: number
  readonly value: string
  /** The time that a date stands for; undefined if it may be none. */
  readonly time: number | undefined
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const WORDS = [
  'Mon',
  ', ',
  'Sunday',
  '-',
  ' ',
  'Feb',
  'Dec',
  '30',
  '31',
  '00',
  '60',
  '1999',
  '94',
  ':',
  '12:00:00',
  'GMT',
  '9999999999',
]
const YEAR = 365.25 * 24 * 60 * 60

export const retryAfterField: Target<Case> = {
  name: 'retry-after',
  generate: (draw) => {
    // In the first half of a century no year of two digits can be one of the next.
    const now = Date.UTC(2000, 0) + draw.below(49 * YEAR) * 1000
    const kind = draw.below(8)
    if (kind === 6) return { now, value: makeSyntax(draw, WORDS), time: undefined }
    if (kind === 7) return { now, value: String(draw.below(2 ** 32)).repeat(1 + draw.below(3)), time: undefined }
    const { text, time } = makeDate(draw, now)
    return kind < 3 ? { now, value: text, time } : { now, value: mutateText(draw, text), time: undefined }
  },
  check: ({ now, value, time }) => {
    const parsed = parseHttpDate(value, now)
    if (time !== undefined) same(parsed, time, 'the time of the date')
    if (parsed !== undefined && !Number.isSafeInteger(parsed)) broken(`A time of ${parsed}`)
    const wait = retryAfter(new HttpHeaders([['Retry-After', value]]), now)
    judgeWait(wait)
    if (wait !== undefined && time !== undefined)
      same(wait, Math.min(Math.max(0, time - now), LONGEST_WAIT), 'the wait')
    judgeWait(
      retryAfter(
        new HttpHeaders([
          ['retry-after', value],
          ['Retry-After', '1'],
        ]),
        now,
      ),
    )
  },
}

/** RFC 9110 §5.6.7. */
function makeDate(draw: Draw, now: number): { text: string; time: number } {
  // Within 49 years of now a year of two digits is the one that it was.
  const time = now + draw.between(-49 * YEAR, 49 * YEAR) * 1000
  const fixed = new Date(time).toUTCString()
  const [, day = '', month = '', year = '', clock = ''] = fixed.split(/,? /)
  const form = draw.below(3)
  if (form === 0) return { text: fixed, time }
  if (form === 1) return { text: `${fixed.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`, time }
  return { text: `${DAYS[new Date(time).getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${clock} GMT`, time }
}
