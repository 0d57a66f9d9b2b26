/** What waits, and may be given up. */

/** Settles as the promise does, but no later than the signal aborts; then with the signal's reason. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else onAbort(signal, promise, abort)
    promise.then(resolve, reject)
  })
}

/** Calls back when the signal aborts, unless the promise has settled by then. */
export function onAbort(signal: AbortSignal, promise: Promise<unknown>, callback: () => void): void {
  const settled = () => signal.removeEventListener('abort', callback)
  signal.addEventListener('abort', callback, { once: true })
  promise.then(settled, settled)
}
