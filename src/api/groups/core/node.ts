import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../meta/go-struct.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Node, Taint } from '../../types/core-v1.gen.ts'
import { cidrFormWarnings } from '../../validation/form-warnings.ts'
import { newCidrErrors, parseCidr } from '../../validation/ip.ts'
import { byteLength, labelValueErrors, qualifiedNameErrors } from '../../validation/names.ts'
import { validateResourceQuantity } from '../../validation/resources.ts'
import { invalidText, validateEnum, validatePositive, validateRequired } from '../../validation/values.ts'
import { keepSpec, keepStatus } from '../../workloads/workload.ts'

const SPEC = Path.of('spec')
const STATUS = Path.of('status')
const CIDRS = SPEC.child('podCIDRs')
/** Kubernetes reports taints below the metadata. */
const TAINTS = Path.of('metadata', 'taints')
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const ROLE_LABEL = 'node-role.kubernetes.io/'
const UNKNOWN = '<unknown>'
const NONE = '<none>'

export const nodes = defineResource(refs.nodes, {
  strategy: {
    defaults: ({ spec, status }: Node) => {
      if (status?.capacity !== undefined && Object.keys(status.allocatable ?? {}).length === 0) status.allocatable = { ...status.capacity }
      if (spec === undefined) return
      const { podCIDR = '' } = spec
      if (podCIDR !== '' && spec.podCIDRs?.[0] !== podCIDR) spec.podCIDRs = [podCIDR]
      else if (podCIDR === '' && spec.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0]
    },
    prepareForCreate: ({ spec, status }) => {
      delete spec?.configSource
      delete status?.config
    },
    prepareForUpdate: (node, old) => {
      if (old.spec?.configSource === undefined) delete node.spec?.configSource
      keepStatus(node, old)
    },
    validate,
    validateUpdate: (node, old, errors) => {
      validate(node, errors)
      validateUpdate(node, old, errors)
    },
    warnings,
  },
  columns: {
    Status: ({ spec, status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')
      const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
      return spec?.unschedulable === true ? `${word},SchedulingDisabled` : word
    },
    Roles: ({ metadata }) => rolesOf(metadata?.labels ?? {}),
    Version: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '',
    'Internal-IP': (node) => addressOf(node, 'InternalIP'),
    'External-IP': (node) => addressOf(node, 'ExternalIP'),
    'OS-Image': ({ status }) => status?.nodeInfo?.osImage || UNKNOWN,
    'Kernel-Version': ({ status }) => kernelText(status?.nodeInfo),
    'Container-Runtime': ({ status }) => status?.nodeInfo?.containerRuntimeVersion || UNKNOWN,
  },
  selectable: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: (node, old) => {
        keepSpec(node, old)
        if (old.status?.config === undefined) delete node.status?.config
      },
      validateUpdate,
    },
  },
})

function kernelText(info: NonNullable<Node['status']>['nodeInfo']): string {
  const { kernelVersion = '', architecture = '' } = info ?? {}
  const version = kernelVersion === '' ? UNKNOWN : kernelVersion
  return architecture === '' ? version : `${version} (${architecture})`
}

const addressOf = ({ status }: Node, wanted: string): string => status?.addresses?.find(({ type }) => type === wanted)?.address ?? NONE

function rolesOf(labels: Readonly<Record<string, string>>): string {
  const roles = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_LABEL)) return [key.slice(ROLE_LABEL.length)].filter((role) => role !== '')
    return key === 'kubernetes.io/role' && value !== '' ? [value] : []
  })
  return [...new Set(roles)].sort().join(',') || NONE
}

function warnings({ spec }: Node): readonly string[] {
  const found: string[] = []
  if (spec?.configSource !== undefined) found.push('spec.configSource: the feature is removed')
  if ((spec?.externalID ?? '') !== '') found.push('spec.externalID: this field is deprecated, and is unused by Kubernetes')
  for (const [i, cidr] of (spec?.podCIDRs ?? []).entries()) cidrFormWarnings(cidr, `spec.podCIDRs[${i}]`, found)
  return found
}

