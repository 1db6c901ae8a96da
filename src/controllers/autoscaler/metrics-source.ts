import { type Scope, messageOf } from '#base'
import { type autoscaling, type meta, isNotFound, labelSelectorOf, parseDuration, quantityMilli } from '#api'
import type { Client } from '#client'
import type { PodMetric, PodMetrics } from './pod-groups.ts'
import { isNotThere } from './not-there.ts'
import type { TargetFinder } from './scale-target.ts'

/** Where the autoscaler gets its numbers: the three metrics APIs, each served by whoever has registered for it. Everything is in thousandths. */
export interface MetricsSource {
  /** By pod. Of one container when it is named. */
  resource(scope: Scope, name: string, namespace: string, selector: string, container: string): Promise<PodMetrics>
  pods(scope: Scope, metric: autoscaling.MetricIdentifier, namespace: string, selector: string): Promise<PodMetrics>
  object(
    scope: Scope,
    metric: autoscaling.MetricIdentifier,
    namespace: string,
    object: autoscaling.CrossVersionObjectReference,
  ): Promise<number>
  external(scope: Scope, metric: autoscaling.MetricIdentifier, namespace: string): Promise<number>
}

interface PodUsage {
  readonly metadata?: { readonly name?: string }
  readonly timestamp?: string
  readonly window?: string
  readonly containers?: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[]
}
interface MetricValue {
  readonly describedObject?: { readonly name?: string }
  readonly timestamp?: string
  readonly windowSeconds?: number
  readonly window?: number
  readonly value: string
}

const CUSTOM_VERSIONS = ['v1beta2', 'v1beta1']
const DEFAULT_WINDOW_MS = 60_000

export function metricsSource(client: Client, targets: TargetFinder): MetricsSource {
  async function items<T>(scope: Scope, path: string, what: string): Promise<readonly T[]> {
    try {
      const answer = await client.raw(scope, { method: 'GET', path, headers: { accept: 'application/json' } })
      const list: { readonly items?: readonly T[] } = JSON.parse(Buffer.from(answer.body).toString('utf8'))
      return list.items ?? []
    } catch (error) {
      scope.check()
      throw isNotThere(error) ? new Error(`the server could not find the requested resource (get ${what})`, { cause: error }) : error
    }
  }

  async function customVersion(scope: Scope): Promise<string> {
    for (const version of CUSTOM_VERSIONS) {
      try {
        await client.raw(scope, { method: 'GET', path: `/apis/custom.metrics.k8s.io/${version}` })
        return version
      } catch (error) {
        scope.check()
        if (!isNotFound(error)) throw error
      }
    }
    throw new Error('no custom metrics API (custom.metrics.k8s.io) registered')
  }

  async function custom(
    scope: Scope,
    path: string,
    metric: autoscaling.MetricIdentifier,
    selector?: string,
  ): Promise<readonly MetricValue[]> {
    const query = queryOf({ labelSelector: selector, metricLabelSelector: textOf(metric.selector) })
    const version = await customVersion(scope)
    return items<MetricValue>(
      scope,
      `/apis/custom.metrics.k8s.io/${version}/${path}/${encodeURIComponent(metric.name)}${query}`,
      metric.name,
    )
  }

  const from = async <T>(api: string, ask: () => Promise<readonly T[]>): Promise<readonly T[]> => {
    let found: readonly T[]
    try {
      found = await ask()
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${messageOf(error)}`, { cause: error })
    }
    if (found.length === 0) throw new Error(`no metrics returned from ${api} metrics API`)
    return found
  }

  return {
    async resource(scope, name, namespace, selector, container) {
      const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods${queryOf({ labelSelector: selector })}`
      const usages = await from('resource', () => items<PodUsage>(scope, path, 'pods.metrics.k8s.io'))
      return new Map(usages.flatMap((usage) => sampleOf(usage, name, container)))
    },
    async pods(scope, metric, namespace, selector) {
      const values = await from('custom', () => custom(scope, `namespaces/${namespace}/pods/*`, metric, selector))
      return new Map(
        values.map((value) => [
          value.describedObject?.name ?? '',
          {
            atMs: Date.parse(value.timestamp ?? '') || 0,
            windowMs: ((value.windowSeconds ?? value.window ?? 0) || DEFAULT_WINDOW_MS / 1000) * 1000,
            milli: quantityMilli(value.value),
          },
        ]),
      )
    },
    async object(scope, metric, namespace, object) {
      const values = await from('custom', async () => {
        if (object.kind === 'Namespace' && !(object.apiVersion ?? 'v1').includes('/'))
          return custom(scope, `namespaces/${namespace}/metrics`, metric)
        const { group, plural } = await targets.resourceOf(scope, object)
        return custom(scope, `namespaces/${namespace}/${plural}${group === '' ? '' : `.${group}`}/${object.name}`, metric)
      })
      return quantityMilli(values[0]?.value ?? '0')
    },
    async external(scope, metric, namespace) {
      const query = queryOf({ labelSelector: textOf(metric.selector) })
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric.name)}${query}`
      const values = await from('external', () => items<MetricValue>(scope, path, `${metric.name}.external.metrics.k8s.io`))
      return values.reduce((sum, { value }) => sum + quantityMilli(value), 0)
    },
  }
}

function sampleOf(usage: PodUsage, resource: string, container: string): readonly (readonly [string, PodMetric])[] {
  const containers = usage.containers ?? []
  const chosen = container === '' ? containers : containers.filter(({ name }) => name === container)
  if (chosen.length === 0 || chosen.some((one) => one.usage[resource] === undefined)) return []
  const milli = chosen.reduce((sum, one) => sum + quantityMilli(one.usage[resource] ?? '0'), 0)
  const windowMs = parseDuration(usage.window ?? '')
  return [
    [
      usage.metadata?.name ?? '',
      { atMs: Date.parse(usage.timestamp ?? '') || 0, windowMs: typeof windowMs === 'number' ? windowMs : 0, milli },
    ],
  ]
}

function textOf(selector: meta.LabelSelector | undefined): string | undefined {
  const text = selector === undefined ? '' : String(labelSelectorOf(selector))
  return text === '' ? undefined : text
}

function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
