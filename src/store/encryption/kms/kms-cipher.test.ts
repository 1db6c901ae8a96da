import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { rootScope } from '#base'
import { eventually, type ManualClock, manualClock } from '#testing/basics'
import { engineContract } from '../../contract/engine-contract.suite.ts'
import { openMemoryStore } from '../../memory/memory-store.ts'
import { CannotDecrypt, IDENTITY } from '../ciphers.ts'
import { EncryptedStore } from '../encrypted-store.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope.ts'
import { KeyServiceGone, KmsCipher } from './kms-cipher.ts'
import { KmsPlugin } from './plugin.ts'
import { type FakePlugin, startPlugin } from './plugin.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'sampan-kms-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let sockets = 0
const socket = (): string => join(folder, `${sockets++}.sock`)
const PLACE = '/registry/secrets/a/b'
const value = Buffer.from('{"kind":"Secret"}')
const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

interface World {
  readonly plugin: FakePlugin
  readonly clock: ManualClock
  readonly scope: ReturnType<typeof rootScope>
  readonly cipher: KmsCipher
  start(): Promise<KmsCipher>
}

async function world(body: (world: World) => Promise<void>): Promise<void> {
  const socketPath = socket()
  const plugin = await startPlugin(socketPath)
  // Wall time is the test's; how long a call may take is real.
  const manual = manualClock()
  const clock = { ...rootScope().clock, now: () => manual.now() }
  const scope = rootScope({ clock })
  const start = (): Promise<KmsCipher> => KmsCipher.start(scope, { name: 'vault', socketPath, timeoutMs: 2_000 })
  try {
    await body({ plugin, clock: manual, scope, cipher: await start(), start })
  } finally {
    scope.cancel()
    await plugin.close()
  }
}

describe('values sealed with secrets of a key service', () => {
  it('open at once where the secret is known, and by one question elsewhere', () =>
    world(async ({ cipher, plugin, start }) => {
      const stored = cipher.seal(value, PLACE)
      assert.ok(!textOf(stored).includes('Secret'))
      assert.deepEqual(cipher.open(stored, PLACE), value)
      assert.deepEqual({ ...plugin.calls }, { Status: 1, Encrypt: 1, Decrypt: 0 })
      const other = await start()
      const [one, two] = await Promise.all([other.open(stored, PLACE), other.open(stored, PLACE)])
      assert.deepEqual([textOf(one), textOf(two)], [textOf(value), textOf(value)])
      assert.equal(plugin.calls.Decrypt, 1)
      assert.deepEqual(other.open(stored, PLACE), value)
      assert.ok(other.isCurrent(stored))
    }))

  it('cannot be moved, changed, or be anything', () =>
    world(async ({ cipher }) => {
      const stored = cipher.seal(value, PLACE)
      assert.throws(() => cipher.open(stored, `${PLACE}2`), CannotDecrypt)
      const envelope = decodeEnvelope(stored)
      const sealed = Buffer.from(envelope.sealed)
      sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
      assert.throws(() => cipher.open(encodeEnvelope({ ...envelope, sealed }), PLACE), CannotDecrypt)
      for (const length of [1, 59]) {
        const short = encodeEnvelope({ ...envelope, sealed: envelope.sealed.subarray(0, length) })
        assert.throws(() => cipher.open(short, PLACE), CannotDecrypt)
      }
      for (const secret of [
        { ...envelope.secret, keyId: '' },
        { ...envelope.secret, keyId: 'x'.repeat(1025) },
        { ...envelope.secret, ciphertext: new Uint8Array(0) },
        { ...envelope.secret, annotations: { alone: Buffer.from('1') } },
        { ...envelope.secret, annotations: { 'a.example': Buffer.alloc(33_000) } },
      ])
        assert.throws(() => cipher.open(encodeEnvelope({ ...envelope, secret }), PLACE), CannotDecrypt)
      assert.throws(() => cipher.open(Buffer.from('junk'), PLACE), CannotDecrypt)
      const unknown = { ...envelope.secret, ciphertext: Buffer.from('never wrapped') }
      await assert.rejects(async () => cipher.open(encodeEnvelope({ ...envelope, secret: unknown }), PLACE), /failed to decrypt DEK/)
    }))

  it('are read in the older form too, and are then not current', () =>
    world(async ({ cipher, scope, plugin }) => {
      const key = Buffer.alloc(32, 7)
      const wrapped = await new KmsPlugin(scope, { socketPath: join(folder, `${sockets - 1}.sock`), timeoutMs: 2_000 }).encrypt(key)
      const nonce = Buffer.alloc(12, 1)
      const sealer = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(PLACE))
      const sealed = Buffer.concat([nonce, sealer.update(value), sealer.final(), sealer.getAuthTag()])
      const stored = encodeEnvelope({ sealed, secret: wrapped, use: 0 })
      assert.deepEqual(await cipher.open(stored, PLACE), value)
      assert.ok(!cipher.isCurrent(stored))
      assert.equal(plugin.calls.Decrypt, 1)
    }))

  it('are written under a new key as soon as the service names one, and anew at the next start', () =>
    world(async ({ cipher, plugin, scope, start }) => {
      const below = openMemoryStore(scope)
      const store = new EncryptedStore(below, [{ prefixes: ['/registry/secrets/'], ciphers: [cipher, IDENTITY] }])
      await store.commit({ operations: [{ kind: 'put', key: PLACE, value }] })
      plugin.keyId = 'key-2'
      const next = await start()
      const later = new EncryptedStore(below, [{ prefixes: ['/registry/secrets/'], ciphers: [next, IDENTITY] }])
      assert.equal(await later.renew(scope), 1)
      assert.equal(await later.renew(scope), 0)
      const raw = (await below.get(PLACE))?.value ?? assert.fail()
      assert.equal(decodeEnvelope(raw.subarray(next.prefix.length)).secret.keyId, 'key-2')
      assert.equal(textOf((await later.get(PLACE))?.value), textOf(value))
      // The other server still runs, and reads what this one has written.
      assert.equal(textOf((await store.get(PLACE))?.value), textOf(value))
    }))

  it('are not written any more when the service is not well for long, and can be read', () =>
    world(async ({ cipher, plugin, clock }) => {
      const stored = cipher.seal(value, PLACE)
      plugin.refuses = true
      clock.advance(170_000)
      assert.ok(cipher.seal(value, PLACE).length > 0)
      clock.advance(20_000)
      assert.throws(() => cipher.seal(value, PLACE), KeyServiceGone)
      assert.deepEqual(cipher.open(stored, PLACE), value)
    }))
})

