import { expect, test } from 'vitest'
import { canReceive, canSend, nextState, type State, type Transition } from '../../src/protocol/states.ts'

const STATES: readonly State[] = ['none', 'connecting', 'open', 'close-sent', 'close-received', 'closed', 'aborted']
const TRANSITIONS: readonly Transition[] = ['connect', 'opened', 'refused', 'close-sent', 'close-received', 'aborted']

/** The way out of each state; all that is not here leads nowhere. */
const WAYS: readonly (readonly [State, Transition, State])[] = [
  ['none', 'connect', 'connecting'],
  ['none', 'aborted', 'aborted'],
  ['connecting', 'opened', 'open'],
  ['connecting', 'refused', 'closed'],
  ['connecting', 'aborted', 'aborted'],
  ['open', 'close-sent', 'close-sent'],
  ['open', 'close-received', 'close-received'],
  ['open', 'aborted', 'aborted'],
  ['close-sent', 'close-received', 'closed'],
  ['close-sent', 'aborted', 'aborted'],
  ['close-received', 'close-sent', 'closed'],
  ['close-received', 'aborted', 'aborted'],
]

const EVERY = STATES.flatMap((state) =>
  TRANSITIONS.map((transition) => {
    const way = WAYS.find(([from, by]) => from === state && by === transition)
    return [state, transition, way ? way[2] : state] as const
  }),
)

test.each(EVERY)('%s and %s makes %s', (state, transition, next) => {
  expect(nextState(state, transition)).toBe(next)
})

test('messages may be sent until our Close frame is', () => {
  expect(STATES.filter(canSend)).toEqual(['open', 'close-received'])
})

test('messages may come until the Close frame of the peer has', () => {
  expect(STATES.filter(canReceive)).toEqual(['open', 'close-sent'])
})
