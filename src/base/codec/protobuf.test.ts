import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { ProtobufError, ProtobufReader, ProtobufWriter, WIRE } from './protobuf.ts'

test('numbers, texts and messages come back as they went', () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true }),
      fc.uint8Array({ maxLength: 3000 }),
      (int, text, double, bytes) => {
        const writer = new ProtobufWriter()
        writer.bytes(bytes)
        writer.tag(4, WIRE.bytes)
        writer.double(double)
        writer.tag(3, WIRE.fixed64)
        writer.message(() => {
          writer.string(text)
          writer.tag(1, WIRE.bytes)
        })
        writer.tag(2, WIRE.bytes)
        writer.int(int)
        writer.tag(1, WIRE.varint)
        const reader = new ProtobufReader(writer.finish())
        assert.deepEqual(reader.tag(), { number: 1, wire: WIRE.varint })
        assert.equal(reader.int(), int)
        assert.deepEqual(reader.tag(), { number: 2, wire: WIRE.bytes })
        const inner = reader.message()
        inner.tag()
        assert.equal(inner.string(), text.toWellFormed())
        reader.tag()
        assert.equal(reader.double(), double)
        reader.tag()
        assert.deepEqual(reader.bytes(), bytes)
        assert.equal(reader.done, true)
      },
    ),
    propertyRuns(100),
  )
})

test('fields that are not known can be skipped', () => {
  const reader = new ProtobufReader(Uint8Array.of(0x08, 0x96, 0x01, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a, 1, 0, 0x25, 1, 2, 3, 4))
  const wires = []
  while (!reader.done) {
    const { wire } = reader.tag()
    wires.push(wire)
    reader.skip(wire)
  }
  assert.deepEqual(wires, [WIRE.varint, WIRE.fixed64, WIRE.bytes, WIRE.fixed32])
})

test('bad bytes are refused', () => {
  assert.throws(() => new ProtobufReader(Uint8Array.of(0x80)).uint(), ProtobufError)
  assert.throws(() => new ProtobufReader(new Uint8Array(11).fill(0xff)).uint(), ProtobufError)
  assert.throws(() => new ProtobufReader(Uint8Array.of(5, 1)).bytes(), ProtobufError)
  assert.throws(() => new ProtobufReader(Uint8Array.of(0x0b)).tag(), ProtobufError)
  assert.throws(() => new ProtobufReader(Uint8Array.of(0x00)).tag(), ProtobufError)
})
