import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { shownStruct } from '../../meta/go-struct.ts'
import { defaultPodTemplate, podTemplateWarnings, validatePodAnnotations, validatePodTemplateSpec } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from '../../types/apps-v1.gen.ts'
import type { PersistentVolumeClaim, PodTemplateSpec } from '../../types/core-v1.gen.ts'
import { validateClaimSpec } from '../../validation/claim-spec.ts'
import { dnsLabelErrors, nameIsDnsLabel } from '../../validation/names.ts'
import { shownSelector, validateLabels } from '../../validation/label-selector.ts'
import { validateAnnotations } from '../../validation/object-meta.ts'
import { invalidText, validateEnum, validateNonnegative, validateRequired } from '../../validation/values.ts'
import { isEmptySelector, isUsableSelector, validateRequiredSelector, validateTemplateLabels } from '../../workloads/selector.ts'
import { SHOWN_STATEFUL_SET_ROLLING, SHOWN_STATEFUL_SET_STRATEGY } from './shown-strategies.ts'
import {
  SELECTOR_PATH,
  SPEC,
  STATUS,
  TEMPLATE_PATH,
  containerImages,
  containerNames,
  keepSpec,
  keepStatus,
  scaleSelector,
  validateAtMost,
  validateCollisions,
  validateCounts,
  validateEndlessTemplate,
  isNewlyWanted,
} from '../../workloads/workload.ts'

const COUNTS = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
]
const KEEPS_ALL_REVISIONS = 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'
const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

export const statefulSets = defineResource(refs.statefulsets, {
  strategy: {
    validateName: nameIsDnsLabel,
    generation: 'spec',
    defaults,
    prepareForCreate: (statefulSet) => {
      statefulSet.status = { replicas: 0, availableReplicas: 0 }
      dropUnavailable(statefulSet)
    },
    prepareForUpdate: (statefulSet, old) => {
      keepStatus(statefulSet, old)
      dropUnavailable(statefulSet)
    },
    validate: ({ spec }, errors) => {
      validateSpec(spec, undefined, errors)
    },
    validateUpdate: (statefulSet, old, errors) => {
      validateSpec(statefulSet.spec, old.spec ?? undefined, errors)
      if (deepEqual(fixedPart(statefulSet.spec), fixedPart(old.spec))) return
      const names = MUTABLE.map((name) => `'${name}'`)
      const shown = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
      errors.push(fieldError.forbidden(SPEC, `updates to statefulset spec for fields other than ${shown} are forbidden`))
    },
    warnings: (statefulSet, old) => [
      ...(isNewlyWanted(statefulSet, old) ? podTemplateWarnings(statefulSet.spec?.template, TEMPLATE_PATH) : []),
      ...((statefulSet.spec?.revisionHistoryLimit ?? 0) < 0 ? [KEEPS_ALL_REVISIONS] : []),
    ],
  },
  columns: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    Containers: containerNames,
    Images: containerImages,
  },
  subresources: {
    status: { type: 'status', prepareForUpdate: keepSpec, validateUpdate: validateStatus },
    scale: {
      type: 'scale',
      replicas: ({ spec }) => spec?.replicas ?? 0,
      statusReplicas: ({ status }) => status?.replicas ?? 0,
      selector: scaleSelector,
      setReplicas: (draft, replicas) => {
        if (draft.spec !== undefined) draft.spec.replicas = replicas
      },
    },
  },
})

/** How many pods may be replaced at a time is a switched-off feature: the field is dropped, as Kubernetes does. */
function dropUnavailable({ spec }: StatefulSet): void {
  delete spec?.updateStrategy?.rollingUpdate?.maxUnavailable
}

function fixedPart(spec: StatefulSetSpec | undefined): Partial<StatefulSetSpec> {
  const rest: Partial<StatefulSetSpec> = { ...spec }
  for (const name of MUTABLE) delete rest[name]
  return rest
}

function defaults({ spec }: StatefulSet): void {
  if (spec === undefined) return
  spec.serviceName ??= ''
  spec.podManagementPolicy ||= 'OrderedReady'
  spec.updateStrategy ??= {}
  const strategy = spec.updateStrategy
  if ((strategy.type ?? '') === '') {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate !== undefined) strategy.rollingUpdate.partition ??= 0
  spec.persistentVolumeClaimRetentionPolicy ??= {}
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  if (spec.ordinals !== undefined) spec.ordinals.start ??= 0
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.kind = 'PersistentVolumeClaim'
    claim.apiVersion = 'v1'
    claim.spec ??= {}
    claim.spec.volumeMode ??= 'Filesystem'
    claim.status ??= {}
    claim.status.phase ||= 'Pending'
  }
  defaultPodTemplate(spec.template)
}

