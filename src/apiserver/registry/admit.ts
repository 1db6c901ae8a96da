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

/** Runs the steps that change the draft. True when one of them has had the chance to; `before` is called before the first one has. */
export async function mutate(context: RequestContext, request: AdmissionRequest, before?: () => void): Promise<boolean> {
  const first = await mutateOnce(context, request, before)
  if (first.again) await mutateOnce(context, { ...request, isRepeated: true })
  return first.touched
}

async function mutateOnce(
  context: RequestContext,
  request: AdmissionRequest,
  before?: () => void,
): Promise<{ readonly touched: boolean; readonly again: boolean }> {
  let touched = false
  let again = false
  for (const step of context.core.admission) {
    if (step.mutate === undefined || !step.handles(request)) continue
    if (!touched) before?.()
    touched = true
    const running = step.mutate(context.scope, request)
    if (running !== undefined && (await running) === true) again = true
  }
  return { touched, again }
}

export async function validateAdmission(context: RequestContext, request: AdmissionRequest): Promise<void> {
  for (const step of context.core.admission) {
    if (step.validate === undefined || !step.handles(request)) continue
    const running = step.validate(context.scope, request)
    if (running !== undefined) await running
  }
}
