import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core, discovery } from '#api'
import { slice, web } from './model.fixture.ts'
import { KnownServers } from './servers.ts'

test('the same objects give the same value, and any other object a new one', () => {
  let service: core.Service | undefined = { spec: web }
  let slices: readonly discovery.EndpointSlice[] = [slice(['10.1.0.1'])]
  const servers = new KnownServers({ service: () => service, slices: () => [...slices] })
  const ask = (): unknown => {
    servers.begin()
    return servers.of('x/a', { number: 80 })
  }
  const first = ask()
  assert.equal(ask(), first)
  slices = [...slices, slice(['10.1.0.2'])]
  assert.deepEqual(ask(), { addresses: ['10.1.0.1:8080', '10.1.0.2:8080'] })
  slices = slices.slice(1)
  assert.deepEqual(ask(), { addresses: ['10.1.0.2:8080'] })
  service = undefined
  assert.match(JSON.stringify(ask()), /there is no Service/)
})
