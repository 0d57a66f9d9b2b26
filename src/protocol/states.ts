/** The states of a ClientWebSocket; `closed` and `aborted` are final. */
export type State = 'none' | 'connecting' | 'open' | 'close-sent' | 'close-received' | 'closed' | 'aborted'

/** What moves a socket from one state to another. */
export type Transition = 'connect' | 'opened' | 'refused' | 'close-sent' | 'close-received' | 'aborted'

/** A transition that is missing leaves the state as it is. */
const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Transition, State>>>>> = {
  none: { connect: 'connecting', aborted: 'aborted' },
  connecting: { opened: 'open', refused: 'closed', aborted: 'aborted' },
  open: { 'close-sent': 'close-sent', 'close-received': 'close-received', aborted: 'aborted' },
  'close-sent': { 'close-received': 'closed', aborted: 'aborted' },
  'close-received': { 'close-sent': 'closed', aborted: 'aborted' },
  closed: {},
  aborted: {},
}

export function nextState(state: State, transition: Transition): State {
  return TRANSITIONS[state][transition] ?? state
}

/** Whether our Close frame has not gone out: messages may be sent. */
export function canSend(state: State): boolean {
  return state === 'open' || state === 'close-received'
}

/** Whether the peer's Close frame has not come: messages may still come. */
export function canReceive(state: State): boolean {
  return state === 'open' || state === 'close-sent'
}
