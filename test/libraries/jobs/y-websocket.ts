import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { Job } from './job.ts'

/** Two documents that were written to at both ends become the same, and know of each other. */
export const yWebsocket: Job = async (url, WebSocketPolyfill) => {
  // The server keeps a page for as long as it lives.
  const page = crypto.randomUUID()
  const ends = ['one', 'two'].map((name) => {
    const document = new Y.Doc()
    const provider = new WebsocketProvider(url, page, document, { WebSocketPolyfill, disableBc: true })
    provider.awareness.setLocalStateField('name', name)
    document.getArray('words').push([name])
    return { document, provider, words: () => document.getArray<string>('words').toArray() }
  })
  const isDone = () =>
    ends.every(({ words, provider }) => words().length === 2 && provider.awareness.getStates().size === 2)
  await new Promise<void>((resolve) => {
    const check = () => isDone() && resolve()
    for (const { document, provider } of ends) {
      document.on('update', check)
      provider.awareness.on('change', check)
    }
  })
  const words = ends.map((end) => end.words())
  for (const { document, provider } of ends) {
    provider.destroy()
    document.destroy()
  }
  return [words[0]!.join() === words[1]!.join(), words[0]!.toSorted()]
}
