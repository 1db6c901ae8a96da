import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MetricText, rootScope } from '#base'
import { eventually, manualClock } from '#testing/basics'
import { type Engine, openMemoryStore } from '#store'
import { parseEncryption } from './encryption-configuration.ts'
import { withEncryption } from './encryption.ts'

const scope = rootScope()

test('a first start makes a key for Secrets that only the owner can read, later ones use it', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sampan-encryption-'))
  const below = openMemoryStore(scope)
  await below.commit({ operations: [{ kind: 'put', key: '/registry/secrets/a/old', value: Buffer.from('{"before":1}') }] })
  const { engine: store } = await withEncryption(scope, below, { stateDir, file: undefined })
  await store.commit({ operations: [{ kind: 'put', key: '/registry/secrets/a/b', value: Buffer.from('{}') }] })
  for (const name of ['old', 'b'])
    assert.ok(
      Buffer.from((await below.get(`/registry/secrets/a/${name}`))?.value ?? [])
        .toString()
        .startsWith('k8s:enc:aesgcm:v1:key1:'),
    )
  const file = join(stateDir, 'encryption.yaml')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const before = readFileSync(file, 'utf8')
  const { engine: again } = await withEncryption(scope, below, { stateDir, file: undefined })
  assert.equal(readFileSync(file, 'utf8'), before)
  assert.equal(Buffer.from((await again.get('/registry/secrets/a/old'))?.value ?? []).toString(), '{"before":1}')
  rmSync(stateDir, { recursive: true })
})

test('a configuration names resources as Kubernetes does', () => {
  const rules = (resources: string): readonly string[] =>
    parseEncryption(
      `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [${resources}]\n  providers: [{identity: {}}]\n`,
      'e.yaml',
    ).flatMap(({ prefixes }) => prefixes)
  assert.deepEqual(rules('secrets, widgets.example.com, "*.*"'), ['/registry/secrets/', '/registry/example.com/widgets/', '/registry/'])
  assert.ok(rules('"*.apps"').includes('/registry/deployments/'))
  assert.throws(() => rules('nope'), /there is no resource nope/)
})

test('a configuration that cannot be used is refused with the place', () => {
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n'
  for (const [providers, message] of [
    ['  - kms: {}', /kms\.apiVersion: version v1 of the KMS API is not served/],
    ['  - kms: {apiVersion: v2, name: "a:b", endpoint: unix:///a}', /kms\.name: a text without ":"/],
    ['  - kms: {apiVersion: v2, name: a, endpoint: tcp://1.2.3.4:5}', /kms\.endpoint: the path of a unix socket/],
    ['  - kms: {apiVersion: v2, name: a, endpoint: unix:///a, cachesize: 1}', /kms\.cachesize: cachesize is not supported in v2/],
    ['  - kms: {apiVersion: v2, name: a, endpoint: unix:///a, timeout: 0s}', /kms\.timeout: timeout should be a positive value/],
    [
      '  - kms: {apiVersion: v2, name: a, endpoint: unix:///a}\n  - kms: {apiVersion: v2, name: a, endpoint: unix:///b}',
      /duplicate KMS provider name a/,
    ],
    ['  - vault: {}', /there is no provider vault/],
    ['  - secretbox: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}', /secretbox\.keys\[0\]\.secret: 32 bytes/],
    ['  - aesgcm: {keys: []}', /aesgcm\.keys: at least one/],
    ['  - aesgcm: {keys: [{name: a, secret: dG9vc2hvcnQ=}]}', /keys\[0\]\.secret/],
    ['    []', /providers: at least one/],
    ['  - aesgcm: {', /e\.yaml: yaml: line/],
  ] as const)
    assert.throws(() => parseEncryption(`${head}${providers}\n`, 'e.yaml'), message)
})

const keyText = (byte: number): string => Buffer.alloc(32, byte).toString('base64')
const configured = (...providers: readonly string[]): string =>
  `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n${providers.map((one) => `  - ${one}\n`).join('')}`
const aes = (name: string, byte: number): string => `aesgcm: {keys: [{name: ${name}, secret: ${keyText(byte)}}]}`

test('a configuration that changes is followed: keys come and go while the store is in use, and what cannot be used changes nothing', async (t) => {
  const clock = manualClock()
  const own = rootScope({ clock })
  const stateDir = mkdtempSync(join(tmpdir(), 'sampan-encryption-'))
  const file = join(stateDir, 'e.yaml')
  t.after(() => {
    own.cancel()
    rmSync(stateDir, { recursive: true })
  })
  const below = openMemoryStore(own)
  writeFileSync(file, configured(aes('one', 1)))
  const { engine: store, writeMetrics, healthChecks } = await withEncryption(own, below, { stateDir, file, reloads: true })
  const key = '/registry/secrets/a/b'
  const { revision } = await store.commit({ operations: [{ kind: 'put', key, value: Buffer.from('{"a":1}') }] })
  const read = async (engine: Engine, at?: number): Promise<string> => Buffer.from((await engine.get(key, at))?.value ?? []).toString()
  const keptWith = async (name: string): Promise<boolean> => (await read(below)).startsWith(`k8s:enc:aesgcm:v1:${name}:`)
  const metrics = (): string => {
    const text = new MetricText()
    writeMetrics(text)
    return text.toString()
  }
  const reloads = (status: string): number =>
    Number(new RegExp(`automatic_reloads_total{status="${status}"} (\\d+)`).exec(metrics())?.[1] ?? 0)
  /** Until it has been looked at. */
  const change = async (text: string, status: 'success' | 'failure'): Promise<void> => {
    const before = reloads(status)
    writeFileSync(file, text)
    clock.advance(10_000)
    await eventually('it has been looked at', () => reloads(status) > before)
  }
  await change(configured(aes('two', 2)), 'failure')
  await change(configured(aes('one', 9)), 'failure')
  await change('hello: world', 'failure')
  await change('apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: []\n', 'failure')
  assert.equal(await read(store), '{"a":1}')
  assert.ok(await keptWith('one'))
  await change(configured(aes('two', 2), aes('one', 1)), 'success')
  await eventually('it is written anew', () => keptWith('two'))
  assert.equal(await read(store), '{"a":1}')
  await change(configured(aes('two', 2)), 'success')
  assert.equal(await read(store, revision), '{"a":1}', 'history of before is still readable')
  await change(configured('identity: {}', aes('two', 2)), 'success')
  await eventually('it is plain', async () => (await read(below)) === '{"a":1}')
  assert.equal(reloads('success'), 3)
  assert.match(metrics(), /last_config_info\{hash="sha256:[0-9a-f]{64}"\} 1/)
  assert.match(
    metrics(),
    /transformation_operations_total\{resource="secrets",transformation_type="to_storage",transformer_prefix="k8s:enc:aesgcm:v1:two:",status="OK"\} 1/,
  )
  assert.deepEqual(
    healthChecks.map(({ name }) => name),
    ['kms-providers'],
  )
})
