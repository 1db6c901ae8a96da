import type { networking } from '#api'

/** Who serves an Ingress, as IngressClasses name it. */
export const CONTROLLER = 'sampan.io/gateway'
const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class'
export const OLD_CLASS = 'kubernetes.io/ingress.class'

/**
 * The Ingresses that are this gateway's, the oldest first. One without a class belongs to the default class, as if that had been there when
 * it was made.
 */
export function oursOf(
  ingresses: readonly networking.Ingress[],
  classes: readonly networking.IngressClass[],
): readonly networking.Ingress[] {
  const own = new Set(classes.filter(({ spec }) => spec?.controller === CONTROLLER).map(({ metadata }) => metadata?.name ?? ''))
  const byDefault = defaultOf(classes)
  return ingresses
    .filter(({ metadata, spec }) => {
      if (metadata?.deletionTimestamp !== undefined) return false
      const name = spec?.ingressClassName ?? metadata?.annotations?.[OLD_CLASS] ?? byDefault
      return name !== undefined && own.has(name)
    })
    .map((ingress) => ({ ingress, age: ageOf(ingress) }))
    .sort((a, b) => compare(a.age, b.age))
    .map(({ ingress }) => ingress)
}

/** The newest one, where several say so: the rule of admission. */
function defaultOf(classes: readonly networking.IngressClass[]): string | undefined {
  return classes
    .filter(({ metadata }) => metadata?.annotations?.[DEFAULT_CLASS] === 'true')
    .toSorted((a, b) => compare(b.metadata?.creationTimestamp ?? '', a.metadata?.creationTimestamp ?? '') || compare(nameOf(a), nameOf(b)))
    .map(nameOf)[0]
}

const nameOf = ({ metadata }: networking.IngressClass): string => metadata?.name ?? ''
const ageOf = ({ metadata }: networking.Ingress): string =>
  `${metadata?.creationTimestamp ?? ''} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
