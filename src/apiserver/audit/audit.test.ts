import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type HttpRequest, rootScope } from '#base'
import type { UserInfo } from '../contract.ts'
import { type ParsedRequest, parseRequest } from '../router/request-info.ts'
import { AuditLog } from './audit-log.ts'
import { readAuditObject } from './audit-object.ts'
import { parseAuditPolicy } from './audit-policy.ts'
import { AuditRecord } from './audit-record.ts'

const scope = rootScope()
const user: UserInfo = { name: 'alice', groups: ['dev'], extra: {} }
const infoOf = (method: string, target: string): ParsedRequest => parseRequest(method, target) ?? assert.fail()

const policy = parseAuditPolicy(
  `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:kube-proxy]
  verbs: [watch]
- level: Metadata
  resources: [{group: "", resources: [secrets, "pods/*", "*/scale"]}]
- level: RequestResponse
  omitManagedFields: true
  namespaces: [a]
- level: Request
  nonResourceURLs: [/healthz*]
- level: None
`,
  'policy.yaml',
)

test('the first rule that fits decides', () => {
  const level = (method: string, target: string, by = user): string | undefined => policy.decide(infoOf(method, target), by)?.level
  assert.equal(level('GET', '/api/v1/pods?watch=1', { ...user, name: 'system:kube-proxy' }), undefined)
  assert.equal(level('GET', '/api/v1/namespaces/a/secrets/x'), 'Metadata')
  assert.equal(level('GET', '/api/v1/namespaces/b/pods/p/log'), 'Metadata')
  assert.equal(level('GET', '/api/v1/namespaces/b/pods/p'), 'Metadata', 'as in Kubernetes')
  assert.equal(level('GET', '/api/v1/namespaces/b/services/s'), undefined)
  assert.equal(level('GET', '/api/v1/namespaces/a/services/s'), 'RequestResponse')
  assert.equal(level('GET', '/healthz/etcd'), 'Request')
  assert.equal(level('GET', '/version'), undefined)
})

test('a policy that cannot be used is refused with the place', () => {
  const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n'
  for (const [text, message] of [
    ['kind: Other', /apiVersion must be/],
    [head, /at least one/],
    [`${head}rules: [{level: Loud}]`, /rules\[0\]\.level: use one of None/],
    [`${head}rules: [{level: None, namespaces: [a], nonResourceURLs: [/x]}]`, /not for both/],
    [`${head}rules: [{level: None, omitStages: [Never]}]`, /rules\[0\]\.omitStages/],
  ] as const)
    assert.throws(() => parseAuditPolicy(text, 'p.yaml'), message)
})

test('a record has what its level allows', () => {
  const events: Record<string, unknown>[] = []
  const info = infoOf('POST', '/api/v1/namespaces/a/configmaps')
  const request = {
    target: '/api/v1/namespaces/a/configmaps',
    headers: { 'user-agent': 't' },
    peer: { address: '::ffff:10.0.0.1', inProcess: false },
  }
  const decision = policy.decide(info, user) ?? assert.fail()
  const record = new AuditRecord(
    scope,
    { write: (event) => void events.push(event as Record<string, unknown>), close: async () => undefined },
    decision,
    {
      request: request as unknown as HttpRequest,
      info,
      user,
      auditId: 'id',
      read: readAuditObject,
    },
  )
  record.annotate('authorization.k8s.io/decision', 'allow')
  record.body(Buffer.from('{"metadata":{"name":"c","managedFields":[{}]}}'), 'application/json')
  record.answered({
    status: 409,
    headers: { 'content-type': 'application/json' },
    body: {
      kind: 'bytes',
      chunks: [Buffer.from('{"kind":"Status","status":"Failure","message":"taken","reason":"AlreadyExists","code":409}')],
    },
  })
  assert.equal(events.length, 1)
  const [event] = events
  assert.deepEqual(event?.['requestObject'], { metadata: { name: 'c' } })
  assert.deepEqual(event?.['responseStatus'], { metadata: {}, status: 'Failure', message: 'taken', reason: 'AlreadyExists', code: 409 })
  assert.deepEqual(
    [event?.['stage'], event?.['sourceIPs'], event?.['annotations']],
    ['ResponseComplete', ['10.0.0.1'], { 'authorization.k8s.io/decision': 'allow' }],
  )
})

test('a log that is large is put aside, and old ones go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-audit-'))
  const path = join(folder, 'audit.log')
  for (let at = 0; at < 4; at++) {
    const log = new AuditLog(scope, { path, maxBytes: 20, maxBackups: 1, maxAgeMs: 0 })
    log.write({ number: at, text: 'long enough' })
    await log.close()
  }
  const files = readdirSync(folder).sort()
  assert.equal(files.length, 2)
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).number, 3)
  rmSync(folder, { recursive: true })
})
