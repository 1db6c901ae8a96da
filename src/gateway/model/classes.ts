import type { networking } from '#api'

/** Who serves an Ingress, as IngressClasses name it. */
export const CONTROLLER = 'sampan.io/gateway'
const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class'
export const OLD_CLASS = 'kubernetes.io/ingress.class'

/** The classes of this gateway. */
export interface OwnClasses {
  readonly names: ReadonlySet<string>
  /** Of Ingresses that name none; it may be another controller's. */
  readonly byDefault: string | undefined
}

export function ownClasses(classes: readonly networking.IngressClass[]): OwnClasses {
  return {
    names: new Set(classes.filter(({ spec }) => spec?.controller === CONTROLLER).map(nameOf)),
    byDefault: defaultOf(classes),
  }
}

/** An Ingress without a class belongs to the default class, as if that had been there when it was made. */
export function isOurs({ metadata, spec }: networking.Ingress, { names, byDefault }: OwnClasses): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false
  const name = spec?.ingressClassName ?? metadata?.annotations?.[OLD_CLASS] ?? byDefault
  return name !== undefined && names.has(name)
}

/** The newest one, where several say so: the rule of admission. */
function defaultOf(classes: readonly networking.IngressClass[]): string | undefined {
  return classes
    .filter(({ metadata }) => metadata?.annotations?.[DEFAULT_CLASS] === 'true')
    .toSorted((a, b) => compare(b.metadata?.creationTimestamp ?? '', a.metadata?.creationTimestamp ?? '') || compare(nameOf(a), nameOf(b)))
    .map(nameOf)[0]
}

const nameOf = ({ metadata }: networking.IngressClass): string => metadata?.name ?? ''
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
