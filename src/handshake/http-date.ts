/** HTTP-date, in all three forms that a recipient has to take (RFC 9110 §5.6.7). */

const TIME = '(?<time>\\d\\d:\\d\\d:\\d\\d)'
const NAME = '[A-Z][a-z]{2}'
const MONTH = `(?<month>${NAME})`

/** IMF-fixdate, rfc850-date, asctime-date. */
const FORMS = [
  `${NAME}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  `${NAME}[a-z]*day, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT`,
  `${NAME} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`))

/** Milliseconds since 1970, or undefined for what is not a date. `now` tells the century of a year of two digits. */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups
    if (groups !== undefined) return timeOf(groups, now)
  }
  return undefined
}

function timeOf(groups: Readonly<Record<string, string>>, now: number): number | undefined {
  const { day = '', month, year = '', time = '' } = groups
  const fullYear = year.length === 2 ? withCentury(Number(year), now) : year
  const isLeapSecond = time.endsWith('60')
  const stated = `${day.replace(' ', '0')} ${month} ${fullYear} ${isLeapSecond ? time.replace(/60$/, '59') : time} GMT`
  const date = new Date(stated)
  // Date carries 31 April over to May: such dates do not exist.
  if (!date.toUTCString().endsWith(stated)) return undefined
  return date.getTime() + (isLeapSecond ? 1000 : 0)
}

/** RFC 9110 §5.6.7: what seems to be more than 50 years in the future was in the last century. */
function withCentury(year: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const inThisCentury = thisYear - (thisYear % 100) + year
  return inThisCentury > thisYear + 50 ? inThisCentury - 100 : inThisCentury
}
