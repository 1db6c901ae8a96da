import { join } from 'node:path'
import type { Scope } from '#base'
import { type ClaimMessage, type DriverService, driverMethods } from '../claims/driver-api.ts'
import { healthMethods } from '../claims/health-api.ts'
import { serveGrpc } from '../cri/grpc/serve.ts'
import { serveRegistration } from './fake-plugin.fixture.ts'

/** A driver of dynamic resources: makes every claim ready with one device. What it is asked is kept; it refuses while `error` says something. */
export interface FakeDriver {
  readonly asked: string[]
  error: string
  /** Told to who asks how its devices are, and at each `tell`. */
  devices: readonly object[]
  tell(): void
}

export async function fakeDriver(
  scope: Scope,
  rootDir: string,
  driver: string,
  service: DriverService = 'v1.DRAPlugin',
  /** Ends it as a kill would: its registration stays. */
  process: Scope = scope,
  { tellsHealth = false }: { readonly tellsHealth?: boolean } = {},
): Promise<FakeDriver> {
  const methods = driverMethods(service)
  const listeners = new Set<() => void>()
  const fake: FakeDriver = { asked: [], error: '', devices: [], tell: () => listeners.forEach((told) => told()) }
  async function* health(_: unknown, signal: AbortSignal): AsyncIterable<object> {
    while (!signal.aborted && !process.signal.aborted) {
      const next = Promise.withResolvers<void>()
      for (const source of [signal, process.signal]) source.addEventListener('abort', () => next.resolve(), { once: true })
      listeners.add(next.resolve)
      yield { devices: fake.devices }
      await next.promise
      listeners.delete(next.resolve)
    }
  }
  const endpoint = join(rootDir, `${driver}.sock`)
  const answer =
    (word: string, of: (claim: ClaimMessage) => object) =>
    async ({ claims }: { readonly claims: readonly ClaimMessage[] }): Promise<object> => {
      fake.asked.push(`${word} ${claims.map(({ name }) => name).join(' ')}`)
      return { claims: Object.fromEntries(claims.map((claim) => [claim.uid, fake.error === '' ? of(claim) : { error: fake.error }])) }
    }
  await serveGrpc(process, endpoint, [
    [
      methods.get('DRAPlugin/NodePrepareResources'),
      answer('prepare', ({ name }) => ({
        devices: [{ requestNames: ['gpu'], poolName: 'n1', deviceName: 'card', cdiDeviceIds: [`${driver}/gpu=${name}`] }],
      })),
    ],
    [methods.get('DRAPlugin/NodeUnprepareResources'), answer('unprepare', () => ({}))],
    ...(tellsHealth ? [[healthMethods().get('DRAResourceHealth/NodeWatchResources'), health] as const] : []),
  ])
  await serveRegistration(scope, join(rootDir, 'plugins_registry', `${driver}-reg.sock`), {
    type: 'DRAPlugin',
    name: driver,
    endpoint,
    supportedVersions: [service],
  })
  return fake
}
