import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { qosClass } from '../qos.ts'
import { isMirrorPod } from '../visit.ts'
import { validatePod } from './pod.ts'

const SPEC = Path.of('spec')
const WHOLE = Path.of('')
const LISTS = ['initContainers', 'containers'] as const

/** The CPU and memory of the containers of a pod may change while it runs, but not what kind of pod it is. */
export function validateResize(pod: core.Pod, old: core.Pod, errors: FieldErrors): void {
  validatePod(pod, errors, old.spec)
  const [spec, before] = [pod.spec, old.spec]
  if (spec === undefined || before === undefined) return
  if (isMirrorPod(old)) return refuse(WHOLE, 'static pods cannot be resized', errors)
  if (before.os?.name === 'windows') return refuse(WHOLE, 'windows pods cannot be resized', errors)
  const quality = old.status?.qosClass ?? qosClass(before)
  if (quality !== qosClass(spec)) errors.push(fieldError.invalid(SPEC, quality, 'Pod QOS Class may not change as a result of resizing'))
  if (!nodeCanResize(old)) refuse(SPEC, 'Pod running on node without support for resize', errors)
  validatePodAmounts(spec, before, errors)
  if (!validateOrder(spec, before, errors)) return
  for (const list of LISTS) {
    const path = SPEC.child(list)
    before[list]?.forEach(({ resources: was }, i) => {
      const now = spec[list]?.[i]?.resources
      const at = path.index(i).child('resources')
      if (loses(was?.requests, now?.requests)) refuse(at.child('requests'), 'resource requests cannot be removed', errors)
      if (loses(was?.limits, now?.limits)) refuse(at.child('limits'), 'resource limits cannot be removed', errors)
    })
  }
  before.containers.forEach((was, i) => {
    if (!isSameButComputing(spec.containers[i], was)) refuse(SPEC, ONLY_COMPUTING, errors)
  })
  before.initContainers?.forEach((was, i) => {
    const now = spec.initContainers?.[i]
    const at = SPEC.child('initContainers').index(i)
    if (!isSameButComputing(now, was)) refuse(at, 'only cpu and memory resources for init or sidecar containers are mutable', errors)
    if (was.restartPolicy === 'Always' || deepEqual(now, was)) return
    for (const { restartPolicy } of now?.resizePolicy ?? [])
      if (restartPolicy === 'RestartContainer')
        refuse(at, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized', errors)
  })
  if (errors.length === 0 && !hasAmounts(spec) && !hasAmounts(before) && !deepEqual(spec.resources, before.resources))
    refuse(SPEC, ONLY_COMPUTING, errors)
}

const ONLY_COMPUTING = 'only cpu and memory resources are mutable'

const hasAmounts = ({ resources }: core.PodSpec): boolean =>
  Object.keys(resources?.requests ?? {}).length + Object.keys(resources?.limits ?? {}).length > 0

/** Those of the pod as a whole. */
function validatePodAmounts(spec: core.PodSpec, before: core.PodSpec, errors: FieldErrors): void {
  if (!hasAmounts(spec) && !hasAmounts(before)) return
  const [now, was] = [spec.resources, before.resources]
  const path = SPEC.child('resources')
  if (was !== undefined && now === undefined) return refuse(path, 'pod-level resources cannot be removed', errors)
  if (loses(was?.requests, now?.requests)) refuse(path.child('requests'), 'pod-level resource requests cannot be removed', errors)
  if (loses(was?.limits, now?.limits)) refuse(path.child('limits'), 'pod-level resource limits cannot be removed', errors)
  if (!deepEqual(fixedAmounts(now), fixedAmounts(was))) refuse(SPEC, `${ONLY_COMPUTING} at pod-level`, errors)
}

function refuse(path: Path, why: string, errors: FieldErrors): void {
  errors.push(fieldError.forbidden(path, why))
}

/** A node that tells what its containers have been given can also give them something else. */
function nodeCanResize({ status }: core.Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running !== undefined)
  return running === undefined || running.resources !== undefined
}

function validateOrder(spec: core.PodSpec, before: core.PodSpec, errors: FieldErrors): boolean {
  const count = errors.length
  for (const list of LISTS.toReversed()) {
    const [now, was] = [spec[list] ?? [], before[list] ?? []]
    if (now.length !== was.length) refuse(SPEC.child(list), `${list} may not be added or removed on resize`, errors)
    else
      was.forEach(({ name }, i) => {
        if (name !== now[i]?.name)
          refuse(SPEC.child(list).index(i).child('name'), `${list} may not be renamed or reordered on resize`, errors)
      })
  }
  return errors.length === count
}

type Amounts = Readonly<Record<string, string>> | undefined
const loses = (was: Amounts, now: Amounts): boolean => Object.keys(was ?? {}).some((name) => now?.[name] === undefined)

const withoutComputing = (amounts: Amounts): Amounts => {
  const { cpu: _cpu, memory: _memory, ...rest } = amounts ?? {}
  return rest
}

const fixedAmounts = (resources: core.ResourceRequirements | undefined): unknown => ({
  limits: withoutComputing(resources?.limits),
  requests: withoutComputing(resources?.requests),
  claims: resources?.claims ?? [],
})

/** Whether nothing has changed but what may be. */
function isSameButComputing(now: core.Container | undefined, was: core.Container): boolean {
  const fixed = ({ resources, ...container }: core.Container): unknown => ({ ...container, ...(fixedAmounts(resources) as object) })
  return now !== undefined && deepEqual(fixed(now), fixed(was))
}
