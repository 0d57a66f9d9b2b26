import { connect, HawserError, ProtocolError } from 'hawser'
import { HawserError as FrameHawserError, ProtocolError as FrameProtocolError } from 'hawser/frame'

// Whoever imports two entry points has one class of each error.
if (HawserError !== FrameHawserError || ProtocolError !== FrameProtocolError) throw new Error('A class is there twice.')

const [url] = process.argv.slice(2)
const ws = await connect(`${url}/echo`)
await ws.send('hello')
const answer = await ws.receive()
await ws.close()
if (answer !== 'hello' || ws.httpStatusCode !== 101 || ws.state !== 'closed')
  throw new Error('The echo did not come back.')
console.log(`Node ${process.version}: connected, echoed, closed.`)
