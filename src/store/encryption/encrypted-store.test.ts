import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { rootScope } from '#base'
import { engineContract } from '../contract/engine-contract.suite.ts'
import { openMemoryStore } from '../memory/memory-store.ts'
import { CannotDecrypt, type Cipher, IDENTITY, aesCbc, aesGcm } from './ciphers.ts'
import { EncryptedStore } from './encrypted-store.ts'
import { secretBox } from './secretbox.ts'

const key = (name: string): { name: string; secret: Uint8Array } => ({ name, secret: randomBytes(32) })
const gcm = (name: string): Cipher => aesGcm(key(name), randomBytes)
const SECRETS = '/registry/secrets/'

const everything = gcm('all')
engineContract(
  {
    name: 'encrypted memory',
    durable: false,
    home: () => ({
      open: async (scope) => new EncryptedStore(openMemoryStore(scope), [{ prefixes: [''], ciphers: [everything] }]),
      remove: async () => undefined,
    }),
  },
  { propertyRuns: 20 },
)

describe('values at rest', () => {
  const scope = rootScope()
  const put = (engine: { commit: EncryptedStore['commit'] }, name: string, text: string): Promise<unknown> =>
    engine.commit({ operations: [{ kind: 'put', key: name, value: Buffer.from(text) }] })
  const textOf = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString()

  it('lie under the prefix in the first cipher, and as they are elsewhere', async () => {
    const below = openMemoryStore(scope)
    const store = new EncryptedStore(below, [{ prefixes: [SECRETS], ciphers: [gcm('k1'), IDENTITY] }])
    await put(store, `${SECRETS}a/b`, 'hidden')
    await put(store, '/registry/pods/a/b', 'open')
    const raw = textOf((await below.get(`${SECRETS}a/b`))?.value)
    assert.ok(raw.startsWith('k8s:enc:aesgcm:v1:k1:') && !raw.includes('hidden'))
    assert.equal(textOf((await below.get('/registry/pods/a/b'))?.value), 'open')
    assert.equal(textOf((await store.get(`${SECRETS}a/b`))?.value), 'hidden')
  })

  it('are written anew when another key comes first, and stay readable all the time', async () => {
    const below = openMemoryStore(scope)
    const [old, next] = [aesCbc(key('old'), randomBytes), gcm('next')]
    await put(below, `${SECRETS}a/plain`, 'one')
    await put(new EncryptedStore(below, [{ prefixes: [SECRETS], ciphers: [old] }]), `${SECRETS}a/cbc`, 'two')
    const store = new EncryptedStore(below, [{ prefixes: [SECRETS], ciphers: [next, old, IDENTITY] }])
    assert.equal(await store.renew(scope), 2)
    assert.equal(await store.renew(scope), 0)
    for (const [name, text] of [
      ['plain', 'one'],
      ['cbc', 'two'],
    ] as const) {
      assert.ok(textOf((await below.get(`${SECRETS}a/${name}`))?.value).startsWith(next.prefix))
      assert.equal(textOf((await store.get(`${SECRETS}a/${name}`))?.value), text)
    }
  })

  it('cannot be moved to another key, changed, or read without their key', async () => {
    const below = openMemoryStore(scope)
    const cipher = gcm('k')
    const store = new EncryptedStore(below, [{ prefixes: [SECRETS], ciphers: [cipher] }])
    await put(store, `${SECRETS}a/b`, 'hidden')
    const raw = (await below.get(`${SECRETS}a/b`))?.value ?? assert.fail()
    await below.commit({ operations: [{ kind: 'put', key: `${SECRETS}a/moved`, value: raw }] })
    const changed = Buffer.from(raw)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    await below.commit({ operations: [{ kind: 'put', key: `${SECRETS}a/changed`, value: changed }] })
    for (const name of ['moved', 'changed']) assert.throws(() => store.get(`${SECRETS}a/${name}`), CannotDecrypt)
    const without = new EncryptedStore(below, [{ prefixes: [SECRETS], ciphers: [gcm('other')] }])
    assert.throws(() => without.get(`${SECRETS}a/b`), CannotDecrypt)
  })

  it('are sealed by secretbox as NaCl seals them', () => {
    const secret = Buffer.from('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389', 'hex')
    const nonce = Buffer.from('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37', 'hex')
    const box = secretBox({ name: 'k', secret }, () => nonce)
    // The example of NaCl's own documentation begins so.
    const sealed = Buffer.from(box.seal(Buffer.from('be075fc53c81f2d5cf141316', 'hex'), 'a'))
    assert.equal(sealed.subarray(24 + 16).toString('hex'), '8e993b9f48681273c29650ba')
    assert.equal(Buffer.from(box.open(sealed, 'b') as Uint8Array).toString('hex'), 'be075fc53c81f2d5cf141316')
    sealed[30] = (sealed[30] ?? 0) ^ 1
    assert.throws(() => box.open(sealed, 'a'), CannotDecrypt)
    assert.throws(() => box.open(sealed.subarray(0, 39), 'a'), CannotDecrypt)
  })
})
