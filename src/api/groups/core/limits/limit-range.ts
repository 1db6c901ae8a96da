import { defineResource } from '../../../define.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import { canonicalQuantity, compareQuantities, quantityMilli } from '../../../meta/quantity.ts'
import * as refs from '../../../refs.gen.ts'
import type { LimitRange, LimitRangeItem } from '../../../types/core-v1.gen.ts'
import { qualifiedNameErrors } from '../../../validation/names.ts'
import { isHugePageResource, isNativeResource, validateContainerResourceName, validateResourceName } from '../../../validation/resources.ts'
import { invalidText } from '../../../validation/values.ts'

const LIMITS = Path.of('spec', 'limits')
const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim']

export const limitRanges = defineResource(refs.limitranges, {
  strategy: {
    createOnUpdate: true,
    unnamed: 'uuid',
    defaults: ({ spec }) => {
      for (const item of spec?.limits ?? []) if (item.type === 'Container') defaultItem(item)
    },
    validate,
    validateUpdate: (range, _old, errors) => validate(range, errors),
  },
})

/** What a container may use at most is what it gets, and what it gets is what it asks for, unless something else is said. */
function defaultItem(item: LimitRangeItem): void {
  const limits = { ...item.max, ...item.default }
  const requests = { ...item.min, ...limits, ...item.defaultRequest }
  if (Object.keys(limits).length > 0) item.default = limits
  if (Object.keys(requests).length > 0) item.defaultRequest = requests
}

function validate({ spec }: LimitRange, errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [i, item] of (spec?.limits ?? []).entries()) {
    const path = LIMITS.index(i)
    const type = item.type ?? ''
    validateType(type, path.child('type'), errors)
    if (seen.has(type)) errors.push(fieldError.duplicate(path.child('type'), type))
    seen.add(type)
    validateNames(item, path, errors)
    for (const name of new Set([
      ...Object.keys(item.max ?? {}),
      ...Object.keys(item.min ?? {}),
      ...Object.keys(defaultsOf(item)),
      ...Object.keys(item.maxLimitRequestRatio ?? {}),
    ]))
      validateOrder(item, name, path, errors)
  }
}

function validateType(type: string, path: Path, errors: FieldErrors): void {
  const messages = qualifiedNameErrors(type)
  invalidText(type, messages, path, errors)
  if (messages.length === 0 && !type.includes('/') && !TYPES.includes(type))
    errors.push(fieldError.invalid(path, type, 'must be a standard limit type or fully qualified'))
}

/** Pods have no defaults: what stands there is refused, and looked at no further. */
const defaultsOf = (item: LimitRangeItem): Readonly<Record<string, string>> =>
  item.type === 'Pod' ? {} : { ...item.default, ...item.defaultRequest }

function validateNames(item: LimitRangeItem, path: Path, errors: FieldErrors): void {
  const check = item.type === 'Pod' || item.type === 'Container' ? validateContainerResourceName : validateResourceName
  const checkAll = (field: 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio'): void => {
    for (const name of Object.keys(item[field] ?? {})) check(name, path.child(field).key(name), errors)
  }
  checkAll('max')
  checkAll('min')
  for (const field of ['default', 'defaultRequest'] as const) {
    if (item.type !== 'Pod') checkAll(field)
    else if (Object.keys(item[field] ?? {}).length > 0)
      errors.push(fieldError.forbidden(path.child(field), "may not be specified when `type` is 'Pod'"))
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined)
    errors.push(fieldError.required(path.child('limits'), 'either minimum or maximum storage value is required, but neither was provided'))
  checkAll('maxLimitRequestRatio')
}

/** Minimum ≤ default request ≤ default ≤ maximum, for one resource. */
function validateOrder(item: LimitRangeItem, name: string, path: Path, errors: FieldErrors): void {
  const isPod = item.type === 'Pod'
  const min = item.min?.[name]
  const max = item.max?.[name]
  const limit = isPod ? undefined : item.default?.[name]
  const request = isPod ? undefined : item.defaultRequest?.[name]
  const ordered = (
    field: 'min' | 'default' | 'defaultRequest',
    low: Amount,
    lowName: string,
    high: Amount,
    highName: string,
    shown: Amount,
  ): void => {
    if (low === undefined || high === undefined || shown === undefined || compareQuantities(low, high) <= 0) return
    const why = `${lowName} value ${canonicalQuantity(low)} is greater than ${highName} value ${canonicalQuantity(high)}`
    errors.push(fieldError.invalid(path.child(field).key(name), canonicalQuantity(shown), why))
  }
  ordered('min', min, 'min', max, 'max', min)
  ordered('defaultRequest', min, 'min', request, 'default request', request)
  ordered('defaultRequest', request, 'default request', max, 'max', request)
  ordered('defaultRequest', request, 'default request', limit, 'default limit', request)
  ordered('default', min, 'min', limit, 'default', min)
  ordered('default', limit, 'default', max, 'max', max)
  validateRatio(item.maxLimitRequestRatio?.[name], min, max, path.child('maxLimitRequestRatio').key(name), errors)
  const overcommits = isNativeResource(name) && !isHugePageResource(name)
  if (!overcommits && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0) {
    const why = `default value ${canonicalQuantity(limit)} must equal to defaultRequest value ${canonicalQuantity(request)} in ${name}`
    errors.push(fieldError.invalid(path.child('defaultRequest').key(name), canonicalQuantity(request), why))
  }
}

type Amount = string | undefined

function validateRatio(ratio: Amount, min: Amount, max: Amount, path: Path, errors: FieldErrors): void {
  if (ratio === undefined) return
  const shown = canonicalQuantity(ratio)
  if (compareQuantities(ratio, 1) < 0) errors.push(fieldError.invalid(path, shown, `ratio ${shown} is less than 1`))
  if (min === undefined || max === undefined) return
  const most = quantityMilli(max) / quantityMilli(min)
  if (quantityMilli(ratio) / 1000 > most)
    errors.push(fieldError.invalid(path, shown, `ratio ${shown} is greater than max/min = ${most.toFixed(6)}`))
}
