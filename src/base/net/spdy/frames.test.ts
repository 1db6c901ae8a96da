import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync, constants } from 'node:zlib'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { DICTIONARY } from './dictionary.ts'
import { type Frame, FrameReader, SpdyProtocolError, encodeFrame } from './frames.ts'
import { HeaderReader, HeaderWriter } from './headers.ts'

const id = fc.integer({ min: 1, max: 0x7fffffff })
const bytes = fc.uint8Array({ maxLength: 300 })
const frame = fc.oneof(
  fc
    .record({ streamId: id, block: bytes })
    .map(({ streamId, block }) => ({ wire: encodeFrame.synStream(streamId, block), type: 'syn-stream', streamId, content: block })),
  fc
    .record({ streamId: id, block: bytes })
    .map(({ streamId, block }) => ({ wire: encodeFrame.synReply(streamId, block), type: 'syn-reply', streamId, content: block })),
  fc.record({ streamId: id, data: bytes, fin: fc.boolean() }).map(({ streamId, data, fin }) => ({
    wire: Buffer.concat([encodeFrame.dataHead(streamId, data.length, fin), data]),
    type: 'data',
    streamId,
    content: data,
  })),
  id.map((streamId) => ({ wire: encodeFrame.rstStream(streamId, 5), type: 'rst-stream', streamId, content: new Uint8Array() })),
)

/** DATA that came in pieces as one. */
function joined(frames: readonly Frame[]): { type: string; streamId: number; content: string }[] {
  const out: { type: string; streamId: number; content: string }[] = []
  let open = false
  for (const one of frames) {
    if (one.type === 'ping' || one.type === 'goaway') continue
    const content = one.type === 'data' ? one.data : one.type === 'rst-stream' ? new Uint8Array() : one.block
    const last = out.at(-1)
    if (one.type === 'data' && open && last?.streamId === one.streamId && last.type === 'data')
      last.content += Buffer.from(content).toString('hex')
    else out.push({ type: one.type, streamId: one.streamId, content: Buffer.from(content).toString('hex') })
    open = one.type === 'data'
  }
  return out
}

describe('SPDY frames', () => {
  it('are read as they were written, wherever the connection cuts them', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (frames, cuts) => {
        const wire = Buffer.concat(frames.map((one) => one.wire))
        const reader = new FrameReader()
        const found: Frame[] = []
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1
          found.push(...reader.read(wire.subarray(at, at + size)))
          at += size
        }
        const whole = [...new FrameReader().read(wire)]
        assert.deepEqual(joined(found), joined(whole))
        assert.deepEqual(
          whole.map((one) => one.type),
          frames.map((one) => one.type),
        )
      }),
      propertyRuns(200),
    )
  })

  it('of another version, or too long, end the session', () => {
    assert.throws(() => [...new FrameReader().read(Buffer.from('8002000100000000', 'hex'))], SpdyProtocolError)
    assert.throws(() => [...new FrameReader().read(Buffer.from('8003000100ffffff', 'hex'))], SpdyProtocolError)
    assert.throws(() => [...new FrameReader().read(Buffer.from('800300010000000100', 'hex'))], SpdyProtocolError)
  })
})

describe('SPDY headers', () => {
  it('start from the dictionary of the specification', () => {
    assert.equal(DICTIONARY.length, 1423)
    assert.equal(deflateSync('x', { dictionary: DICTIONARY }).subarray(0, 6).toString('hex'), '78bbe3c6a7c2')
  })

  it('are read as they were written, block after block', async () => {
    const writer = new HeaderWriter()
    const reader = new HeaderReader()
    for (const headers of [{ streamtype: 'data', port: '80' }, {}, { long: 'x'.repeat(60_000) }, { a: 'ä' }])
      assert.deepEqual(await reader.read(writer.write(headers)), headers)
    reader.close()
  })

  it('that were compressed with the dictionary are read', async () => {
    const plain = Buffer.from('0000000100000004686f737400000002686f', 'hex')
    const reader = new HeaderReader()
    assert.deepEqual(await reader.read(deflateSync(plain, { dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH })), { host: 'ho' })
    reader.close()
  })

  it('that unpack to too much, or are no headers, are refused', async () => {
    await assert.rejects(
      new HeaderReader().read(deflateSync(Buffer.alloc(10_000_000), { finishFlush: constants.Z_SYNC_FLUSH })),
      SpdyProtocolError,
    )
    await assert.rejects(new HeaderReader().read(Buffer.from('rubbish')), SpdyProtocolError)
    await assert.rejects(
      new HeaderReader().read(deflateSync(Buffer.from('ffffffff', 'hex'), { finishFlush: constants.Z_SYNC_FLUSH })),
      SpdyProtocolError,
    )
  })
})
