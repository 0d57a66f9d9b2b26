/** HTTP-date, in all three forms that a recipient has to take (RFC 9110 §5.6.7). */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'
const SHORT_DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day'

/** IMF-fixdate, rfc850-date, asctime-date. */
const FORMS = [
  new RegExp(`^${SHORT_DAY}, (?<day>\\d\\d) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-(?<month>[A-Z][a-z]{2})-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${SHORT_DAY} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/** Milliseconds since 1970, or undefined for what is not a date. `now` tells the century of a year of two digits. */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups
    if (groups !== undefined) return timeOf(groups, now)
  }
  return undefined
}

function timeOf(groups: Readonly<Record<string, string>>, now: number): number | undefined {
  const { year = '', month = '', day = '', hour, minute, second } = groups
  const fullYear = year.length === 2 ? withCentury(Number(year), now) : Number(year)
  const midnight = new Date(Date.UTC(fullYear, MONTHS.indexOf(month), Number(day)))
  // Date carries 31 April over to May, and takes the month -1 for a December: such dates do not exist.
  const exists = midnight.getUTCDate() === Number(day) && midnight.getUTCMonth() === MONTHS.indexOf(month)
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)]
  // A second of 60 is a leap second.
  if (!exists || hours > 23 || minutes > 59 || seconds > 60) return undefined
  return midnight.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1000
}

/** RFC 9110 §5.6.7: what seems to be more than 50 years in the future was in the last century. */
function withCentury(year: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const inThisCentury = thisYear - (thisYear % 100) + year
  return inThisCentury > thisYear + 50 ? inThisCentury - 100 : inThisCentury
}
