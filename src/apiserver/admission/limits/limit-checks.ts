import { type Amounts, canonicalQuantity, compareQuantities, type core, quantityToNumber } from '#api'

/** What is wrong with these amounts, by one item of a LimitRange. `limits` absent: the thing has only requests. */
export function checkLimits(item: core.LimitRangeItem, requests: Amounts, limits: Amounts | undefined): readonly string[] {
  const check = (bounds: Amounts | undefined, test: (resource: string, bound: string) => string | undefined): readonly string[] =>
    Object.keys(bounds ?? {})
      .sort()
      .flatMap((resource) => test(resource, bounds?.[resource] ?? '0') ?? [])
  return [
    ...check(item.min, (resource, bound) => tooLittle(item.type, resource, bound, requests[resource], limits?.[resource])),
    ...check(item.max, (resource, bound) =>
      tooMuch(item.type, resource, bound, requests[resource], limits?.[resource], limits === undefined),
    ),
    ...check(item.maxLimitRequestRatio, (resource, bound) =>
      tooFarApart(item.type, resource, bound, requests[resource], limits?.[resource]),
    ),
  ]
}

const shown = canonicalQuantity

function tooLittle(
  type: string,
  resource: string,
  bound: string,
  request: string | undefined,
  limit: string | undefined,
): string | undefined {
  const rule = `minimum ${resource} usage per ${type} is ${shown(bound)}`
  if (request === undefined) return `${rule}.  No request is specified`
  if (compareQuantities(request, bound) < 0) return `${rule}, but request is ${shown(request)}`
  if (limit !== undefined && compareQuantities(limit, bound) < 0) return `${rule}, but limit is ${shown(limit)}`
  return undefined
}

function tooMuch(
  type: string,
  resource: string,
  bound: string,
  request: string | undefined,
  limit: string | undefined,
  requestsOnly: boolean,
): string | undefined {
  const rule = `maximum ${resource} usage per ${type} is ${shown(bound)}`
  if (requestsOnly) {
    if (request === undefined) return `${rule}.  No request is specified`
    return compareQuantities(request, bound) > 0 ? `${rule}, but request is ${shown(request)}` : undefined
  }
  if (limit === undefined) return `${rule}.  No limit is specified`
  if (compareQuantities(limit, bound) > 0) return `${rule}, but limit is ${shown(limit)}`
  if (request !== undefined && compareQuantities(request, bound) > 0) return `${rule}, but request is ${shown(request)}`
  return undefined
}

function tooFarApart(
  type: string,
  resource: string,
  bound: string,
  request: string | undefined,
  limit: string | undefined,
): string | undefined {
  const rule = `${resource} max limit to request ratio per ${type} is ${shown(bound)}`
  const asked = quantityToNumber(request ?? '0')
  if (asked === 0) return `${rule}, but no request is specified or request is 0`
  const allowed = quantityToNumber(limit ?? '0')
  if (allowed === 0) return `${rule}, but no limit is specified or limit is 0`
  const ratio = allowed / asked
  return ratio > quantityToNumber(bound) ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}
