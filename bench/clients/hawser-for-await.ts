/** hawser read one message after the other. */
import { openReading } from './hawser-connection.ts'

export const open = openReading(async (ws, tally) => {
  for await (const message of ws) tally.take(message)
})
