import type { KubeObject, Resource } from '#api'
import type { Clock } from '#base'
import type { AdmissionMetrics } from '../../observe/admission-metrics.ts'
import type { AdmissionRequest, AdmissionStep, Operation } from '../../contract.ts'
import type { RequestContext } from '../context.ts'

export interface Admission {
  readonly operation: Operation
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly options: Readonly<Record<string, unknown>>
  readonly isOfCollection?: boolean
}

export function admissionRequest(context: RequestContext, admission: Admission): AdmissionRequest {
  return {
    ...admission,
    user: context.user,
    warn: (text) => context.warn(text),
    outside: (ms) => {
      context.outside.ms += ms
    },
    metrics: context.core.metrics.admission,
    ...annotating(context),
  }
}

/** Of a request that makes something: an object, or what is posted to a subresource and only answered. */
export function admissionOfCreate(
  context: RequestContext,
  { resource, subresource, namespace, name }: Pick<Admission, 'resource' | 'subresource' | 'namespace' | 'name'>,
  object: KubeObject,
  dryRun: boolean,
): AdmissionRequest {
  const options = { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' }
  return admissionRequest(context, { operation: 'CREATE', resource, subresource, namespace, name, dryRun, object, old: undefined, options })
}

function annotating({ audit }: RequestContext): Pick<AdmissionRequest, 'annotate'> {
  return audit === undefined ? {} : { annotate: (key, value) => audit.annotate(key, value) }
}

/** What the steps that change the draft have done to it. */
export interface Mutated {
  /** One of them has had the chance to change it. */
  readonly touched: boolean
  /** `unshare` was called. */
  readonly unshared: boolean
}

/** Runs the steps that change the draft; `unshare` is called before the first one that may write to any part of it. */
export async function mutate(context: RequestContext, request: AdmissionRequest, unshare?: () => void): Promise<Mutated> {
  const watch = new StopWatch(context, 'admit', request.operation)
  let touched = false
  let unshared = false
  let again = false
  const once = async (asked: AdmissionRequest): Promise<void> => {
    for (const step of context.core.admission) {
      if (step.mutate === undefined || !step.handles(asked)) continue
      touched = true
      if (step.replaces !== true && !unshared) {
        unshared = true
        unshare?.()
      }
      watch.begin(step)
      try {
        const running = step.mutate(context.scope, asked)
        if (running !== undefined && (await running) === true) again = true
      } catch (error) {
        watch.rejected()
        throw error
      }
      watch.passed()
    }
  }
  await once(request)
  if (again) await once({ ...request, isRepeated: true })
  watch.end()
  return { touched, unshared }
}

export async function validateAdmission(context: RequestContext, request: AdmissionRequest): Promise<void> {
  const watch = new StopWatch(context, 'validate', request.operation)
  for (const step of context.core.admission) {
    if (step.validate === undefined || !step.handles(request)) continue
    watch.begin(step)
    try {
      const running = step.validate(context.scope, request)
      if (running !== undefined) await running
    } catch (error) {
      watch.rejected()
      throw error
    }
    watch.passed()
  }
  watch.end()
}

/** Times the steps of one phase of admission: looks at the clock once for each step that runs. */
class StopWatch {
  readonly #metrics: AdmissionMetrics
  readonly #clock: Clock
  readonly #type: 'admit' | 'validate'
  readonly #operation: string
  readonly #startedAt: number
  #lapAt: number
  #step: AdmissionStep | undefined

  constructor({ core }: RequestContext, type: 'admit' | 'validate', operation: string) {
    this.#metrics = core.metrics.admission
    this.#clock = core.scope.clock
    this.#type = type
    this.#operation = operation
    this.#lapAt = this.#startedAt = this.#clock.monotonic()
  }
  begin(step: AdmissionStep): void {
    this.#step = step
  }
  passed(): void {
    this.#lap(false)
  }
  rejected(): void {
    this.#lap(true)
    this.#metrics.phase(this.#type, this.#operation, true, this.#lapAt - this.#startedAt)
  }
  end(): void {
    this.#metrics.phase(this.#type, this.#operation, false, this.#lapAt - this.#startedAt)
  }
  #lap(rejected: boolean): void {
    const now = this.#clock.monotonic()
    if (this.#step !== undefined) this.#metrics.step(this.#step, this.#type, this.#operation, rejected, now - this.#lapAt)
    this.#lapAt = now
  }
}
