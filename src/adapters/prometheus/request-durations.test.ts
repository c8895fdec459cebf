import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram, Registry } from 'prom-client'
import { registerRequestDurations } from './request-durations.ts'

test('the page is to the letter the one that the library makes of the same requests', async () => {
  const buckets = [0.001, 0.1, 10]
  const about = { name: 'seconds', help: 'How long requests took.' }
  const [own, theirs] = [new Registry(), new Registry()]
  const observe = registerRequestDurations(own, { ...about, buckets })
  const histogram = new Histogram({
    ...about,
    buckets,
    labelNames: ['route', 'method', 'status', 'dialect'],
    registers: [theirs],
  })
  assert.equal(await own.metrics(), await theirs.metrics(), 'before the first')

  const update = { route: '/updates/:name', method: 'GET', status: '2xx', dialect: '2022' }
  const requests: [typeof update, number[]][] = [
    [update, [0, 0.001, 0.0015, 0.1, 10, 10.5, 86_400]],
    [{ ...update, dialect: 'v2' }, [0.25]],
    [{ ...update, method: 'DELETE', status: '4xx' }, [0.5]],
    [{ route: '', method: 'GET', status: '4xx', dialect: '' }, [0, 0]],
    [update, [0.125]],
  ]
  for (const [labels, durations] of requests) {
    for (const seconds of durations) {
      observe(labels, seconds)
      histogram.observe(labels, seconds)
    }
  }
  assert.equal(await own.metrics(), await theirs.metrics())
  assert.equal(await own.metrics(), await theirs.metrics(), 'asking changes nothing')
})
