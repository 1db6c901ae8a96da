import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { BadAnswer } from '../errors.ts'
import { framesOf, parseFrame, parseLeanFrame } from './frames.ts'

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[turn % sizes.length] ?? 1)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function read(bytes: Uint8Array, sizes: readonly number[]): Promise<string[]> {
  const frames: string[] = []
  for await (const frame of framesOf(cut(bytes, sizes))) frames.push(Buffer.from(frame).toString('utf8'))
  return frames
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 })

test('frames are the same however the stream is cut, and the rest of one that was cut off is none', async () => {
  const events = fc.array(fc.record({ type: fc.string(), object: fc.jsonValue({ stringUnit: 'grapheme' }) }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(events, sizes, fc.nat({ max: 12 }), async (all, at, lost) => {
      const lines = all.map((event) => JSON.stringify(event))
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      assert.deepEqual(await read(bytes, at), lines)
      const whole = (await read(bytes.subarray(0, Math.max(0, bytes.length - lost)), at)).length
      assert.ok(whole <= lines.length)
      assert.deepEqual(
        (await read(bytes, at)).map((line) => parseFrame(Buffer.from(line)).type),
        all.map(({ type }) => type),
      )
    }),
    propertyRuns(100),
  )
})

test('whatever comes as a frame is one, or a bad answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 50 }),
        fc.json().map((text) => Buffer.from(`${text}\n`)),
      ),
      sizes,
      async (bytes, at) => {
        for await (const frame of framesOf(cut(bytes, at))) {
          try {
            parseFrame(frame)
          } catch (error) {
            assert.ok(error instanceof BadAnswer, String(error))
          }
        }
      },
    ),
    propertyRuns(300),
  )
})

const managed = (managers: readonly object[]): object => ({ name: 'a', labels: { note: '}]},"managedFields":[' }, managedFields: managers })
const FIELDS = { 'f:spec': { 'k:{"port":80}': { '.': {} }, 'v:{"a":[{}]}': {}, 'v:{"a":{"b":[{}]}}': {} } }

test('a lean frame lacks the managers of its object and nothing else, whatever stands in them', () => {
  const inner = { template: { metadata: { managedFields: [{ manager: 'kept' }] } } }
  for (const object of [
    { kind: 'A', metadata: managed([{ manager: 'x', fieldsV1: FIELDS }]), spec: inner },
    {
      kind: 'A',
      metadata: managed([
        { manager: '}]},', operation: '}]}}' },
        { manager: '"}]}', fieldsV1: FIELDS },
      ]),
    },
    { kind: 'A', metadata: { ...managed([{ manager: 'x' }]), last: 'not where it is thought to be' } },
    { kind: 'A', metadata: { ...managed([{ manager: 'x', fieldsV1: FIELDS }]), name: 'after' }, spec: { list: [{ a: 1 }] }, status: {} },
    { kind: 'A', metadata: managed([]), spec: inner },
    { kind: 'A', metadata: { ...managed([]), name: 'after' }, spec: { list: [{ a: 1 }] }, status: {} },
    { kind: 'A', metadata: { name: 'none' }, spec: inner },
  ]) {
    const frame = Buffer.from(JSON.stringify({ type: 'ADDED', object }))
    const lean = parseLeanFrame(frame)
    const whole = parseFrame(frame)
    for (const { metadata } of [lean.object, whole.object] as { metadata: { managedFields?: unknown } }[]) delete metadata.managedFields
    assert.deepEqual(lean, whole)
  }
  const plain = Buffer.from(
    JSON.stringify({ type: 'ADDED', object: { metadata: managed([{ manager: 'x', fieldsV1: { 'f:spec': {} } }]) } }),
  )
  assert.equal('managedFields' in (parseLeanFrame(plain).object as { metadata: object }).metadata, false)
})
