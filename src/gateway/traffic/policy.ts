import type { KubeObject, ResourceRef } from '#api'
import type { BreakerSettings } from '../breaker/breaker.ts'
import type { OutlierSettings } from '../breaker/outliers.ts'
import type { Condition } from '../gateway-api/kinds.ts'

/** The gateway's own API group. */
export const TRAFFIC_GROUP = 'gateway.sampan.io'
export const TRAFFIC_VERSION = 'v1alpha1'
export const TRAFFIC_PLURAL = 'trafficpolicies'

export const BREAKER_RULES = ['SlowRatio', 'ErrorRatio', 'ErrorCount'] as const
export const PERIODS = ['Second', 'Minute', 'Hour'] as const
export const LIMITED_BY = ['Service', 'Address', 'Header'] as const
export const BREAKER_STATES = ['Closed', 'Open', 'HalfOpen'] as const

export interface RateLimit {
  readonly requests: number
  readonly per: (typeof PERIODS)[number]
  readonly by: (typeof LIMITED_BY)[number]
  readonly header?: string
}

export interface Fallback {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** What is granted to requests for one Service, as the API server has filled it in. */
export interface TrafficPolicy extends KubeObject {
  readonly spec: {
    readonly service: string
    readonly paths?: readonly string[]
    readonly breaker?: {
      readonly rules: readonly {
        readonly type: (typeof BREAKER_RULES)[number]
        readonly ratio?: number
        readonly count?: number
        readonly slowMilliseconds?: number
      }[]
      readonly windowSeconds: number
      readonly minimumRequests: number
      readonly openSeconds: number
      readonly probes: number
      readonly force?: 'Open' | 'Closed'
      readonly fallback?: Fallback
    }
    readonly outliers?: { readonly consecutiveErrors: number; readonly ejectSeconds: number; readonly maximumEjectedPercent: number }
    readonly concurrency?: { readonly perEndpoint: number; readonly queueMilliseconds: number }
    readonly warmUpSeconds?: number
    readonly rateLimits?: readonly RateLimit[]
  }
  readonly status?: TrafficStatus
}

export interface TrafficStatus {
  readonly observedGeneration?: number
  readonly conditions?: readonly Condition[]
  readonly breaker?: BreakerStatus
  readonly ejected?: readonly { readonly address: string; readonly until: string; readonly times: number }[]
}

export interface BreakerStatus {
  readonly state: (typeof BREAKER_STATES)[number]
  readonly since: string
  readonly until?: string
  /** How often it has opened since it was closed last. */
  readonly times?: number
  readonly trip?: { readonly rule: (typeof BREAKER_RULES)[number]; readonly requests: number; readonly bad: number }
  readonly message: string
  /** What was released when it opened. */
  readonly release?: { readonly name: string; readonly phase: string }
}

export const trafficRef: ResourceRef<TrafficPolicy> = {
  group: TRAFFIC_GROUP,
  version: TRAFFIC_VERSION,
  kind: 'TrafficPolicy',
  plural: TRAFFIC_PLURAL,
  namespaced: true,
}

export const keyOfPolicy = ({ metadata }: TrafficPolicy): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
export const serviceOfPolicy = ({ metadata, spec }: TrafficPolicy): string => `${metadata?.namespace ?? ''}/${spec.service}`

const SECOND_MS = 1000

export function breakerOf({ spec: { breaker } }: TrafficPolicy): BreakerSettings | undefined {
  if (breaker === undefined) return undefined
  const { rules, windowSeconds, minimumRequests, openSeconds, probes, force } = breaker
  return {
    rules: rules.map(({ type, ratio = 1, count = 1, slowMilliseconds = 0 }) =>
      type === 'SlowRatio' ? { type, ratio, slowMs: slowMilliseconds } : type === 'ErrorRatio' ? { type, ratio } : { type, count },
    ),
    windowMs: windowSeconds * SECOND_MS,
    minimumRequests,
    openMs: openSeconds * SECOND_MS,
    probes,
    ...(force === undefined ? {} : { force }),
  }
}

export function outliersOf({ spec: { outliers } }: TrafficPolicy): OutlierSettings | undefined {
  return outliers === undefined ? undefined : { ...outliers, ejectMs: outliers.ejectSeconds * SECOND_MS }
}