describe('the health of a key service', () => {
  it('is asked at most every few seconds, and says what is wrong', () =>
    world(async ({ cipher, plugin }) => {
      for (let i = 0; i < 5; i++) await cipher.check()
      assert.equal(plugin.calls.Status, 1)
    }))

  it('is bad while it says so, or changes its version; a first key is all that is needed to begin', async () => {
    const socketPath = socket()
    const plugin = await startPlugin(socketPath)
    plugin.healthz = 'locked'
    const scope = rootScope()
    const cipher = await KmsCipher.start(scope, { name: 'vault', socketPath, timeoutMs: 2_000 })
    await assert.rejects(cipher.check(), /kmsv2 Provider vault is not healthy, error: got unexpected healthz status: locked/)
    assert.deepEqual(cipher.open(cipher.seal(value, PLACE), PLACE), value)
    scope.cancel()
    await plugin.close()
  })

  it('can be late: a server waits for the service that it needs', async () => {
    const socketPath = socket()
    const scope = rootScope()
    const starting = KmsCipher.start(scope, { name: 'vault', socketPath, timeoutMs: 2_000 })
    const plugin = await startPlugin(socketPath)
    const cipher = await starting
    assert.deepEqual(cipher.open(cipher.seal(value, PLACE), PLACE), value)
    await plugin.close()
    // A service that comes back is found again.
    const again = await startPlugin(socketPath)
    const other = await KmsCipher.start(scope, { name: 'vault', socketPath, timeoutMs: 2_000 })
    assert.deepEqual(await eventually('it opens', () => other.open(cipher.seal(value, PLACE), PLACE)), value)
    scope.cancel()
    await again.close()
  })
})

const contractSocket = socket()
const contractPlugin = await startPlugin(contractSocket)
after(() => contractPlugin.close())
engineContract(
  {
    name: 'memory with a key service',
    durable: false,
    home: () => ({
      open: async (scope) =>
        new EncryptedStore(openMemoryStore(scope), [
          { prefixes: [''], ciphers: [await KmsCipher.start(scope, { name: 'vault', socketPath: contractSocket, timeoutMs: 2_000 })] },
        ]),
      remove: async () => undefined,
    }),
  },
  { propertyRuns: 10 },
)

describe('a store that goes over to a key service while it is in use', () => {
  it('reads what was there, writes anew, and refuses a service that cannot open what is stored', () =>
    world(async ({ cipher, scope }) => {
      const below = openMemoryStore(scope)
      const prefixes = ['/registry/secrets/']
      const store = new EncryptedStore(below, [{ prefixes, ciphers: [IDENTITY] }])
      await store.commit({ operations: [{ kind: 'put', key: PLACE, value }] })
      await store.replace(scope, [{ prefixes, ciphers: [cipher, IDENTITY] }])
      assert.equal(await store.renew(scope), 1)
      assert.ok(textOf((await below.get(PLACE))?.value).startsWith('k8s:enc:kms:v2:vault:'))
      assert.equal(textOf((await store.get(PLACE))?.value), textOf(value))
      const socketPath = socket()
      const stranger = await startPlugin(socketPath)
      stranger.keyId = 'key-of-somebody-else'
      const wrong = await KmsCipher.start(scope, { name: 'other', socketPath, timeoutMs: 2_000 })
      await assert.rejects(store.replace(scope, [{ prefixes, ciphers: [wrong] }]), CannotDecrypt)
      await assert.rejects(store.replace(scope, []), CannotDecrypt)
      assert.equal(textOf((await store.get(PLACE))?.value), textOf(value))
      await store.replace(scope, [{ prefixes, ciphers: [wrong, cipher] }])
      assert.equal(await store.renew(scope), 1)
      assert.ok(textOf((await below.get(PLACE))?.value).startsWith('k8s:enc:kms:v2:other:'))
      await stranger.close()
    }))
})
