/** hawser as its README says it is fastest. */
import { openReading } from './hawser-connection.ts'

export const open = openReading(async (ws, tally) => {
  for await (const batch of ws.batches()) for (const message of batch) tally.take(message)
})
