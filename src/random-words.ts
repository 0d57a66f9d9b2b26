const BATCH = 1024

const words = new Int32Array(BATCH)
let left = 0

/**
 * An unpredictable number of 32 bits. They are drawn a batch at a time, since to ask the system takes longer than all
 * that is done with one; the first when it is asked for, since some runtimes forbid it while modules load.
 */
export function randomWord(): number {
  if (left === 0) {
    crypto.getRandomValues(words)
    left = BATCH
  }
  // Read once, and wiped: a masking key that was used is nobody's business.
  const word = words[--left]!
  words[left] = 0
  return word
}
