import { type Scope, messageOf } from '#base'
import type { Client } from '#client'
import type { Counted } from './objects.ts'
import { trackName } from './route/shares.ts'
import type { Reading } from './window.ts'

const MOST_BUCKETS = 1000

/** The gateway's counts of both versions, by the API server. It says `blind` and why where there are none: that is no traffic of nothing. */
export async function readCounts(
  scope: Scope,
  client: Client,
  namespace: string,
  service: string,
): Promise<Reading | { readonly blind: string }> {
  try {
    const [next, control] = await Promise.all([
      readService(scope, client, namespace, trackName(service, 'next')),
      readService(scope, client, namespace, trackName(service, 'control')),
    ])
    if (next.instance !== control.instance) return { blind: 'the gateway has begun anew' }
    return { instance: next.instance, next: next.counted, control: control.counted, bounds: next.bounds }
  } catch (error) {
    scope.check()
    return { blind: `the gateway's counts cannot be read: ${messageOf(error)}` }
  }
}

interface ServiceCounts {
  readonly instance: string
  readonly counted: Counted
  readonly bounds: readonly number[]
}

async function readService(scope: Scope, client: Client, namespace: string, name: string): Promise<ServiceCounts> {
  const path = `/apis/measure.sampan.io/v1alpha1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(name)}`
  const { body } = await client.raw(scope, { method: 'GET', path, headers: { accept: 'application/json' } })
  const answer: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
  const { instance, requests, errors, durationSeconds } = objectIn(answer)
  const { bounds, counts } = objectIn(durationSeconds)
  if (typeof instance !== 'string' || !isCount(requests) || !isCount(errors)) throw new Error('the answer holds no counts')
  return { instance, counted: { requests, errors, buckets: numbersIn(counts) }, bounds: numbersIn(bounds) }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
const objectIn = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? { ...value } : {})

function numbersIn(value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length > MOST_BUCKETS || !value.every(isCount)) throw new Error('the answer holds no histogram')
  return value
}
