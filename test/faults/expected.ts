/**
 * How each cell ends: what the client knows, and what the server does.
 *
 * For the client that is the code of the error of `connect`; or the last state and the code of the server's Close
 * frame, with the code of the error that receiving ended with, the rule that was broken, or the time-out that was the
 * cause. For the server it is the code of the client's Close frame (1006: there was none, and it knows that the
 * connection is over), `still open` when nothing has told it of the end, or `no socket` when it was never asked for
 * one.
 */
import type { Fault } from '../support/faulty-proxy.ts'

/**
 * How it ends on all columns, and those on which it ends otherwise; where it depends on chance, in one of several ways.
 */
type Row = readonly [outcome: string, otherwise?: Readonly<Record<string, string | readonly string[]>>]

const UNDISTURBED: Row = ['closed 1000 | 1000']
const CLOSED_BY_SERVER: Row = ['closed 4001 | 4001']

const EXPECTED: Readonly<Record<string, Readonly<Record<Fault, Row>>>> = {
  'TCP connect': {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['HANDSHAKE_TIMEOUT | no socket'],
    'half-close': ['CONNECTION_LOST | no socket'],
    // Workers tell of a reset that comes early as of a port that is refused.
    reset: [
      'CONNECTION_LOST | no socket',
      { 'tcp workerd': ['CONNECTION_LOST | no socket', 'NETWORK_FAILED | no socket'] },
    ],
    corrupt: [
      'UPGRADE_REFUSED 400 | no socket',
      {
        'tcp wss': 'TLS_FAILED | no socket',
        'http2 ws': 'CONNECTION_LOST | no socket',
        'http2 wss': 'TLS_FAILED | no socket',
        'dispatcher 2': 'TLS_FAILED | no socket',
      },
    ],
  },
  'TLS handshake': {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['HANDSHAKE_TIMEOUT | no socket'],
    'half-close': ['CONNECTION_LOST | no socket'],
    reset: ['CONNECTION_LOST | no socket'],
    corrupt: ['TLS_FAILED | no socket'],
  },
  'request head': {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['HANDSHAKE_TIMEOUT | no socket'],
    'half-close': [
      'UPGRADE_REFUSED 400 | no socket',
      {
        'http2 ws': 'HANDSHAKE_TIMEOUT | no socket',
        'http2 wss': 'HANDSHAKE_TIMEOUT | no socket',
        'dispatcher 2': 'HANDSHAKE_TIMEOUT | no socket',
      },
    ],
    reset: ['CONNECTION_LOST | no socket', { 'dispatcher 2': 'STREAM_RESET | no socket' }],
    corrupt: [
      'UPGRADE_REFUSED 400 | no socket',
      {
        'http2 ws': 'CONNECTION_LOST | no socket',
        'http2 wss': 'CONNECTION_LOST | no socket',
        'dispatcher 2': 'STREAM_RESET | no socket',
      },
    ],
  },
  'response head, half-way': {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['HANDSHAKE_TIMEOUT | 1006'],
    'half-close': [
      'CONNECTION_LOST | 1006',
      {
        'http2 ws': 'CONNECTION_LOST | still open',
        'http2 wss': 'CONNECTION_LOST | still open',
        'dispatcher 2': 'STREAM_RESET | still open',
      },
    ],
    reset: ['CONNECTION_LOST | 1006', { 'dispatcher 2': 'STREAM_RESET | 1006' }],
    corrupt: [
      'INVALID_RESPONSE | 1006',
      {
        'tcp wss': 'TLS_FAILED | 1006',
        'http2 ws': 'INVALID_RESPONSE | 1006',
        'http2 wss': 'TLS_FAILED | still open',
        'dispatcher 2': 'STREAM_RESET | still open',
        fetch: 'CONNECTION_LOST | 1006',
      },
    ],
  },
  'after the response head': {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: [
      'aborted 1006 CONNECTION_CLOSED KEEP_ALIVE_TIMEOUT | 1006',
      { fetch: 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | 1000' },
    ],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: [
      'aborted 1006 PROTOCOL_VIOLATION expected-continuation | 1002',
      {
        'tcp wss': 'aborted 1006 CONNECTION_CLOSED | 1006',
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | 1006',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
        fetch: 'aborted 1006 PROTOCOL_VIOLATION unexpected-continuation | 1002',
      },
    ],
  },
  "header of the server's frame": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: [
      'aborted 1006 CONNECTION_CLOSED KEEP_ALIVE_TIMEOUT | 1006',
      { fetch: 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | 1000' },
    ],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: [
      'aborted 1006 PROTOCOL_VIOLATION masked | 1002',
      {
        'tcp wss': 'aborted 1006 CONNECTION_CLOSED | 1006',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
        fetch: 'aborted 1006 PROTOCOL_VIOLATION reserved-bits | 1002',
      },
    ],
  },
  "payload of the server's frame": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: [
      'aborted 1006 CONNECTION_CLOSED KEEP_ALIVE_TIMEOUT | 1006',
      { fetch: 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | 1000' },
    ],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: [
      'aborted 1006 PROTOCOL_VIOLATION invalid-utf8 | 1007',
      {
        'tcp wss': 'aborted 1006 CONNECTION_CLOSED | 1006',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
        fetch: 'closed 1000 | 1000',
      },
    ],
  },
  "between the server's fragments": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: [
      'aborted 1006 CONNECTION_CLOSED KEEP_ALIVE_TIMEOUT | 1006',
      { fetch: 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | 1000' },
    ],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: [
      'aborted 1006 PROTOCOL_VIOLATION expected-continuation | 1002',
      {
        'tcp wss': 'aborted 1006 CONNECTION_CLOSED | 1006',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
        fetch: 'aborted 1006 PROTOCOL_VIOLATION unexpected-continuation | 1002',
      },
    ],
  },
  "header of the client's frame": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open'],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: ['closed 1002 | 1006'],
  },
  "payload of the client's frame": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open'],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: ['closed 1007 | 1006'],
  },
  "between the client's fragments": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open'],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: ['closed 1002 | 1006'],
  },
  "the client's Close frame": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open'],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: ['closed 1002 | 1006'],
  },
  "the server's Close frame in answer": {
    delay: UNDISTURBED,
    chop: UNDISTURBED,
    stall: ['aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | 1000'],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1000',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1000'],
    corrupt: [
      'aborted 1006 PROTOCOL_VIOLATION masked | 1000',
      {
        'tcp wss': 'aborted 1006 CONNECTION_CLOSED | 1000',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
        fetch: 'aborted 1006 CONNECTION_CLOSED | 1000',
      },
    ],
  },
  "the server's Close frame, the first": {
    delay: CLOSED_BY_SERVER,
    chop: CLOSED_BY_SERVER,
    stall: [
      'aborted 1006 CONNECTION_CLOSED KEEP_ALIVE_TIMEOUT | 1006',
      { fetch: 'aborted 1006 CONNECTION_CLOSED CLOSE_TIMEOUT | 1000' },
    ],
    'half-close': [
      'aborted 1006 CONNECTION_CLOSED | 1006',
      {
        'http2 ws': 'aborted 1006 CONNECTION_CLOSED | still open',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
      },
    ],
    reset: ['aborted 1006 CONNECTION_CLOSED | 1006'],
    corrupt: [
      'aborted 1006 PROTOCOL_VIOLATION masked | 1002',
      {
        'tcp wss': 'aborted 1006 CONNECTION_CLOSED | 1006',
        'http2 wss': 'aborted 1006 CONNECTION_CLOSED | still open',
        'dispatcher 2': 'aborted 1006 CONNECTION_CLOSED | still open',
        fetch: 'aborted 1006 CONNECTION_CLOSED | 1000',
      },
    ],
  },
  "the client's Close frame in answer": {
    delay: CLOSED_BY_SERVER,
    chop: CLOSED_BY_SERVER,
    stall: ['closed 4001 | still open'],
    'half-close': [
      'closed 4001 | 1006',
      {
        'http2 ws': 'closed 4001 | still open',
        'http2 wss': 'closed 4001 | still open',
        'dispatcher 2': 'closed 4001 | still open',
      },
    ],
    reset: ['closed 4001 | 1006'],
    corrupt: ['closed 4001 | 1006'],
  },
}

/** How a cell may end. */
export function expectedOf(step: string, fault: Fault, column: string): readonly string[] {
  const [outcome, otherwise = {}] = EXPECTED[step]![fault]
  return [otherwise[column] ?? outcome].flat()
}
