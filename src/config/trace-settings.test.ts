import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTraceSettings } from './trace-settings.ts'

const COLLECTOR = 'http://127.0.0.1:4318'

test('traces are sent where one of the two standard variables names a collector, the narrower one first', () => {
  assert.equal(readTraceSettings({}), undefined)
  assert.equal(readTraceSettings({ OTEL_SERVICE_NAME: 'aduana', OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), undefined)
  assert.deepEqual(readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR }), { collector: COLLECTOR })
  assert.deepEqual(
    readTraceSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'not looked at',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://user:secret@collector.example/v1/traces?key=secret',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    }),
    { collector: 'https://collector.example' },
  )
})

test('the standard ways to switch them off do so', () => {
  for (const off of [{ OTEL_SDK_DISABLED: 'TRUE' }, { OTEL_TRACES_EXPORTER: 'none' }]) {
    assert.equal(readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR, ...off }), undefined)
  }
  const on = { OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }
  assert.ok(readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR, ...on }))
})

test('what would lose every trace is refused, without a word of the address', () => {
  for (const url of ['collector:4318', 'secret', 'ftp://collector.example', 'grpc://secret']) {
    assert.throws(
      () => readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: url }),
      (error: Error) => /OTEL_EXPORTER_OTLP_ENDPOINT/.test(error.message) && !error.message.includes('secret'),
    )
  }
  for (const protocol of ['grpc', 'http/protobuf']) {
    assert.throws(
      () => readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR, OTEL_EXPORTER_OTLP_PROTOCOL: protocol }),
      /http\/json/,
    )
  }
})
