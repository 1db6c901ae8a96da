import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { isMirrorPod } from '../visit.ts'
import { validatePod } from './pod.ts'

const LIST = Path.of('spec', 'ephemeralContainers')
const WHOLE = Path.of('')

/** Containers for looking into a running pod can be added, and stay as they were added. */
export function validateEphemeralUpdate(pod: core.Pod, old: core.Pod, errors: FieldErrors): void {
  validatePod(pod, errors, old.spec)
  if (isMirrorPod(old)) {
    errors.push(fieldError.forbidden(WHOLE, 'static pods do not support ephemeral containers'))
    return
  }
  const containers = pod.spec?.ephemeralContainers ?? []
  for (const before of old.spec?.ephemeralContainers ?? []) {
    const now = containers.find(({ name }) => name === before.name)
    const which = `existing ephemeral containers ${JSON.stringify(before.name)}`
    if (now === undefined) errors.push(fieldError.forbidden(LIST, `${which} may not be removed\n`))
    else if (!deepEqual(now, before)) {
      errors.push(
        fieldError.forbidden(LIST, `${which} may not be changed\n@@ -1,1 +1,1 @@\n-${JSON.stringify(before)}\n+${JSON.stringify(now)}\n`),
      )
    }
  }
}
