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
  if (errors.length === 0 && quality !== qosClass(spec))
    errors.push(fieldError.invalid(SPEC, quality, 'Pod QOS Class may not change as a result of resizing'))
  if (!nodeCanResize(old)) refuse(SPEC, 'Pod running on node without support for resize', errors)
  if (!validateOrder(spec, before, errors)) return
  for (const list of LISTS) {
    const path = SPEC.child(list)
    before[list]?.forEach(({ resources: was, restartPolicy }, i) => {
      const now = spec[list]?.[i]?.resources
      const at = path.index(i).child('resources')
      if (list === 'initContainers' && restartPolicy !== 'Always') {
        if (!deepEqual(now, was)) refuse(at, 'only resources of restartable init containers can be changed', errors)
        return
      }
      if (loses(was?.requests, now?.requests)) refuse(at.child('requests'), 'resource requests cannot be removed', errors)
      if (loses(was?.limits, now?.limits)) refuse(at.child('limits'), 'resource limits cannot be removed', errors)
    })
  }
  if (LISTS.some((list) => !deepEqual(fixedParts(spec[list]), fixedParts(before[list]))))
    refuse(SPEC, 'only cpu and memory resources are mutable', errors)
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
  for (const list of LISTS) {
    const [now, was] = [spec[list] ?? [], before[list] ?? []]
    if (now.length !== was.length) {
      refuse(SPEC.child(list), `${list === 'containers' ? 'containers' : 'initContainers'} may not be added or removed on resize`, errors)
      return false
    }
    const renamed = was.findIndex(({ name }, i) => name !== now[i]?.name)
    if (renamed !== -1) {
      refuse(SPEC.child(list).index(renamed).child('name'), 'containers may not be renamed or reordered on resize', errors)
      return false
    }
  }
  return true
}

type Amounts = Readonly<Record<string, string>> | undefined
const loses = (was: Amounts, now: Amounts): boolean => Object.keys(was ?? {}).some((name) => now?.[name] === undefined)

const withoutComputing = (amounts: Amounts): Amounts => {
  const { cpu: _cpu, memory: _memory, ...rest } = amounts ?? {}
  return rest
}

/** Containers without what may be changed. */
function fixedParts(containers: readonly core.Container[] | undefined): unknown {
  return (containers ?? []).map(({ resources, resizePolicy: _, ...container }) => ({
    ...container,
    limits: withoutComputing(resources?.limits),
    requests: withoutComputing(resources?.requests),
    claims: resources?.claims ?? [],
  }))
}
