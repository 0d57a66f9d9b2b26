import { expect, test } from 'vitest'
import { type OutgoingJob, OutgoingQueue } from '../../src/driver/outgoing-queue.ts'

function recorder() {
  const log: string[] = []
  /** A job that is done when it is told to. */
  const job = (name: string, size = 1): OutgoingJob & { finish(): void } => {
    let finish = () => {}
    return {
      size,
      start: (done) => {
        log.push(`start ${name}`)
        finish = done
      },
      fail: (reason) => log.push(`fail ${name}: ${reason}`),
      finish: () => finish(),
    }
  }
  /** A job that is done at once. */
  const quick = (name: string, size = 1): OutgoingJob => ({
    ...job(name, size),
    start: (done) => {
      log.push(name)
      done()
    },
  })
  return { log, job, quick }
}

test('each job has its turn when the one before it is done', () => {
  const { log, job, quick } = recorder()
  const queue = new OutgoingQueue()
  const [a, b] = [job('a', 10), job('b', 20)]
  queue.add(a)
  queue.add(b)
  queue.add(quick('c', 5))
  expect(log).toEqual(['start a'])
  expect(queue).toMatchObject({ isEmpty: false, size: 35 })
  a.finish()
  expect(log).toEqual(['start a', 'start b'])
  expect(queue.size).toBe(25)
  a.finish()
  expect(queue.size).toBe(25)
  b.finish()
  expect(log).toEqual(['start a', 'start b', 'c'])
  expect(queue).toMatchObject({ isEmpty: true, size: 0 })
})

test('a job that is done at once leaves nothing behind, and others follow', () => {
  const { log, quick, job } = recorder()
  const queue = new OutgoingQueue()
  queue.add(quick('a'))
  expect(queue).toMatchObject({ isEmpty: true, size: 0 })
  queue.add(job('b'))
  expect(log).toEqual(['a', 'start b'])
})

test('a job that is added by another comes after it', () => {
  const { log, quick } = recorder()
  const queue = new OutgoingQueue()
  queue.add({
    size: 0,
    start: (done) => {
      queue.add(quick('inner'))
      log.push('outer')
      done()
    },
    fail: () => {},
  })
  expect(log).toEqual(['outer', 'inner'])
})

test('hundreds of thousands that waited for one are done in one go', () => {
  const { job } = recorder()
  const queue = new OutgoingQueue()
  const first = job('first')
  let count = 0
  queue.add(first)
  const start = (done: () => void) => {
    count++
    done()
  }
  for (let i = 0; i < 200_000; i++) queue.add({ size: 1, start, fail: () => {} })
  first.finish()
  expect(count).toBe(200_000)
  expect(queue).toMatchObject({ isEmpty: true, size: 0 })
})

test('a failure is told to all, the one under way first, and none is started any more', () => {
  const { log, job } = recorder()
  const queue = new OutgoingQueue()
  const [a, b] = [job('a'), job('b')]
  queue.add(a)
  queue.add(b)
  queue.fail('lost')
  expect(log).toEqual(['start a', 'fail a: lost', 'fail b: lost'])
  expect(queue).toMatchObject({ isEmpty: true, size: 0 })
  a.finish()
  expect(log).toHaveLength(3)
  expect(queue.size).toBe(0)
  queue.add(job('c'))
  expect(log.at(-1)).toBe('start c')
})

test('a failure within a job ends it there', () => {
  const { log, job } = recorder()
  const queue = new OutgoingQueue()
  const first = job('first')
  queue.add(first)
  queue.add({
    size: 7,
    start: (done) => {
      queue.fail('lost')
      done()
    },
    fail: (reason) => log.push(`fail: ${reason}`),
  })
  queue.add(job('last'))
  first.finish()
  expect(log).toEqual(['start first', 'fail: lost', 'fail last: lost'])
  expect(queue).toMatchObject({ isEmpty: true, size: 0 })
})
