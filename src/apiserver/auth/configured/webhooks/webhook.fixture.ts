import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Scope, createAuthority, issueLeaf } from '#base'

const DAY_MS = 86_400_000

interface Asked {
  readonly authorization: string | undefined
  readonly kind: string
  readonly apiVersion: string
  readonly spec: Readonly<Record<string, unknown>>
  /** Of lists. */
  readonly items?: readonly Readonly<Record<string, unknown>>[]
}
export interface TestWebhook {
  /** A kubeconfig that leads to it, with a token. */
  readonly kubeconfig: string
  readonly folder: string
  readonly asked: Asked[]
  /** What it answers from now on. */
  say(status: Readonly<Record<string, unknown>>, code?: number): void
}

/** A server over HTTPS that answers reviews. */
export async function testWebhook(t: TestContext, scope: Scope): Promise<TestWebhook> {
  const authority = await createAuthority(scope, 'webhook', DAY_MS)
  const { certificate, key } = await issueLeaf(scope, authority, {
    subject: { commonName: 'localhost' },
    usages: ['serverAuth'],
    names: ['127.0.0.1'],
    lifetimeMs: DAY_MS,
  })
  const asked: Asked[] = []
  let status: Readonly<Record<string, unknown>> = {}
  let code = 201
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Asked
      const { kind, apiVersion, spec, items } = review
      asked.push({ authorization: request.headers.authorization, kind, apiVersion, spec, ...(items === undefined ? {} : { items }) })
      response.writeHead(code, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...review, status }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = mkdtempSync(join(tmpdir(), 'webhook-'))
  t.after(() => {
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  const kubeconfig = join(folder, 'webhook.kubeconfig')
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'w', user: 'u' } }],
    clusters: [
      {
        name: 'w',
        cluster: {
          server: `https://127.0.0.1:${(server.address() as AddressInfo).port}/review`,
          'certificate-authority-data': Buffer.from(authority.certificate).toString('base64'),
        },
      },
    ],
    users: [{ name: 'u', user: { token: 'mine' } }],
  }
  writeFileSync(kubeconfig, JSON.stringify(document))
  return {
    kubeconfig,
    folder,
    asked,
    say(next, nextCode = 201) {
      status = next
      code = nextCode
    },
  }
}
