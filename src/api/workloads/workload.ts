import { deepEqual } from '../meta/deep.ts'
import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { KubeObject } from '../meta/object.ts'
import { Path } from '../meta/path.ts'
import { formatLabelSelector, labelSelectorOf } from '../meta/selectors.ts'
import type { PodTemplateSpec } from '../types/core-v1.gen.ts'
import { validateLabelSelector } from '../validation/label-selector.ts'
import { validateNonnegative } from '../validation/values.ts'

/** What all kinds that make pods from a template share. */
export type Selector = NonNullable<Parameters<typeof labelSelectorOf>[0]>

interface Workload extends KubeObject {
  spec?: { selector?: Selector | undefined; template?: PodTemplateSpec | undefined } | undefined
  status?: unknown
}

export const SPEC = Path.of('spec')
export const STATUS = Path.of('status')
export const SELECTOR_PATH = SPEC.child('selector')
export const TEMPLATE_PATH = SPEC.child('template')

/** `status` belongs to its own path. */
export function keepStatus<T extends { status?: unknown }>(draft: T, old: T): void {
  if (old.status === undefined) delete draft.status
  else draft.status = old.status
}

export function clearStatus<T extends { status?: unknown }>(draft: T): void {
  draft.status = {}
}

/** A status update leaves everything else as it was. */
export function keepSpec<T extends { spec?: unknown }>(draft: T, old: T): void {
  if (old.spec === undefined) delete draft.spec
  else draft.spec = old.spec
}

export function validateSelector(selector: Selector | undefined, errors: FieldErrors, emptyMessage = 'empty selector is invalid for deployment'): void {
  if (selector === undefined) {
    errors.push(fieldError.required(SELECTOR_PATH))
    return
  }
  const before = errors.length
  validateLabelSelector(selector, SELECTOR_PATH, errors)
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) errors.push(fieldError.invalid(SELECTOR_PATH, selector, emptyMessage))
  else if (errors.length > before && !compiles(selector)) errors.push(fieldError.invalid(SELECTOR_PATH, selector, 'invalid label selector'))
}

const compiles = (selector: Selector): boolean => selectorOf(selector) !== undefined

function selectorOf(selector: Selector | undefined): ReturnType<typeof labelSelectorOf> | undefined {
  try {
    return selector === undefined ? undefined : labelSelectorOf(selector)
  } catch {
    return undefined
  }
}

/** The pods that are made must be found again. An absent selector finds nothing. */
export function validateTemplateLabels(selector: Selector | undefined, template: PodTemplateSpec | undefined, errors: FieldErrors): void {
  const labels = template?.metadata?.labels
  const compiled = selectorOf(selector)
  if (selector !== undefined && compiled === undefined) return
  if (selector !== undefined && Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) return
  if (compiled === undefined || !compiled.matches(labels ?? {}))
    errors.push(fieldError.invalid(TEMPLATE_PATH.child('metadata').child('labels'), labels ?? null, '`selector` does not match template `labels`'))
}

/** Restart policies other than Always make no sense for pods that are replaced when they end. */
export function validateAlwaysRestarted(template: PodTemplateSpec | undefined, errors: FieldErrors): void {
  const spec = TEMPLATE_PATH.child('spec')
  const policy = template?.spec?.restartPolicy
  if (template?.spec !== undefined && policy !== 'Always') errors.push(fieldError.notSupported(spec.child('restartPolicy'), policy ?? '', ['Always']))
}

export function validateNoDeadline(template: PodTemplateSpec | undefined, errors: FieldErrors): void {
  if (template?.spec?.activeDeadlineSeconds !== undefined)
    errors.push(fieldError.forbidden(TEMPLATE_PATH.child('spec').child('activeDeadlineSeconds'), 'activeDeadlineSeconds in ReplicaSet is not Supported'))
}

/** Every count is a whole number from 0 on. */
export function validateCounts(object: Readonly<Record<string, unknown>> | undefined, names: readonly string[], path: Path, errors: FieldErrors): void {
  for (const name of names) {
    const value = object?.[name]
    if (typeof value === 'number') validateNonnegative(value, path.child(name), errors)
  }
}

/** No count may be above another one. */
export function validateAtMost(counts: Readonly<Record<string, unknown>> | undefined, pairs: readonly (readonly [lower: string, upper: string])[], errors: FieldErrors): void {
  const valueOf = (name: string): number => Number(counts?.[name] ?? 0)
  for (const [lower, upper] of pairs)
    if (valueOf(lower) > valueOf(upper)) errors.push(fieldError.invalid(STATUS.child(lower), valueOf(lower), `cannot be greater than status.${upper}`))
}

/** What raises the generation of a workload: its spec, and for some kinds its annotations. */
export function specChanged<T extends Workload>(object: T, old: T): boolean {
  return !deepEqual(object.spec, old.spec)
}

export const containerNames = (object: Workload): string => (object.spec?.template?.spec?.containers ?? []).map((container) => container.name).join(',')
export const containerImages = (object: Workload): string => (object.spec?.template?.spec?.containers ?? []).map((container) => container.image ?? '').join(',')
export const selectorText = (object: Workload): string => (object.spec?.selector === undefined ? '<none>' : formatLabelSelector(object.spec.selector))

/** The selector of a Scale's status. */
export const scaleSelector = (object: Workload): string => (object.spec?.selector === undefined ? '' : formatLabelSelector(object.spec.selector))
