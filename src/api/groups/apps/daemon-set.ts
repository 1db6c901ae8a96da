import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { shownStruct } from '../../meta/go-struct.ts'
import { defaultPodTemplate, podTemplateWarnings, validatePodTemplateSpec } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import type { DaemonSet, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from '../../types/apps-v1.gen.ts'
import { shownSelector, validateLabelSelector } from '../../validation/label-selector.ts'
import { validateNonnegative } from '../../validation/values.ts'
import { isEmptySelector, isUsableSelector, validateSameSelector, validateTemplateLabels } from '../../workloads/selector.ts'
import {
  SELECTOR_PATH,
  SPEC,
  STATUS,
  TEMPLATE_PATH,
  containerImages,
  containerNames,
  keepSpec,
  keepStatus,
  selectorText,
  validateCollisions,
  validateCounts,
  validateEndlessTemplate,
} from '../../workloads/workload.ts'
import { SHOWN_DAEMON_SET_STRATEGY } from './shown-strategies.ts'
import { shareNumber, validateAtMostAll, validateShare } from '../../workloads/share.ts'

/** Counts the changes of the template. Only the server writes it. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'
const COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
]

export const daemonSets = defineResource(refs.daemonsets, {
  strategy: {
    generation: 'spec',
    defaults,
    prepareForCreate: (daemonSet) => {
      daemonSet.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }
      setTemplateGeneration(daemonSet, templateGeneration(daemonSet) || 1)
    },
    prepareForUpdate: (daemonSet, old) => {
      keepStatus(daemonSet, old)
      const isNew = !deepEqual(daemonSet.spec?.template, old.spec?.template)
      setTemplateGeneration(daemonSet, templateGeneration(old) + (isNew ? 1 : 0))
    },
    validate,
    validateUpdate: (daemonSet, old, errors) => {
      validateSameSelector(daemonSet.spec?.selector, old.spec?.selector, errors)
      validate(daemonSet, errors)
    },
    warnings: ({ spec }, old) => (deepEqual(spec?.template, old?.spec?.template) ? [] : podTemplateWarnings(spec?.template, TEMPLATE_PATH)),
  },
  columns: {
    Desired: ({ status }) => status?.desiredNumberScheduled ?? 0,
    Current: ({ status }) => status?.currentNumberScheduled ?? 0,
    Ready: ({ status }) => status?.numberReady ?? 0,
    'Up-to-date': ({ status }) => status?.updatedNumberScheduled ?? 0,
    Available: ({ status }) => status?.numberAvailable ?? 0,
    'Node Selector': ({ spec }) => labelsText(spec?.template?.spec?.nodeSelector),
    Containers: containerNames,
    Images: containerImages,
    Selector: selectorText,
  },
  fieldAnnotations: [TEMPLATE_GENERATION],
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: (daemonSet, old) => {
        keepSpec(daemonSet, old)
        setTemplateGeneration(daemonSet, templateGeneration(old))
      },
      validateUpdate: validateStatus,
    },
  },
})

function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',')
}

function templateGeneration({ metadata }: DaemonSet): number {
  const text = metadata?.annotations?.[TEMPLATE_GENERATION] ?? ''
  return /^\d+$/.test(text) ? Number(text) : 0
}

function setTemplateGeneration(draft: DaemonSet, generation: number): void {
  draft.metadata ??= {}
  draft.metadata.annotations = { ...draft.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}

function defaults(daemonSet: DaemonSet): void {
  const { spec } = daemonSet
  if (spec === undefined) return
  setTemplateGeneration(daemonSet, templateGeneration(daemonSet))
  spec.updateStrategy ??= {}
  const strategy = spec.updateStrategy
  strategy.type ||= 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {}
    strategy.rollingUpdate.maxUnavailable ??= 1
    strategy.rollingUpdate.maxSurge ??= 0
  }
  spec.revisionHistoryLimit ??= 10
  defaultPodTemplate(spec.template)
}

function validate({ spec }: DaemonSet, errors: FieldErrors): void {
  const { selector, template } = spec ?? {}
  validateLabelSelector(selector, SELECTOR_PATH, errors)
  if (isUsableSelector(selector)) validateTemplateLabels(selector, template, errors)
  if (selector !== undefined && isEmptySelector(selector))
    errors.push(fieldError.invalid(SELECTOR_PATH, shownSelector(selector), 'empty selector is invalid for daemonset'))
  validatePodTemplateSpec(template, TEMPLATE_PATH, errors)
  validateEndlessTemplate(template, 'DaemonSet', errors)
  validateNonnegative(spec?.minReadySeconds, SPEC.child('minReadySeconds'), errors)
  validateUpdateStrategy(spec?.updateStrategy ?? {}, errors)
  validateNonnegative(spec?.revisionHistoryLimit, SPEC.child('revisionHistoryLimit'), errors)
}

function validateUpdateStrategy(strategy: DaemonSetUpdateStrategy, errors: FieldErrors): void {
  const path = SPEC.child('updateStrategy')
  if (strategy.type === 'OnDelete') return
  if (strategy.type !== 'RollingUpdate')
    errors.push(fieldError.notSupported(path, shownStruct(SHOWN_DAEMON_SET_STRATEGY, strategy), ['RollingUpdate', 'OnDelete']))
  else if (strategy.rollingUpdate === undefined) errors.push(fieldError.required(path.child('rollingUpdate')))
  else validateRollingUpdate(strategy.rollingUpdate, errors)
}

function validateRollingUpdate({ maxUnavailable, maxSurge }: RollingUpdateDaemonSet, errors: FieldErrors): void {
  const path = SPEC.child('updateStrategy').child('rollingUpdate')
  validateShare(maxUnavailable, path.child('maxUnavailable'), errors)
  validateShare(maxSurge, path.child('maxSurge'), errors)
  validateAtMostAll(maxUnavailable, path.child('maxUnavailable'), errors)
  validateAtMostAll(maxSurge, path.child('maxSurge'), errors)
  const unavailable = shareNumber(maxUnavailable) !== 0
  const surges = shareNumber(maxSurge) !== 0
  if (unavailable && surges)
    errors.push(fieldError.invalid(path.child('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero'))
  else if (!unavailable && !surges) errors.push(fieldError.required(path.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0'))
}

function validateStatus({ status }: DaemonSet, old: DaemonSet, errors: FieldErrors): void {
  validateCounts({ ...status }, COUNTS, STATUS, errors)
  validateCollisions(status?.collisionCount, old.status?.collisionCount, errors)
}
