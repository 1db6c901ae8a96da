import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refs } from '#api'
import { testApiServer } from '#testing'
import { eventually } from '#testing/basics'
import { keepFlowControlDefaults, revise } from './keep-defaults.ts'

test('what was deleted comes back, what somebody has taken over stays changed', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { reader, writer, follow } = api.server
  await keepFlowControlDefaults(api.scope, reader, writer, follow)
  assert.equal(reader.list(refs.flowschemas).length, 11)
  assert.equal(reader.list(refs.prioritylevelconfigurations).length, 8)
  const before = reader.get(refs.flowschemas, '', 'exempt')?.metadata?.uid
  await writer.delete(api.scope, refs.flowschemas, '', 'exempt')
  await eventually('the flow schema is back', () => {
    const uid = reader.get(refs.flowschemas, '', 'exempt')?.metadata?.uid
    return uid !== undefined && uid !== before
  })
})

test('the annotation says whether a spec is kept; without one, that nobody has changed it', () => {
  const AUTO = 'apf.kubernetes.io/autoupdate-spec'
  const wanted = { metadata: { name: 'a', annotations: { [AUTO]: 'true' } }, spec: { x: 1 } }
  const stored = (annotation: string | undefined, generation: number): typeof wanted & { metadata: { generation: number } } => ({
    metadata: { name: 'a', generation, annotations: (annotation === undefined ? {} : { [AUTO]: annotation }) as { [AUTO]: string } },
    spec: { x: 2 },
  })
  assert.deepEqual(revise(stored('true', 3), wanted, false)?.spec, { x: 1 })
  assert.equal(revise(stored('false', 3), wanted, false), undefined)
  assert.deepEqual(revise(stored(undefined, 1), wanted, false)?.spec, { x: 1 })
  const mine = revise(stored(undefined, 2), wanted, false)
  assert.deepEqual([mine?.spec, mine?.metadata.annotations[AUTO]], [{ x: 2 }, 'false'])
  assert.deepEqual(revise(stored('false', 3), wanted, true)?.spec, { x: 1 })
})
