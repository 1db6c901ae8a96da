import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfValue, labelsText, metadataOffset, replaceResourceVersion, withRevision } from './wire.ts'

const stored = Buffer.from(
  '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","annotations":{"labels":"{\\"x\\":1}","k":"\\"labels\\":{"},"labels":{"a":"1","b":"}\\"{"},"managedFields":[{"fieldsV1":{"f:metadata":{"f:labels":{}}}}]},"data":{"labels":"no"}}',
)

test('the resourceVersion is put in, and replaced by one of another length', () => {
  const first = withRevision(stored, 99)
  assert.equal(JSON.parse(first.toString()).metadata.resourceVersion, '99')
  const second = replaceResourceVersion(first, 100)
  assert.deepEqual(JSON.parse(second.toString()), {
    ...JSON.parse(stored.toString()),
    metadata: { ...JSON.parse(stored.toString()).metadata, resourceVersion: '100' },
  })
  assert.equal(
    JSON.parse(withRevision(Buffer.from('{"kind":"A","apiVersion":"v1","metadata":{}}'), 7).toString()).metadata.resourceVersion,
    '7',
  )
})

test('labels are those of the metadata and of nothing that looks like it', () => {
  assert.deepEqual(JSON.parse(labelsText(withRevision(stored, 5))), { a: '1', b: '}"{' })
  assert.equal(labelsText(Buffer.from('{"kind":"A","apiVersion":"v1","metadata":{"name":"x"},"spec":{"labels":{"a":"b"}}}')), '')
  assert.equal(labelsText(Buffer.from('{"kind":"A","apiVersion":"v1","metadata":{"name":"x","generation":3,"labels":{}}}')), '{}')
})

test('values end where their brackets close', () => {
  const at = metadataOffset(stored) + '"metadata":'.length
  assert.deepEqual(JSON.parse(stored.subarray(at, endOfValue(stored, at)).toString()), JSON.parse(stored.toString()).metadata)
})
