import { connect } from 'hawser'

export default {
  async fetch(request) {
    const [url, transport] = await request.json()
    const socket = await connect(url, { transport })
    await socket.send('hello')
    return new Response(await socket.receive())
  },
}