function validateSpec(spec: StatefulSetSpec | undefined, old: StatefulSetSpec | undefined, errors: FieldErrors): void {
  const { podManagementPolicy: policy, selector, template } = spec ?? {}
  const policyPath = SPEC.child('podManagementPolicy')
  if (validateRequired(policy, policyPath, errors) && policy !== 'OrderedReady' && policy !== 'Parallel')
    errors.push(fieldError.invalid(policyPath, policy, "must be 'OrderedReady' or 'Parallel'"))
  validateUpdateStrategy(spec?.updateStrategy, errors)
  validateRetention(spec?.persistentVolumeClaimRetentionPolicy, errors)
  validateNonnegative(spec?.replicas, SPEC.child('replicas'), errors)
  validateNonnegative(spec?.minReadySeconds, SPEC.child('minReadySeconds'), errors)
  validateNonnegative(spec?.ordinals?.start, SPEC.child('ordinals').child('start'), errors)
  const { serviceName = '' } = spec ?? {}
  if (serviceName !== '' && old === undefined) invalidText(serviceName, dnsLabelErrors(serviceName), SPEC.child('serviceName'), errors)
  if (old === undefined)
    spec?.volumeClaimTemplates?.forEach((claim, at) =>
      validateClaimSpec(claim.spec, SPEC.child('volumeClaimTemplates').index(at).child('spec'), errors),
    )
  validateRequiredSelector(selector, 'statefulset', errors)
  if (isUsableSelector(selector)) {
    if (selector === undefined || !isEmptySelector(selector)) validateTemplateLabels(selector, template, errors)
    validatePodTemplateSpec(asMade(template, spec?.volumeClaimTemplates), TEMPLATE_PATH, errors)
    validateTemplateMeta(template, errors)
  } else errors.push(fieldError.invalid(SELECTOR_PATH, selector && shownSelector(selector), ''))
  validateEndlessTemplate(template, 'StatefulSet', errors)
}

/** What the template's pods are named by, a second time. */
function validateTemplateMeta(template: PodTemplateSpec | undefined, errors: FieldErrors): void {
  const { labels, annotations } = template?.metadata ?? {}
  validateLabels(labels, TEMPLATE_PATH.child('labels'), errors)
  validateAnnotations(annotations, TEMPLATE_PATH.child('annotations'), errors)
  validatePodAnnotations(annotations, template?.spec, TEMPLATE_PATH.child('annotations'), errors)
}

/** As its pods will be: each claim is a volume of its name, instead of one that the template may have, and host and subdomain are given to each pod. */
function asMade(template: PodTemplateSpec | undefined, claims: readonly PersistentVolumeClaim[] = []): PodTemplateSpec | undefined {
  if (template?.spec === undefined) return template
  const { hostname: _, subdomain: __, ...spec } = template.spec
  if (claims.length === 0) return { ...template, spec }
  const names = new Set(claims.map((claim) => claim.metadata?.name ?? ''))
  const own = (spec.volumes ?? []).filter((volume) => !names.has(volume.name))
  const claimed = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))
  return { ...template, spec: { ...spec, volumes: [...claimed, ...own] } }
}

function validateUpdateStrategy(strategy: StatefulSetUpdateStrategy | undefined, errors: FieldErrors): void {
  const path = SPEC.child('updateStrategy')
  switch (strategy?.type) {
    case undefined:
    case '':
      errors.push(fieldError.required(path))
      break
    case 'OnDelete':
      if (strategy.rollingUpdate !== undefined)
        errors.push(
          fieldError.invalid(
            path.child('rollingUpdate'),
            shownStruct(SHOWN_STATEFUL_SET_ROLLING, strategy.rollingUpdate),
            "only allowed for updateStrategy 'RollingUpdate'",
          ),
        )
      break
    case 'RollingUpdate':
      validateNonnegative(strategy.rollingUpdate?.partition, path.child('rollingUpdate').child('partition'), errors)
      break
    default:
      errors.push(
        fieldError.invalid(path, shownStruct(SHOWN_STATEFUL_SET_STRATEGY, strategy ?? {}), "must be 'RollingUpdate' or 'OnDelete'"),
      )
  }
}

function validateRetention(policy: StatefulSetSpec['persistentVolumeClaimRetentionPolicy'], errors: FieldErrors): void {
  const path = SPEC.child('persistentVolumeClaimRetentionPolicy')
  validateEnum(policy?.whenDeleted, ['Retain', 'Delete'], path.child('whenDeleted'), errors)
  validateEnum(policy?.whenScaled, ['Retain', 'Delete'], path.child('whenScaled'), errors)
}

function validateStatus({ status }: StatefulSet, old: StatefulSet, errors: FieldErrors): void {
  const counts = { ...status }
  validateCounts(counts, COUNTS, STATUS, errors)
  validateAtMost(
    counts,
    [
      ['readyReplicas', 'replicas'],
      ['currentReplicas', 'replicas'],
      ['updatedReplicas', 'replicas'],
      ['availableReplicas', 'replicas'],
      ['availableReplicas', 'readyReplicas'],
    ],
    errors,
  )
  validateCollisions(status?.collisionCount, old.status?.collisionCount, errors)
}
