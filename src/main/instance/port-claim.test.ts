import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { claimPort, holdPort } from './port-claim.ts'

test('clusters that start at the same time get different ports', async () => {
  const { port: wanted } = await (async () => {
    using free = await claimPort(0, { orAny: true })
    return free
  })()
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimPort(wanted, { orAny: true })))
  try {
    assert.equal(new Set(claims.map(({ port }) => port)).size, claims.length)
  } finally {
    for (const claim of claims) claim[Symbol.dispose]()
  }
})

test('a port that is claimed, or listened at, is nobody else’s; one that was let go is', async () => {
  const claim = await claimPort(0, { orAny: true })
  const { port } = claim
  await assert.rejects(claimPort(port, { orAny: false }), /is taken/)
  assert.equal(await holdPort(port), undefined)
  claim[Symbol.dispose]()
  using again = await claimPort(port, { orAny: false })
  assert.equal(again.port, port)
  again[Symbol.dispose]()

  const other = createServer()
  await new Promise<void>((listening) => other.listen(port, '127.0.0.1', listening))
  await assert.rejects(claimPort(port, { orAny: false }), /is taken/)
  using elsewhere = await claimPort(port, { orAny: true })
  assert.notEqual(elsewhere.port, port)
  // Of a cluster that is there the port is held all the same: it is its own server that listens.
  using held = await holdPort(port)
  assert.equal(held?.port, port)
  await new Promise((closed) => other.close(closed))
})
