import { readFileSync } from 'node:fs'

/**
 * The most memory that this process has had, in bytes. On Linux `maxRSS` may be that of the process it was forked from,
 * which is another program.
 */
export function peakMemory(): number {
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : ''
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  return 1024 * (peak === undefined ? process.resourceUsage().maxRSS : Number(peak))
}
