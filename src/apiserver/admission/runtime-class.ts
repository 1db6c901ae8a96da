import { compareQuantities, type core, type node, refs } from '#api'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../contract.ts'
import { failed, forbidden, isAbout, lookupError } from './refuse.ts'

/** A runtime class brings its overhead and its place; the overhead is the class's word, never the pod's own. */
export function runtimeClass(reader: ObjectReader): AdmissionStep {
  return {
    name: 'RuntimeClass',
    replaces: true,
    handles: (request) => request.operation === 'CREATE' && isAbout(request, '', 'pods'),
    mutate(_scope, request) {
      const { spec } = request.object as core.Pod
      const chosen = classOf(reader, request)
      if (spec === undefined || chosen === undefined) return
      setOverhead(request, spec, chosen)
      setPlace(request, spec, chosen)
    },
    validate(_scope, request) {
      const { spec } = request.object as core.Pod
      if (spec?.overhead !== undefined && classOf(reader, request)?.overhead?.podFixed === undefined) {
        throw forbidden(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
      }
    },
  }
}

function classOf(reader: ObjectReader, request: AdmissionRequest): node.RuntimeClass | undefined {
  const name = (request.object as core.Pod).spec?.runtimeClassName
  if (name === undefined) return undefined
  const wrong = lookupError(name)
  if (wrong !== undefined) throw failed(wrong)
  const found = reader.get(refs.runtimeclasses, '', name)
  if (found === undefined) throw forbidden(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return found
}

function setOverhead(request: AdmissionRequest, spec: core.PodSpec, { overhead }: node.RuntimeClass): void {
  const fixed = overhead?.podFixed
  if (fixed === undefined) return
  if (spec.overhead !== undefined && Object.keys(spec.overhead).length > 0 && !sameAmounts(spec.overhead, fixed)) {
    throw forbidden(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
  }
  spec.overhead = { ...fixed }
}

function sameAmounts(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => other[name] !== undefined && compareQuantities(one[name] ?? '0', other[name]) === 0)
  )
}

function setPlace(request: AdmissionRequest, spec: core.PodSpec, { scheduling }: node.RuntimeClass): void {
  for (const [label, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[label]
    if (own !== undefined && own !== value) {
      throw forbidden(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${label}] = ${value}; pod.spec.nodeSelector[${label}] = ${own}`,
      )
    }
    spec.nodeSelector = { ...spec.nodeSelector, [label]: value }
  }
  const missing = (scheduling?.tolerations ?? []).filter((wanted) => !spec.tolerations?.some((own) => isSame(own, wanted)))
  if (missing.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...missing.map((toleration) => ({ ...toleration }))]
}

const isSame = (one: core.Toleration, other: core.Toleration): boolean =>
  one.key === other.key &&
  one.operator === other.operator &&
  one.value === other.value &&
  one.effect === other.effect &&
  one.tolerationSeconds === other.tolerationSeconds
