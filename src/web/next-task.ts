type Run = (callback: () => void) => unknown

const { setImmediate: immediately } = globalThis as { setImmediate?: Run }
const later: Run = immediately ?? ((callback) => setTimeout(callback, 0))

/** Resolves in a task of its own: whoever waits for promises has had their turn. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    later(resolve)
  })
}
