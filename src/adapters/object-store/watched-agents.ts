import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { StorePatience } from './call-store.ts'

type Times = Pick<StorePatience, 'connectTimeoutMs' | 'idleTimeoutMs'>

/**
 * Agents whose connections end by themselves when they are not made in time, or nothing moves on them. The SDKs' own timeouts count the
 * whole of a request, or nothing at all: a large part over a slow line would fail, and a silent server would hold an import for ever.
 */
export function watchedAgents(times: Times): { http: HttpAgent; https: HttpsAgent } {
  // Without a limit on their number: readers that pause must not keep others from the store.
  const options = { keepAlive: true, timeout: times.idleTimeoutMs }
  return {
    http: watched(new HttpAgent(options), { connected: 'connect', ...times }),
    https: watched(new HttpsAgent(options), { connected: 'secureConnect', ...times }),
  }
}

function watched<T extends HttpAgent>(
  agent: T,
  { connected, connectTimeoutMs, idleTimeoutMs }: Times & { connected: string },
): T {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    const connection = connect(...args)
    const socket = connection as Socket
    const giveUp = (sentence: string) => socket.destroy(Object.assign(new Error(sentence), { code: 'ETIMEDOUT' }))
    const waiting = setTimeout(() => giveUp(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs)
    socket.once(connected, () => clearTimeout(waiting)).once('close', () => clearTimeout(waiting))
    socket.setTimeout(idleTimeoutMs, () => giveUp(`nothing moved on the connection for ${idleTimeoutMs} ms`))
    return connection
  }
  const reuse = agent.reuseSocket.bind(agent)
  agent.reuseSocket = (connection, request) => {
    reuse(connection, request)
    // Node would keep to the shorter time for which the server said it would hold the connection while it is idle.
    ;(connection as Socket).setTimeout(idleTimeoutMs)
  }
  return agent
}
