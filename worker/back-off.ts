/** Milliseconds: the longest wait after the first failure, and after any. */
const FIRST = 500
const LONGEST = 60_000
/** Clients that are kept waiting for longer than this are better told. */
const LONGEST_RETRY_AFTER = 3_600_000

/**
 * How long to wait before the next try, in milliseconds, after so many failures in a row. It doubles from failure to
 * failure, and chance takes up to half of it away, so that those who failed together do not come back together. The
 * server's Retry-After comes on top, up to an hour.
 */
export function backOff(failures: number, retryAfter = 0, chance = Math.random()): number {
  const longest = Math.min(LONGEST, FIRST * 2 ** (failures - 1))
  return Math.min(retryAfter, LONGEST_RETRY_AFTER) + longest * (1 - chance / 2)
}
