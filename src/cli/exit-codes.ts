/** How the command ended; `--help` explains them. */
export const ExitCode = {
  ok: 0,
  endedBadly: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  /** 128 and the number of SIGINT, as shells have it. A script can tell that what it asked for was cut short. */
  interrupted: 130,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
