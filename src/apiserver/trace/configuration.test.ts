import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTracing } from './configuration.ts'

const read = (more: string, version = 'v1'): ReturnType<typeof readTracing> =>
  readTracing(`apiVersion: apiserver.config.k8s.io/${version}\nkind: TracingConfiguration\n${more}`, 'tracing.yaml')

test('a TracingConfiguration names the collector as gRPC does, and how much is recorded', () => {
  assert.deepEqual(read(''), { collector: { url: 'http://localhost:4317' }, perMillion: 0 })
  assert.equal(read('samplingRatePerMillion: 100', 'v1beta1').perMillion, 100)
  const collectors: Record<string, unknown> = {
    'collector.example:14317': { url: 'http://collector.example:14317' },
    'collector:80': { url: 'http://collector:80' },
    '10.0.0.1': { url: 'http://10.0.0.1:4317' },
    'dns:///collector:4318': { url: 'http://collector:4318' },
    'dns:collector:4318': { url: 'http://collector:4318' },
    'unix:///run/otel.sock': { socketPath: '/run/otel.sock' },
    'unix:run/otel.sock': { socketPath: 'run/otel.sock' },
    'unix-abstract:otel': { socketPath: '\0otel' },
  }
  for (const [endpoint, collector] of Object.entries(collectors))
    assert.deepEqual(read(`endpoint: "${endpoint}"`).collector, collector, endpoint)
})

test('what would not be honoured is refused by name', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['samplingRatePerMillion: -1', /samplingRatePerMillion: Invalid value: -1: sampling rate must be positive/],
    ['samplingRatePerMillion: 1000001', /sampling rate per million must be less than or equal to one million/],
    ['samplingRatePerMillion: 0.5', /must be an integer/],
    ['endpoint: https://collector:4317', /endpoint: .*unsupported scheme: https\. {2}Options are none, dns, unix, or unix-abstract/],
    ['endpoint: dns://8.8.8.8/collector:4317', /endpoint/],
    ['endpoint: "a/b:1"', /endpoint/],
    ['endpoint: "unix:"', /endpoint/],
    ['tls: true', /unknown field "tls"/],
  ]
  for (const [text, message] of refusals) assert.throws(() => read(text), message, text)
  assert.throws(() => read('', 'v2'), /apiVersion must be/)
})
