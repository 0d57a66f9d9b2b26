import { expect, test } from 'vitest'
import { Room } from '../../src/driver/room.ts'
import { isPending } from './running.ts'

function create() {
  const state = { isThere: true }
  return { state, room: new Room(() => state.isThere) }
}

test('whoever finds room does not wait', async () => {
  const { room } = create()
  expect(await isPending(room.wait())).toBe(false)
  room.fail('nobody waits')
  await room.wait()
})

test('all who wait go on when there is room, and not before', async () => {
  const { state, room } = create()
  state.isThere = false
  const waiting = [room.wait(), room.wait()]
  room.check()
  for (const each of waiting) expect(await isPending(each)).toBe(true)
  state.isThere = true
  room.check()
  await Promise.all(waiting)
  state.isThere = false
  expect(await isPending(room.wait())).toBe(true)
})

test('all who wait fail, and nobody has to look at it', async () => {
  const { state, room } = create()
  state.isThere = false
  const waiting = room.wait()
  void room.wait()
  room.fail('lost')
  await expect(waiting).rejects.toBe('lost')
})
