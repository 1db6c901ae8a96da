import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readElsewhere, stubFor } from './stub-domains.ts'

const read = (data: Record<string, string>): ReturnType<typeof readElsewhere> => readElsewhere(data, 'cluster.local')

test('stub domains and servers for the rest', () => {
  const { stubs, upstreams, problems } = read({
    stubDomains: '{"Acme.local.": ["10.0.0.1", "10.0.0.2:5353"]}',
    upstreamNameservers: '["192.0.2.1"]',
  })
  assert.deepEqual(
    [...stubs],
    [
      [
        'acme.local',
        [
          { address: '10.0.0.1', port: 53 },
          { address: '10.0.0.2', port: 5353 },
        ],
      ],
    ],
  )
  assert.deepEqual(upstreams, [{ address: '192.0.2.1', port: 53 }])
  assert.deepEqual(problems, [])
})

test('what is wrong is named, and the rest counts', () => {
  const { stubs, upstreams, problems } = read({
    stubDomains:
      '{"svc.cluster.local": ["10.0.0.1"], "a b": ["10.0.0.1"], "x": "10.0.0.1", "y": ["host"], "z": ["10.0.0.1:0"], "good": ["10.0.0.9"]}',
    upstreamNameservers: '[1',
  })
  assert.deepEqual([...stubs.keys()], ['good'])
  assert.equal(upstreams, undefined)
  assert.deepEqual(problems, [
    "stubDomains: svc.cluster.local: the cluster's own",
    'stubDomains: a b: not a domain',
    'stubDomains: x: not a list of addresses',
    'stubDomains: y: host: not an IPv4 address, with or without a port',
    'stubDomains: z: 10.0.0.1:0: not an IPv4 address, with or without a port',
    'upstreamNameservers: not JSON',
  ])
  assert.deepEqual(read({ stubDomains: '[]' }).problems, ['stubDomains: not an object of lists'])
})

test('the longest domain wins', () => {
  const stubs = new Map([
    ['local', 1],
    ['acme.local', 2],
  ])
  assert.equal(stubFor('www.ACME.local.', stubs), 'acme.local')
  assert.equal(stubFor('other.local', stubs), 'local')
  assert.equal(stubFor('acme.localhost', stubs), undefined)
})
