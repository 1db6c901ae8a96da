import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PartMemo, rootScope } from '#base'
import { type Resource, builtInResources, isShared, share, storedForm } from '#api'
import { manualClock } from '#testing'
import { keepStoredSpec, parseStored } from './stored-parts.ts'

const pods = builtInResources().find(({ plural }) => plural === 'pods') as Resource
const deployments = builtInResources().find(({ plural }) => plural === 'deployments') as Resource
const image = `registry.example.com/${'long/'.repeat(60)}image-é`

interface Read {
  readonly spec?: { readonly containers?: unknown }
  readonly metadata?: { readonly managedFields?: readonly { readonly fieldsV1?: unknown }[] }
}
const fields = { 'f:spec': Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f:field-${at}`, { 'k:{"a":"b"}': {} }])) }
const stored = (name: string, more: object = {}, metadata: object = {}): Buffer => {
  const entry = { manager: 'm', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: fields }
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, managedFields: [entry, { ...entry, subresource: 'status' }], ...metadata },
    spec: { containers: [{ name: 'c', image }] },
    ...more,
  }
  return Buffer.from(storedForm(pods.schema, object).text)
}

test('what is read is what the bytes say, and shared from the second time on', () => {
  const memo = new PartMemo(rootScope())
  const read: Read[] = []
  for (let at = 0; at < 4; at++) {
    const bytes = stored(`pod-${at}`, { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
    read.push(parseStored(memo, pods, bytes) as Read)
    assert.deepEqual(read[at], JSON.parse(bytes.toString()))
  }
  assert.equal(isShared(read[2]?.spec), true)
  assert.equal(read[2]?.spec, read[3]?.spec)
  assert.equal(isShared(read[2]?.metadata?.managedFields?.[1]?.fieldsV1), true)
  assert.notEqual(read[2], read[3])
})

test('a spec in another place, or a text that looks like one, is not taken for the spec', () => {
  const memo = new PartMemo(rootScope())
  const spec = { containers: [{ name: 'c', image, resources: {} }] }
  keepStoredSpec(memo, pods.schema, share(spec))
  const text = JSON.stringify(JSON.parse(stored('x').toString()).spec)
  const bodies = [
    `{"kind":"Pod","a":{"spec":${text}}}`,
    `{"kind":"Pod","a":{"spec":${text}},"spec":"${memo.token.slice(0, -1)}0"}`,
    `{"kind":"Pod","metadata":{"annotations":{"a":${JSON.stringify(`"spec":${text}`)}}}}`,
    `{"kind":"Pod","\\"spec":${text}}`,
    `{"kind":"Pod","metadata":{"managedFields":[]},"x":{"fieldsV1":${JSON.stringify(fields)}}}`,
  ]
  for (const body of [...bodies, ...bodies]) assert.deepEqual(parseStored(memo, pods, Buffer.from(body)), JSON.parse(body))
})

test('field sets with keys that look like their ends are read too', () => {
  const memo = new PartMemo(rootScope())
  const odd = { manager: 'm', fieldsV1: { 'f:x': { 'v:"}]"': {}, ...fields }, 'v:","subresource":"': {} } }
  for (let round = 0; round < 3; round++) {
    const bytes = stored('x', {}, { managedFields: [odd, odd] })
    assert.deepEqual(parseStored(memo, pods, bytes), JSON.parse(bytes.toString()))
  }
})

test('a text that this server would write otherwise is not shared', () => {
  const memo = new PartMemo(rootScope())
  // As Go escapes it.
  const body = stored('x').toString().replace('long/', '\\u006cong/')
  for (let round = 0; round < 3; round++) {
    const read = parseStored(memo, pods, Buffer.from(body)) as Read
    assert.equal(isShared(read.spec), false)
    assert.deepEqual(read, JSON.parse(body))
  }
})

test('specs of kinds that do not share them are their own', () => {
  const memo = new PartMemo(rootScope())
  for (let round = 0; round < 3; round++) assert.equal(isShared((parseStored(memo, deployments, stored('x')) as Read).spec), false)
})

test('what nobody asks for any more is forgotten', () => {
  const clock = manualClock()
  const memo = new PartMemo(rootScope({ clock }))
  const of = {}
  memo.keep(of, 'text', {})
  clock.advance(3_900)
  assert.notEqual(memo.find(of, 'text'), undefined)
  clock.advance(4_000)
  assert.notEqual(memo.find(of, 'text'), undefined)
  clock.advance(10_000)
  assert.equal(memo.find(of, 'text'), undefined)
})

test('no more is kept than is allowed, and what was asked for last stays', () => {
  const memo = new PartMemo(rootScope(), 100_000)
  const of = {}
  const text = (at: number): string => `${at}`.padStart(1000, '.')
  memo.keep(of, text(0), {})
  for (let at = 1; at < 100; at++) {
    memo.keep(of, text(at), {})
    assert.notEqual(memo.find(of, text(0)), undefined)
  }
  const kept = Array.from({ length: 100 }, (_, at) => at).filter((at) => memo.find(of, text(at)) !== undefined)
  assert.ok(kept.length <= 21, String(kept.length))
})
