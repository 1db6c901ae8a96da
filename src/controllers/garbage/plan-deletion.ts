import type { OwnerReference } from '#api'

/** How an owner that a reference names was found, by asking for it. */
export type OwnerState = 'there' | 'absent' | 'waits-for-dependents' | 'unknown-kind' | 'impossible'

export type DeletionPlan =
  | { readonly kind: 'keep' }
  /** References that have lost their meaning go; the object stays for the others. */
  | { readonly kind: 'drop-references'; readonly uids: readonly string[] }
  | { readonly kind: 'delete'; readonly policy: 'Orphan' | 'Background' | 'Foreground'; readonly unblock: boolean }

export interface DependentView {
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[]
  readonly finalizers: readonly string[]
  readonly hasDependents: boolean
  /** One of its dependents is waiting for dependents of its own: a circle, unless the references stop blocking. */
  readonly dependentWaits: boolean
}

/** What becomes of an object with owners: it lives as long as one of them does. An owner that cannot be looked up counts as living. */
export function planDeletion(view: DependentView): DeletionPlan {
  const inState = (...states: readonly OwnerState[]): readonly string[] =>
    view.owners.filter(({ state }) => states.includes(state)).map(({ reference }) => reference.uid)
  if (view.owners.length === 0 || inState('unknown-kind', 'impossible').length > 0) return { kind: 'keep' }
  const absent = inState('absent')
  const waiting = inState('waits-for-dependents')
  if (inState('there').length > 0)
    return absent.length + waiting.length === 0 ? { kind: 'keep' } : { kind: 'drop-references', uids: [...absent, ...waiting] }
  if (waiting.length > 0 && view.hasDependents) return { kind: 'delete', policy: 'Foreground', unblock: view.dependentWaits }
  const policy = view.finalizers.includes('orphan')
    ? 'Orphan'
    : view.finalizers.includes('foregroundDeletion')
      ? 'Foreground'
      : 'Background'
  return { kind: 'delete', policy, unblock: false }
}
