import type { ReferenceGrant } from './kinds.ts'

export interface Referrer {
  readonly group: string
  readonly kind: string
  readonly namespace: string
}

export interface Referred extends Referrer {
  readonly name: string
}

/** Whether an object may name another one: in its own namespace always, elsewhere when the owner of the other one has said so. */
export function mayRefer(from: Referrer, to: Referred, grantsIn: (namespace: string) => readonly ReferenceGrant[]): boolean {
  if (from.namespace === to.namespace) return true
  return grantsIn(to.namespace).some(
    ({ spec }) =>
      spec.from.some(({ group, kind, namespace }) => group === from.group && kind === from.kind && namespace === from.namespace) &&
      spec.to.some(
        ({ group, kind, name }) => group === to.group && kind === to.kind && (name === undefined || name === '' || name === to.name),
      ),
  )
}
