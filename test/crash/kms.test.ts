import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { freePort } from '#testing/basics'
import { ServerProcess } from './api/server-process.ts'

const KEY_SERVICE = join(import.meta.dirname, 'kms/key-service.ts')
const SECRETS = '/api/v1/namespaces/default/secrets'
const WORD = 'correct horse battery staple'
const VALUE = Buffer.from(WORD).toString('base64')

describe('a server whose Secrets are sealed by a key service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-kms-crash-'))
  const [socket, keys, configuration] = ['kms.sock', 'keys', 'encryption.yaml'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  let service: ChildProcess | undefined
  let server: ServerProcess | undefined
  after(async () => {
    service?.kill('SIGKILL')
    await server?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  const startService = (): void => {
    service = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', KEY_SERVICE, socket, keys], { stdio: 'inherit' })
  }
  const killService = async (): Promise<void> => {
    assert.ok(service !== undefined && service.exitCode === null, 'the key service is there')
    const gone = once(service, 'exit')
    service.kill('SIGKILL')
    await gone
  }
  const secret = (name: string): object => ({ metadata: { name }, data: { word: VALUE } })
  const wordOf = async (at: ServerProcess, name: string): Promise<unknown> =>
    (JSON.parse((await at.must('GET', `${SECRETS}/${name}`)).body) as { data?: { word?: string } }).data?.word
  /** All that lies on the disk, as text. */
  const onDisk = (): string => {
    const state = join(folder, 'server', 'state')
    const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n')
  }

  it('reads them with the service, after it, and with the keys that it has changed', async () => {
    const provider = { kms: { apiVersion: 'v2', name: 'vault', endpoint: `unix://${socket}`, timeout: '3s' } }
    const resources = [{ resources: ['secrets'], providers: [provider, { identity: {} }] }]
    writeFileSync(configuration, JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources }))
    writeFileSync(keys, 'key-of-monday\n')
    startService()
    server = new ServerProcess(join(folder, 'server'), await freePort(), ['--encryption-provider-config', configuration])
    await server.start()
    await server.must('POST', SECRETS, secret('one'))
    assert.equal(await wordOf(server, 'one'), VALUE)
    assert.ok(!onDisk().includes(WORD) && !onDisk().includes(VALUE), 'nobody can read it on the disk')
    assert.ok(onDisk().includes('key-of-monday'))

    // What was read before is read without the service too, and more is written with the secret that is known.
    await killService()
    assert.equal(await wordOf(server, 'one'), VALUE)
    await server.must('POST', SECRETS, secret('two'))

    // A server that starts meanwhile serves nothing until the service is back, with a new key beside the old one.
    await server.kill()
    const starting = server.start()
    const early = await Promise.race([starting.then(() => 'ready'), new Promise((resolve) => setTimeout(resolve, 1500, 'waits'))])
    assert.equal(early, 'waits')
    writeFileSync(keys, 'key-of-monday\nkey-of-tuesday\n')
    startService()
    await starting
    assert.equal(await wordOf(server, 'one'), VALUE)
    assert.equal(await wordOf(server, 'two'), VALUE)
    await server.must('POST', SECRETS, secret('three'))
    assert.ok(onDisk().includes('key-of-tuesday'))

    // The start has written all of them anew: the old key can go, whatever happens to the server then.
    writeFileSync(keys, 'key-of-tuesday\n')
    await server.kill()
    await server.start()
    for (const name of ['one', 'two', 'three']) assert.equal(await wordOf(server, name), VALUE)
    assert.ok(!onDisk().includes(WORD) && !onDisk().includes(VALUE))
  })
})
