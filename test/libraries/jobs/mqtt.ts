import mqtt from 'mqtt'
import type { Job } from './job.ts'

/** Subscribes, publishes once with each quality of service, and gets all of it back. */
export const mqttJs: Job = async (url, WebSocket) => {
  const client = await mqtt.connectAsync(url, {
    forceNativeWebSocket: true,
    createWebsocket: (target, protocols) => new WebSocket(target, protocols),
    reconnectPeriod: 0,
  })
  const received: string[] = []
  const all = new Promise<void>((resolve) => {
    client.on('message', (topic, payload) => {
      if (received.push(`${topic} ${payload}`) === 3) resolve()
    })
  })
  await client.subscribeAsync('news/#', { qos: 2 })
  for (const qos of [0, 1, 2] as const) await client.publishAsync(`news/${qos}`, 'x'.repeat(qos), { qos })
  await all
  await client.endAsync()
  return received
}
