import type { KubeObject, apps, core } from '#api'
import type { Judgement, Verdict } from './verdict/judge.ts'

export const STRATEGIES = ['Standard', 'Rolling', 'BlueGreen', 'Canary', 'Batches'] as const
export type StrategyType = (typeof STRATEGIES)[number]

export const PHASES = [
  'Pending',
  'Preparing',
  'Progressing',
  'Promoting',
  'Finishing',
  'Succeeded',
  'RollingBack',
  'RolledBack',
  'Refused',
] as const
export type Phase = (typeof PHASES)[number]

export interface CanaryStep {
  /** Of 100 requests so many go to the new version. */
  readonly weight: number
  readonly pauseSeconds?: number | undefined
  /** Somebody has to approve before the next step. */
  readonly gate?: boolean | undefined
}

export interface Strategy {
  readonly type: StrategyType
  readonly canary?: { readonly steps: readonly CanaryStep[] } | undefined
  readonly blueGreen?:
    | { readonly gateBefore?: boolean | undefined; readonly gateAfter?: boolean | undefined; readonly soakSeconds?: number | undefined }
    | undefined
  readonly batches?: { readonly count: number; readonly pauseSeconds?: number | undefined; readonly gate?: boolean | undefined } | undefined
}

export interface Analysis {
  readonly minimumRequests: number
  readonly confidence: number
  readonly errorTolerance: number
  readonly latencyQuantile?: number | undefined
  readonly latencyTolerance: number
  readonly evidenceSeconds: number
  readonly withoutEvidence: 'Wait' | 'Promote' | 'RollBack'
  readonly brokenStable: 'Proceed' | 'RollBack'
}

export interface Approval {
  readonly attempt: number
  readonly step: number
  readonly by?: string | undefined
}

export interface ReleaseSpec {
  readonly deployment: string
  readonly template?: core.PodTemplateSpec | undefined
  /** By name of the container. */
  readonly images?: Readonly<Record<string, string>> | undefined
  readonly service?: string | undefined
  readonly ingress?: string | undefined
  /** In the place of an Ingress. */
  readonly httpRoute?: string | undefined
  readonly sticky?: string | undefined
  readonly strategy: Strategy
  readonly analysis?: Analysis | undefined
  readonly promotion: 'Automatic' | 'Manual'
  readonly rollback: 'Automatic' | 'Manual'
  readonly readySeconds: number
  readonly author?: string | undefined
  readonly attempt: number
  readonly paused?: boolean | undefined
  readonly abortAttempt?: number | undefined
  readonly promoteAttempt?: number | undefined
  readonly approvals?: readonly Approval[] | undefined
}

/** Counts of one Service as they were last read, and what they have grown by since the window began. */
export interface Counted {
  readonly requests: number
  readonly errors: number
  readonly buckets: readonly number[]
}

export interface AnalysisStatus {
  readonly step: number
  /** Of the gateway that counts; another one begins anew. */
  readonly instance: string
  readonly seen: { readonly next: Counted; readonly control: Counted }
  readonly next: Counted
  readonly control: Counted
  readonly judgement?: Judgement | undefined
}

export interface HistoryEntry {
  readonly time: string
  readonly attempt: number
  readonly phase: Phase
  readonly step?: number | undefined
  readonly weight: number
  readonly message: string
  readonly verdict?: Verdict | undefined
  readonly by?: string | undefined
}

export interface Version {
  readonly template: core.PodTemplateSpec
  readonly hash: string
  readonly images: readonly string[]
}

export interface ReleaseStatus {
  readonly observedGeneration?: number | undefined
  readonly attempt: number
  readonly phase: Phase
  readonly reason: string
  readonly message: string
  readonly step: number
  /** What the route says now, of 100. */
  readonly weight: number
  /** When this phase began, and when the step's weight was there. */
  readonly phaseSince: string
  readonly stepSince?: string | undefined
  readonly stable?: Version | undefined
  readonly next?: Version | undefined
  /** No fresh pod of the version that is served gets ready: it counts as one that answers nothing. */
  readonly isStableBroken?: boolean | undefined
  /** How the Deployment replaced its pods before a release that takes them all away first. */
  readonly strategyBefore?: apps.DeploymentStrategy | undefined
  readonly analysis?: AnalysisStatus | undefined
  readonly verdict?: Verdict | undefined
  readonly history: readonly HistoryEntry[]
}

export interface Release extends KubeObject {
  spec: ReleaseSpec
  status?: ReleaseStatus | undefined
}

export const TERMINAL: ReadonlySet<Phase> = new Set(['Succeeded', 'RolledBack', 'Refused'])
