import { deepEqual } from '../../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'

/** A node affinity may only come to want more than before, term by term. */
export function tightensNodeAffinity(
  affinity: core.NodeAffinity | undefined,
  before: core.NodeAffinity | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  const [terms, old] = [affinity?.[REQUIRED]?.nodeSelectorTerms ?? [], before?.[REQUIRED]?.nodeSelectorTerms ?? []]
  if (old.length === 0) return
  const at = path.child(REQUIRED).child('nodeSelectorTerms')
  if (terms.length !== old.length) {
    errors.push(
      fieldError.invalid(
        at,
        affinity?.[REQUIRED]?.nodeSelectorTerms,
        'no additions/deletions to non-empty NodeSelectorTerms list are allowed',
      ),
    )
    return
  }
  terms.forEach((term, i) => {
    if (!onlyAdds(term, old[i] ?? {}))
      errors.push(fieldError.invalid(at.index(i), term, 'only additions are allowed (no mutations or deletions)'))
  })
}

function onlyAdds(term: core.NodeSelectorTerm, old: core.NodeSelectorTerm): boolean {
  const lists = [
    [term.matchExpressions ?? [], old.matchExpressions ?? []],
    [term.matchFields ?? [], old.matchFields ?? []],
  ] as const
  // A term without requirements matches nothing: any requirement would make it match more.
  if (lists.every(([, before]) => before.length === 0)) return lists.every(([now]) => now.length === 0)
  return lists.every(([now, before]) => deepEqual(now.slice(0, before.length), before))
}
