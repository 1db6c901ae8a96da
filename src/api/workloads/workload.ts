import { deepEqual } from '../meta/deep.ts'
import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { KubeObject } from '../meta/object.ts'
import { Path } from '../meta/path.ts'
import { type LabelSelectorObject, formatLabelSelector } from '../meta/selectors.ts'
import type { PodTemplateSpec } from '../types/core-v1.gen.ts'
import { dnsLabelErrors } from '../validation/names.ts'
import { validateNonnegative } from '../validation/values.ts'

/** What all kinds that make pods from a template share. */
interface Workload extends KubeObject {
  spec?: { selector?: LabelSelectorObject | undefined; template?: PodTemplateSpec | undefined } | undefined
  status?: unknown
}

export const METADATA = Path.of('metadata')
export const SPEC = Path.of('spec')
export const STATUS = Path.of('status')
export const SELECTOR_PATH = SPEC.child('selector')
export const TEMPLATE_PATH = SPEC.child('template')

/** Whether a write is a new wish: who only touches labels or the status is not warned about the rest again. */
export function isNewlyWanted(draft: KubeObject, old: KubeObject | undefined): boolean {
  return old === undefined || draft.metadata?.generation !== old.metadata?.generation
}

/** `status` belongs to its own path. */
export function keepStatus<T extends { status?: unknown }>(draft: T, old: T): void {
  if (old.status === undefined) delete draft.status
  else draft.status = old.status
}

/** A status update leaves everything else as it was. */
export function keepSpec<T extends { spec?: unknown }>(draft: T, old: T): void {
  if (old.spec === undefined) delete draft.spec
  else draft.spec = old.spec
}

/** A status update that leaves the metadata as it was too. */
export function keepSpecAndMetadata<T extends KubeObject & { spec?: unknown }>(draft: T, old: T): void {
  keepSpec(draft, old)
  const meta = (draft.metadata ??= {})
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    delete meta[field]
    if (old.metadata?.[field] !== undefined) Object.assign(meta, { [field]: old.metadata[field] })
  }
}

/** Restart policies other than Always make no sense for pods that are replaced when they end; nor does an end that is set. */
export function validateEndlessTemplate(template: PodTemplateSpec | undefined, kind: string, errors: FieldErrors): void {
  const path = TEMPLATE_PATH.child('spec')
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {}
  if (restartPolicy !== 'Always') errors.push(fieldError.notSupported(path.child('restartPolicy'), restartPolicy, ['Always']))
  if (activeDeadlineSeconds !== undefined)
    errors.push(fieldError.forbidden(path.child('activeDeadlineSeconds'), `activeDeadlineSeconds in ${kind} is not Supported`))
}

/** Every count is a whole number from 0 on. */
export function validateCounts(
  object: Readonly<Record<string, unknown>> | undefined,
  names: readonly string[],
  path: Path,
  errors: FieldErrors,
): void {
  for (const name of names) {
    const value = object?.[name]
    if (typeof value === 'number') validateNonnegative(value, path.child(name), errors)
  }
}

/** No count of the status may be above another one. */
export function validateAtMost(
  counts: Readonly<Record<string, unknown>> | undefined,
  pairs: readonly (readonly [lower: string, upper: string, shown?: string])[],
  errors: FieldErrors,
): void {
  const valueOf = (name: string): number => Number(counts?.[name] ?? 0)
  for (const [lower, upper, shown = `status.${upper}`] of pairs) {
    if (valueOf(lower) > valueOf(upper))
      errors.push(fieldError.invalid(STATUS.child(lower), valueOf(lower), `cannot be greater than ${shown}`))
  }
}

/** How often names of revisions collided: a number that may only go up. */
export function validateCollisions(count: number | undefined, old: number | undefined, errors: FieldErrors): void {
  if (old === undefined || (count ?? 0) >= old) return
  errors.push(fieldError.invalid(STATUS.child('collisionCount'), count ?? 0, 'cannot be decremented'))
}

/** A name that is no DNS label makes poor host names of pods. */
export function nameWarnings({ metadata }: KubeObject, old: KubeObject | undefined): readonly string[] {
  const messages = old === undefined ? dnsLabelErrors(metadata?.name ?? '') : []
  if (messages.length === 0) return []
  const what = 'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended'
  return [`${what}: [${messages.join(' ')}]`]
}

export function specChanged<T extends Workload>(object: T, old: T): boolean {
  return !deepEqual(object.spec, old.spec)
}

export const containerNames = (object: Workload): string => templateNames(object.spec?.template)
export const containerImages = (object: Workload): string => templateImages(object.spec?.template)
export const selectorText = ({ spec }: Workload): string => selectorCell(spec?.selector)

export function templateNames(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map((container) => container.name).join(',')
}
export function templateImages(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map((container) => container.image ?? '').join(',')
}
export function selectorCell(selector: LabelSelectorObject | undefined): string {
  return selector === undefined ? '<none>' : formatLabelSelector(selector) || '<none>'
}

/** The selector of a Scale's status. */
export const scaleSelector = (object: Workload): string => formatLabelSelector(object.spec?.selector)
