import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rootScope } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import { clientOf, wholeServer } from '#testing'
import { type RunningApiServer, startApiServer } from './apiserver.ts'

describe('a server that has started', () => {
  let scope: ReturnType<typeof rootScope>
  let stateDir: string
  let server: RunningApiServer
  let admin: Client

  before(async () => {
    scope = rootScope()
    stateDir = mkdtempSync(join(tmpdir(), 'sampan-start-'))
    server = await startApiServer(scope, { ...wholeServer(stateDir), told: { 'secure-port': '0', store: 'memory' } })
    admin = await clientOf(stateDir)
  })
  after(async () => {
    admin.close()
    await server.stop()
    scope.cancel()
    rmSync(stateDir, { recursive: true })
  })

  const get = async (path: string, accept = '*/*') => {
    const { status, headers, body } = await admin.raw(scope, { method: 'GET', path, headers: { accept } })
    return { status, type: headers['content-type'], warning: headers['warning'], text: Buffer.from(body).toString() }
  }

  test('names the steps of its start as kube-apiserver does, and each is a path', async () => {
    for (const path of ['/healthz', '/livez', '/readyz']) {
      const { text } = await get(`${path}?verbose`)
      const lines = text.trimEnd().split('\n')
      assert.equal(lines.filter((line) => line.startsWith('[+]poststarthook/') && line.endsWith(' ok')).length, 29, text)
      assert.ok(lines.includes('[+]autoregister-completion ok'))
      assert.equal(lines.includes('[+]shutdown ok'), path === '/readyz')
      assert.equal((await get(`${path}/poststarthook/rbac/bootstrap-roles`)).text, 'ok')
    }
    const { paths } = JSON.parse((await get('/')).text) as { paths: string[] }
    for (const path of ['/livez/poststarthook/crd-informer-synced', '/readyz/shutdown', '/metrics/slis', '/statusz', '/flagz'])
      assert.ok(paths.includes(path), path)
  })

  test('says in a Lease that it is there', async () => {
    const leases = admin.resource(refs.leases)
    const own = (await leases.list(scope, { namespace: 'kube-system' })).items.filter(
      ({ metadata }) => metadata?.labels?.['apiserver.kubernetes.io/identity'] === 'kube-apiserver',
    )
    assert.equal(own.length, 1)
    const { metadata, spec } = own[0] ?? {}
    assert.match(metadata?.name ?? '', /^apiserver-[a-z2-7]{26}$/)
    assert.match(spec?.holderIdentity ?? '', new RegExp(`^${metadata?.name}_[0-9a-f-]{36}$`))
    assert.equal(spec?.leaseDurationSeconds, 3600)
    assert.equal(metadata?.annotations?.['kubernetes.io/peer-advertise-address'], `192.0.2.1:${server.port}`)
  })

  test('says what it is and what it was told, to people and to programs', async () => {
    const people = await get('/statusz')
    assert.equal(people.type, 'text/plain; charset=utf-8')
    assert.match(
      people.text,
      /^\napiserver statusz\nWarning: .*\n\nStarted: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\nUp: 0 hr 00 min \d\d sec\n/,
    )
    const programs = await get(
      '/statusz',
      'application/json;as=Statusz;v=v1;g=config.k8s.io,application/json;as=Statusz;v=v1beta1;g=config.k8s.io',
    )
    assert.equal(programs.type, 'application/json;g=config.k8s.io;v=v1beta1;as=Statusz')
    const status = JSON.parse(programs.text) as Record<string, unknown>
    assert.deepEqual([status['kind'], status['apiVersion'], status['emulationVersion']], ['Statusz', 'config.k8s.io/v1beta1', '1.36'])
    const old = await get('/flagz', 'application/yaml;as=Flagz;v=v1alpha1;g=config.k8s.io')
    assert.equal(
      old.text,
      'apiVersion: config.k8s.io/v1alpha1\nflags:\n  secure-port: "0"\n  store: memory\nkind: Flagz\nmetadata:\n  name: apiserver\n',
    )
    assert.match(String(old.warning), /This version of the flagz endpoint is deprecated/)
    await assert.rejects(
      get('/flagz', 'application/json'),
      /only the following media types are accepted: application\/json, application\/yaml, text\/plain/,
    )
    await assert.rejects(get('/flagz', 'application/json;as=Statusz;v=v1beta1;g=config.k8s.io'), /only the following media types/)
  })
})
