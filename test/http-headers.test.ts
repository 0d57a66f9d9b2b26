import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { type HeaderField, HttpHeaders } from '../src/http-headers.ts'

const FIELDS: readonly HeaderField[] = [
  ['X-B', '1'],
  ['Set-Cookie', 'a=1, b'],
  ['x-a', ''],
  ['SET-COOKIE', 'b=2'],
  ['X-b', '2'],
]

test('names are compared without regard to case', () => {
  const headers = new HttpHeaders(FIELDS)
  expect(headers.get('x-b')).toBe('1, 2')
  expect(headers.getAll('X-B')).toEqual(['1', '2'])
  expect(headers.has('X-A')).toBe(true)
})

test('an empty value is there, and a name that is not there is null', () => {
  const headers = new HttpHeaders(FIELDS)
  expect(headers.get('x-a')).toBe('')
  expect(headers.get('x-c')).toBeNull()
  expect(headers.getAll('x-c')).toEqual([])
  expect(headers.has('x-c')).toBe(false)
})

test('cookies are not joined', () => {
  expect(new HttpHeaders(FIELDS).getSetCookie()).toEqual(['a=1, b', 'b=2'])
})

test('order, spelling and repetition are kept', () => {
  const headers = new HttpHeaders(FIELDS)
  expect(headers.size).toBe(5)
  expect([...headers]).toEqual(FIELDS)
  expect(JSON.parse(JSON.stringify(headers))).toEqual(FIELDS)
})

test('it is shown as its fields', () => {
  expect(inspect(new HttpHeaders([['X-B', '1']]))).toBe("[ [ 'X-B', '1' ] ]")
})

test('it keeps what it was made of, whatever becomes of that', () => {
  const fields: HeaderField[] = [['a', '1']]
  const headers = new HttpHeaders(fields)
  fields.push(['b', '2'])
  headers.toJSON().push(['c', '3'])
  expect([...headers]).toEqual([['a', '1']])
})

test('it can be empty, and made of a Headers', () => {
  expect([...new HttpHeaders()]).toEqual([])
  expect(new HttpHeaders(new Headers({ a: '1' })).get('A')).toBe('1')
})
