import type { KubeObject, Resource } from '#api'
import type { AdmissionRequest, Operation } from '../contract.ts'
import type { RequestContext } from './context.ts'

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
  return { ...admission, user: context.user, warn: (text) => context.warn(text), ...annotating(context) }
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
      const running = step.mutate(context.scope, asked)
      if (running !== undefined && (await running) === true) again = true
    }
  }
  await once(request)
  if (again) await once({ ...request, isRepeated: true })
  return { touched, unshared }
}

export async function validateAdmission(context: RequestContext, request: AdmissionRequest): Promise<void> {
  for (const step of context.core.admission) {
    if (step.validate === undefined || !step.handles(request)) continue
    const running = step.validate(context.scope, request)
    if (running !== undefined) await running
  }
}
