/** ws as a class of the web. */
import type { Open } from './connection.ts'
import { openStandard, type StandardSocket } from './standard.ts'
import { openWs } from './ws-library.ts'

export const open: Open = (target, tally) => openStandard(openWs(target) as unknown as StandardSocket, target, tally)