function validate({ spec, status }: Node, errors: FieldErrors): void {
  validateTaints(spec?.taints ?? [], errors)
  validateAmounts(status, errors)
  const swap = status?.nodeInfo?.swap?.capacity
  validatePositive(swap, Path.of('metadata', 'nodeSwapStatus', 'capacity'), errors)
  validateFeatures(status?.declaredFeatures ?? [], errors)
  const cidrs = spec?.podCIDRs ?? []
  for (const [i, cidr] of cidrs.entries()) invalidText(cidr, newCidrErrors(cidr), CIDRS.index(i), errors)
  if (cidrs.length < 2) return
  const families = cidrs.map((cidr) => parseCidr(cidr)?.network.family)
  const broken = families.indexOf(undefined)
  if (broken !== -1) {
    const why = `invalid CIDR[${broken}]: <nil> (invalid CIDR address: ${cidrs[broken] ?? ''})`
    errors.push(fieldError.internal(CIDRS, `invalid PodCIDRs. failed to check with dual stack with error:${why}`))
  }
  if (broken !== -1 || cidrs.length > 2 || families[0] === families[1])
    errors.push(fieldError.invalid(CIDRS, cidrs, 'may specify no more than one CIDR for each IP family'))
}

/** What holds for every change of a node, whichever part it is about; some of it is looked at twice when it is about the whole. */
function validateUpdate({ spec, status }: Node, old: Node, errors: FieldErrors): void {
  validateAmounts(status, errors)
  validateFeatures(status?.declaredFeatures ?? [], errors)
  const seen = new Set<string>()
  for (const [i, address] of (status?.addresses ?? []).entries()) {
    const id = `${address.type} ${address.address}`
    if (seen.has(id)) errors.push(fieldError.duplicate(STATUS.child('addresses').index(i), address))
    seen.add(id)
  }
  const only = (what: string): string => `node updates may not change ${what} except from "" to valid`
  const [rangesNow, rangesBefore] = [spec?.podCIDRs ?? [], old.spec?.podCIDRs ?? []]
  const changed =
    rangesNow.length === rangesBefore.length ? rangesBefore.filter((range, i) => range !== rangesNow[i]) : rangesBefore.slice(0, 1)
  for (const _ of changed) errors.push(fieldError.forbidden(CIDRS, only('podCIDR')))
  if ((old.spec?.providerID ?? '') !== '' && spec?.providerID !== old.spec?.providerID)
    errors.push(fieldError.forbidden(SPEC.child('providerID'), only('providerID')))
  validateTaints(spec?.taints ?? [], errors)
  if ((spec?.externalID ?? '') !== (old.spec?.externalID ?? ''))
    errors.push(fieldError.forbidden(SPEC.child('externalID'), 'may not be updated'))
}

function validateAmounts(status: Node['status'], errors: FieldErrors): void {
  for (const field of ['capacity', 'allocatable'] as const)
    for (const [name, amount] of Object.entries(status?.[field] ?? {}))
      validateResourceQuantity(name, amount, STATUS.child(field).child(name), errors)
}

const FEATURE = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/
const LONGEST_FEATURE = 253
const FEATURE_FORM =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"

function validateFeatures(features: readonly string[], errors: FieldErrors): void {
  const path = STATUS.child('declaredFeatures')
  features.forEach((feature, i) => {
    const next = features[i + 1]
    const wrong =
      byteLength(feature) > LONGEST_FEATURE
        ? `must be no more than ${LONGEST_FEATURE} characters`
        : FEATURE.test(feature)
          ? undefined
          : FEATURE_FORM
    if (wrong !== undefined)
      errors.push(fieldError.invalid(path.index(i), feature, `invalid feature name ${JSON.stringify(feature)}: ${wrong}`))
    if (next === feature) errors.push(fieldError.duplicate(path.index(i + 1), next))
    else if (next !== undefined && feature > next)
      errors.push(fieldError.invalid(path.index(i + 1), next, 'list must be sorted alphabetically'))
  })
}

const SHOWN_TAINT: GoStruct = [
  ['Key', 'key', ''],
  ['Value', 'value', ''],
  ['Effect', 'effect', ''],
  ['TimeAdded', 'timeAdded'],
]

function validateTaints(taints: readonly Taint[], errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [i, taint] of taints.entries()) {
    const path = TAINTS.index(i)
    invalidText(taint.key ?? '', qualifiedNameErrors(taint.key ?? ''), path.child('key'), errors)
    invalidText(taint.value ?? '', labelValueErrors(taint.value ?? ''), path.child('value'), errors)
    if (validateRequired(taint.effect, path.child('effect'), errors)) validateEnum(taint.effect, EFFECTS, path.child('effect'), errors)
    const id = `${taint.key} ${taint.effect}`
    if (seen.has(id))
      errors.push({
        ...fieldError.duplicate(path, taint),
        message: `${fieldError.duplicate(path, shownStruct(SHOWN_TAINT, taint)).message}: taints must be unique by key and effect pair`,
      })
    seen.add(id)
  }
}
