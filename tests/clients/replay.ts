import assert from 'node:assert/strict'
import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Operation } from '../../src/client/api-types.ts'
import { type Answered, readAnswer } from '../support/ask.ts'

/** Sends requests as a client was seen to send them. */
export interface Replay {
  /**
   * Sends a request to the letter: `head` is its first line without the protocol, then its headers, one a line, in their order and letter
   * case; `Host`, `Authorization` and `Content-Length` are added.
   */
  (head: string, body?: string): Promise<Answered>
  /** Sends a poll again and again until the operation has ended, sooner than the `Retry-After` that each answer must have allows. */
  untilEnded(head: string): Promise<Answered>
}

export function createReplay({ endpoint, ca, token }: { endpoint: string; ca: string; token: string }): Replay {
  const [hostname = '', port = ''] = endpoint.split(':')

  function send(head: string, body?: string): Promise<Answered> {
    const [first = '', ...lines] = head.trim().split('\n')
    const [method = '', path = '', ...others] = first.trim().split(' ')
    assert.deepEqual(others, [], 'a path has no blanks')
    const headers = lines.flatMap((line) => {
      const [, name = '', value = ''] = /^\s*([\w-]+): (.*)$/.exec(line) ?? assert.fail(`${line} is no header`)
      return [name, value]
    })
    headers.push('Host', endpoint, 'Authorization', `Bearer ${token}`)
    if (body !== undefined) headers.push('Content-Length', String(Buffer.byteLength(body)))
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, method, path, headers, ca, agent: false }, (response) => {
        readAnswer(response).then(resolve, reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  return Object.assign(send, {
    async untilEnded(head: string) {
      for (;;) {
        const answer = await send(head)
        assert.equal(answer.status, 200, answer.text)
        const { status } = answer.json<Operation>()
        if (status === 'Succeeded' || status === 'Failed') return answer
        // Without it PowerShell asks in a busy loop, and Python every half minute.
        assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/)
        await sleep(100)
      }
    },
  })
}
